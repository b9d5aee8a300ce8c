"""Plots rate and distortion: curves, the information in latents, savings, times, and example images."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from experiments.rate_distortion.curves import curve, savings_either_way
from experiments.rate_distortion.notes import codes_of, name_of, rows_of
from experiments.reporting import figures as panels

_PEERS = {
    "JPEG": panels.GREY,
    "JPEG 2000": panels.PINK,
    "WebP": panels.BROWN,
    "AVIF": panels.PURPLE,
    "JPEG XL": panels.SKY,
}
_PRIORS = ("#9ecae1", "#4292c6", "#08519c", "#041f3f")
_OURS = {
    "partition": panels.PARTITIONS["informative"],
    "16-bit blocks": panels.PARTITIONS["none"],
    "partition at random": panels.PARTITIONS["random"],
    "partition of what carries least": panels.PARTITIONS["uninformative"],
}


def plot(result: dict[str, Any], path: Path) -> None:
    """Plots six panels: two of rate-distortion curves, images, KL of the latents, bits saved, and encoding times.

    Args:
        result: The recorded result of `experiments.rate_distortion.run`.
        path: File of the plot.
    """
    made, axes = panels.figure(3, 2, (panels.WIDTH, 13.5), _title(result))
    _curves(axes[0][0], result, "bits_per_pixel", "whole files; whisker: standard error over pictures")
    _curves(axes[0][1], result, "net_bits_per_pixel", "other codecs without headers (net)")
    _pictures(axes[1][0], result)
    _divergences(axes[1][1], result)
    _savings(axes[2][0], result)
    _times(axes[2][1], result)
    made.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    panels.save(made, path)


def _title(result: dict[str, Any]) -> str:
    data = result["data"]
    return f"{data['count']} pictures of {name_of(data['name'])}: rate and distortion"


def _curves(panel: Any, result: dict[str, Any], key: str, title: str) -> None:
    ways = result["config"]["ways"]
    highest = 1.6 * max(row["bits_per_pixel"] for row in result["rows"])
    for name, points in result["peers"].items():
        bits, psnr = curve([point for point in points if point[key] > 0], key)
        panel.plot(bits, psnr, color=_PEERS.get(name, panels.GREY), linewidth=1.1, label=name)
    for way in ways:
        rows = sorted(rows_of(result, way["label"]), key=lambda row: row["bits_per_pixel"])
        bits, psnr, errors = ([row[field] for row in rows] for field in ("bits_per_pixel", "psnr_db", "psnr_se"))
        style = {"color": _colour(way), "marker": "o", "markersize": 4, "linewidth": 1.6, "capsize": 2}
        panel.errorbar(bits, psnr, yerr=errors, label=f"recjax, {name_of(way['label'])}", **style)
    panel.set_xlim(0, highest)
    low = min(row["psnr_db"] for row in result["rows"])
    panel.set_ylim(low - 3, max(row["psnr_db"] for row in result["rows"]) + 3)
    panels.name(panel, title, "bits/pixel", "PSNR, dB (higher is better)")


def _divergences(panel: Any, result: dict[str, Any]) -> None:
    model = result["model"]
    for rate, kl_bits, colour in zip(model["rates"], model["kl_bits"], _PRIORS, strict=False):
        kl = np.asarray(kl_bits, float)
        label = f"{rate:.2f} bits/pixel: {kl.mean():.2f} bits"
        panel.hist(kl, bins=np.arange(0, 8.25, 0.25), histtype="step", color=colour, linewidth=1.4, label=label)
    panel.set_yscale("log")
    panel.legend(fontsize=9, frameon=False, title="rate of the prior: mean KL", title_fontsize=9)
    panels.name(panel, "KL of the latents", "mean KL of a latent in training, bits", "number of latents")


def _savings(panel: Any, result: dict[str, Any]) -> None:
    ways = result["config"]["ways"]
    carried = [float(np.mean(kl)) for kl in result["model"]["kl_bits"]]
    first = ways[0]["label"]
    ours = rows_of(result, first)
    for way in ways[1:]:
        for style, code in zip(("o-", "s:"), codes_of(result, way["label"]), strict=False):
            others = rows_of(result, way["label"], code)
            # Where the others have too few points for a curve, each of their points is compared with our curve.
            pairs = [([row], others) for row in ours] if len(others) > 1 else [(ours, [row]) for row in others]
            priors = [row["prior"] for row in (ours if len(others) > 1 else others)]
            found = [savings_either_way(*pair) for pair in pairs]
            points = [(carried[prior], saved[0]) for prior, saved in zip(priors, found, strict=True) if saved]
            if points:
                x, y = np.asarray(points).T
                label = f"{name_of(way['label'])},\n{code} index code"
                panel.plot(x, 100 * y, style, color=_colour(way), markersize=4, label=label)
    panel.axhline(0, color=panels.GREY, linewidth=0.8)
    if panel.get_legend_handles_labels()[0]:
        low, high = panel.get_ylim()
        panel.set_ylim(low, high + 0.8 * (high - low))  # room for the legend
        panel.legend(fontsize=9, frameon=False, loc="upper left")
    panels.name(
        panel,
        f"bits saved by {name_of(first)} against",
        "mean KL of a latent in training, bits",
        "saved at equal PSNR, % (higher is better)",
    )


def _times(panel: Any, result: dict[str, Any]) -> None:
    for way in result["config"]["ways"]:
        rows = sorted(rows_of(result, way["label"]), key=lambda row: row["bits_per_pixel"])
        seconds = [row["encode_seconds"] / result["data"]["count"] for row in rows]
        bits = [row["bits_per_pixel"] for row in rows]
        panel.plot(bits, seconds, "o-", color=_colour(way), markersize=4)
    panel.set_ylim(bottom=0)
    panels.name(panel, "encoding time, all pictures together", "bits/pixel", "seconds per picture (lower is better)")


def _pictures(panel: Any, result: dict[str, Any]) -> None:
    rows = [_unpack(result["pictures"])]
    names = ["original"]
    for row in rows_of(result, result["config"]["ways"][0]["label"])[::-1]:
        rows.append(_unpack(result["decoded"][str(row["prior"])]))
        names.append(f"{row['bits_per_pixel']:.2f}\nbits/pixel")
    height = rows[0].shape[0]
    panel.imshow(np.vstack(rows), interpolation="nearest")
    panel.set_xticks([])
    panel.set_yticks([height * (k + 0.5) for k in range(len(rows))], names, fontsize=9)
    panels.name(panel, f"decoded pictures, {name_of(result['config']['ways'][0]['label'])}", "", "")


def _colour(way: dict[str, Any]) -> str:
    return _OURS.get(way["label"], "black")


def _unpack(png: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))))
