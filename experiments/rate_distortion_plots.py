"""The plot of rate and distortion: curves, what latents carry, and pictures side by side."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments import panels
from experiments.rate_distortion_curves import curve
from experiments.rate_distortion_notes import rows_of

_PEERS = {"JPEG": "#999999", "JPEG 2000": "#cc79a7", "WebP": panels.GREEN, "AVIF": panels.RED, "JPEG XL": "#56b4e9"}
_PRIORS = (panels.BLUE, panels.ORANGE, panels.GREEN, panels.RED)
_OURS = (panels.BLUE, panels.ORANGE, "black", "#f0e442")


def plot(result: dict[str, Any], path: Path) -> None:
    """Whole files, rates net of headers, divergences per latent; below, pictures and what is left of them."""
    shown = bool(result["pictures"])
    made, axes = panels.figure(1, 4 if shown else 3, (17.5 if shown else 13.5, 4.8), _title(result))
    _curves(axes[0][0], result, "bits_per_pixel", "Whole files")
    _curves(axes[0][1], result, "net_bits_per_pixel", "Others net of a flat picture's file")
    _divergences(axes[0][2], result)
    if shown:
        _pictures(axes[0][3], result)
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
    panel.legend(fontsize=7)
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


def _pictures(panel: Any, result: dict[str, Any]) -> None:
    rows = [np.hstack([*np.asarray(result["pictures"], np.uint8)])]
    names = ["original"]
    for row in rows_of(result, result["config"]["ways"][0]["label"])[::-1]:
        rows.append(np.hstack([*np.asarray(result["decoded"][str(row["prior"])], np.uint8)]))
        names.append(f"{row['bits_per_pixel']:.2f} bits/pixel")
    height = rows[0].shape[0]
    panel.imshow(np.vstack(rows), interpolation="nearest")
    panel.set_xticks([])
    panel.set_yticks([height * (k + 0.5) for k in range(len(rows))], names, fontsize=8)
    panels.name(panel, "What is left of pictures?", "", "")
