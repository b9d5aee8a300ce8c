"""Plots the rates of lossless photographs, picture by picture."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.baselines.names import JPEG_XL_9, WEBP
from experiments.lossless_pictures.names import OURS, rows_by_name
from experiments.reporting import figures

_STYLES = {
    OURS: {"color": figures.OURS, "marker": "o"},
    JPEG_XL_9: {"color": figures.SKY, "marker": "s"},
    WEBP: {"color": figures.BROWN, "marker": "^"},
}


def plot(result: dict[str, Any], path: Path) -> None:
    """Plots the rate of each picture, and our file against that of JPEG XL where it was measured.

    Args:
        result: The recorded result of `experiments.lossless_pictures.run`.
        path: File of the plot.
    """
    by_name = rows_by_name(result)
    both = JPEG_XL_9 in by_name
    title = f"{result['data']['count']} photographs of Kodak without loss, one file each"
    size = (figures.WIDTH, 7.0 if both else 4.0)
    made, panels = figures.figure(1 + both, 1, size, title, sharex=True)
    _rates(panels[0, 0], by_name)
    if both:
        _difference(panels[1, 0], by_name)
    panels[-1, 0].set_xlabel("picture, by its number in the set", fontsize=9)
    figures.save(made, path)


def _rates(panel: Any, by_name: dict[str, dict[str, Any]]) -> None:
    for name, style in _STYLES.items():
        if name in by_name:
            rates = by_name[name]["bits_per_subpixel"]
            label = f"{name}: mean {np.mean(rates):.3f}"
            panel.plot(_numbers(rates), rates, linestyle="none", markersize=5, label=label, **style)
    panel.legend(frameon=False, fontsize=9, ncols=3, loc="lower left", bbox_to_anchor=(0, 0.99))
    figures.name(panel, "", "", "bits per channel and pixel (lower is better)")


def _difference(panel: Any, by_name: dict[str, dict[str, Any]]) -> None:
    ours, theirs = (np.asarray(by_name[name]["file_bytes"], float) for name in (OURS, JPEG_XL_9))
    panel.bar(_numbers(ours), 100 * (ours / theirs - 1), color=figures.OURS)
    total = 100 * (ours.sum() / theirs.sum() - 1)
    panel.axhline(0, color=figures.GREY, linewidth=0.8)
    panel.axhline(total, color="black", linestyle="--", linewidth=1.2, label=f"all files together: {total:+.1f}%")
    panel.set_xticks(_numbers(ours))
    panel.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 0.99))
    figures.name(panel, "", "", f"bytes of {OURS} against\n{JPEG_XL_9}, % (lower is better)")


def _numbers(values: Any) -> np.ndarray:
    return np.arange(1, len(values) + 1)
