"""Plots rate and distortion: curves, the information in latents, savings, times, and example images."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from experiments.rate_distortion.curves import curve, savings_either_way
from experiments.rate_distortion.notes import codes_of, rows_of
from experiments.reporting import figures as panels

_PEERS = {"JPEG": "#999999", "JPEG 2000": "#cc79a7", "WebP": panels.GREEN, "AVIF": panels.RED, "JPEG XL": "#56b4e9"}
_PRIORS = (panels.BLUE, panels.ORANGE, panels.GREEN, panels.RED)
_OURS = (panels.BLUE, panels.ORANGE, "black", "#f0e442")


def plot(result: dict[str, Any], path: Path) -> None:
    """Plots six panels: two of rate-distortion curves, images, KL of the latents, bits saved, and encoding times.

    Args:
        result: The recorded result of `experiments.rate_distortion.run`.
        path: File of the plot.
    """
    made, axes = panels.figure(2, 3, (16.5, 9.2), _title(result))
    _curves(axes[0][0], result, "bits_per_pixel", "Whole files")
    _curves(axes[0][1], result, "net_bits_per_pixel", "Others net of a flat picture's file")
    _pictures(axes[0][2], result)
    _divergences(axes[1][0], result)
    _savings(axes[1][1], result)
    _times(axes[1][2], result)
    panels.save(made, path)


def _title(result: dict[str, Any]) -> str:
    data = result["data"]
    return f"{data['count']} pictures of {data['name']}: bits against quality"


def _curves(panel: Any, result: dict[str, Any], key: str, title: str) -> None:
    ways = result["config"]["ways"]
    highest = 1.6 * max(row["bits_per_pixel"] for row in result["rows"])
    for name, points in result["peers"].items():
        bits, psnr = curve([point for point in points if point[key] > 0], key)
        panel.plot(bits, psnr, color=_PEERS.get(name, panels.GREY), linewidth=1.1, label=name)
    for way, colour in zip(ways, _OURS, strict=False):
        rows = sorted(rows_of(result, way["label"]), key=lambda row: row["bits_per_pixel"])
        bits, psnr = ([row[field] for row in rows] for field in ("bits_per_pixel", "psnr_db"))
        panel.plot(bits, psnr, "o-", color=colour, markersize=4, linewidth=1.6, label=f"recjax, {way['label']}")
    panel.set_xlim(0, highest)
    low = min(row["psnr_db"] for row in result["rows"])
    panel.set_ylim(low - 3, max(row["psnr_db"] for row in result["rows"]) + 3)
    panel.legend(fontsize=7, loc="lower right")
    panels.name(panel, title, "bits per pixel", "PSNR, dB (higher is better)")


def _divergences(panel: Any, result: dict[str, Any]) -> None:
    model = result["model"]
    for rate, kl_bits, colour in zip(model["rates"], model["kl_bits"], _PRIORS, strict=False):
        kl = np.asarray(kl_bits, float)
        label = f"{rate:.2f} bits/pixel: {len(kl)} latents, {kl.mean():.2f} bits each"
        panel.hist(kl, bins=np.arange(0, 8.25, 0.25), histtype="step", color=colour, linewidth=1.4, label=label)
    panel.set_yscale("log")
    panel.legend(fontsize=7)
    panels.name(panel, "What does a latent carry?", "mean divergence in training, bits", "latents")


def _savings(panel: Any, result: dict[str, Any]) -> None:
    ways = result["config"]["ways"]
    carried = [float(np.mean(kl)) for kl in result["model"]["kl_bits"]]
    first = ways[0]["label"]
    ours = rows_of(result, first)
    for way, colour in zip(ways[1:], _OURS[1:], strict=False):
        for style, code in zip(("o-", "s:"), codes_of(result, way["label"]), strict=False):
            others = rows_of(result, way["label"], code)
            # Where the others have too few points for a curve, each of their points is compared with our curve.
            pairs = [([row], others) for row in ours] if len(others) > 1 else [(ours, [row]) for row in others]
            priors = [row["prior"] for row in (ours if len(others) > 1 else others)]
            found = [savings_either_way(*pair) for pair in pairs]
            points = [(carried[prior], saved[0]) for prior, saved in zip(priors, found, strict=True) if saved]
            if points:
                x, y = np.asarray(points).T
                label = f"against {way['label']}, {code} index"
                panel.plot(x, 100 * y, style, color=colour, markersize=4, label=label)
    panel.axhline(0, color=panels.GREY, linewidth=0.8)
    panel.axhline(5, color=panels.GREY, linewidth=0.8, linestyle="--")
    if panel.get_legend_handles_labels()[0]:
        panel.legend(fontsize=7)
    panels.name(
        panel, f"Bits that {first} saves", "mean bits of a latent that is sent", "% at equal PSNR (higher is better)"
    )


def _times(panel: Any, result: dict[str, Any]) -> None:
    for way, colour in zip(result["config"]["ways"], _OURS, strict=False):
        rows = sorted(rows_of(result, way["label"]), key=lambda row: row["bits_per_pixel"])
        seconds = [row["encode_seconds"] / result["data"]["count"] for row in rows]
        bits = [row["bits_per_pixel"] for row in rows]
        panel.plot(bits, seconds, "o-", color=colour, markersize=4, label=way["label"])
    panel.set_ylim(bottom=0)
    panel.legend(fontsize=7)
    panels.name(panel, "Time of encoding", "bits per pixel", "seconds per picture, all encoded together")


def _pictures(panel: Any, result: dict[str, Any]) -> None:
    rows = [_unpack(result["pictures"])]
    names = ["original"]
    for row in rows_of(result, result["config"]["ways"][0]["label"])[::-1]:
        rows.append(_unpack(result["decoded"][str(row["prior"])]))
        names.append(f"{row['bits_per_pixel']:.2f} bits/pixel")
    height = rows[0].shape[0]
    panel.imshow(np.vstack(rows), interpolation="nearest")
    panel.set_xticks([])
    panel.set_yticks([height * (k + 0.5) for k in range(len(rows))], names, fontsize=8)
    panels.name(panel, "What is left of pictures?", "", "")


def _unpack(png: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))))
