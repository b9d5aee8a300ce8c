"""Draws stacked bars: titles ask questions, axes say which way is better, and colours are safe for the colour-blind."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from experiments.reporting import figures

PART_COLOURS = (figures.BLUE, figures.ORANGE, figures.PINK)
PLAIN_COLOUR = figures.OTHERS


class Bar(NamedTuple):
    """Describes a labelled bar.

    Attributes:
        label: The label beside the bar.
        parts: The lengths of the parts, laid end to end.
        plain: Whether the bar is drawn grey and undivided.
    """

    label: str
    parts: tuple[float, ...]
    plain: bool = False


def stacked_bars(
    path: Path,
    bars: Sequence[Bar],
    *,
    parts: Sequence[str],
    plain_label: str,
    line: tuple[float, str],
    title: str,
    axis: str,
    pictures: UInt8[np.ndarray, "count height width"],
    levels: int,
) -> None:
    """Draws horizontal bars with their totals under a strip of example pictures, and a dashed line for comparison.

    Args:
        path: The file to write; its folder is created if needed.
        bars: The bars, from top to bottom.
        parts: The names of the parts in the legend.
        plain_label: The name of the plain bars in the legend.
        line: The value of the dashed line and its name in the legend.
        title: The title.
        axis: The label of the horizontal axis.
        pictures: Grey images, drawn dark on light.
        levels: The number of grey levels; pixels are 0 to levels - 1.

    Raises:
        ValueError: A part is negative; its bar would be hidden by the next one.
    """
    for bar in bars:
        if min(bar.parts) < 0:
            raise ValueError(f"the parts of {bar.label!r} must not be negative, got {bar.parts}; split it otherwise.")
    size = (figures.WIDTH, 2.0 + 0.34 * len(bars))
    figure, axes = figures.figure(2, 1, size, title, height_ratios=(1, 0.62 * len(bars)))
    strip, chart = axes[:, 0]
    strip.imshow(_in_a_row(pictures, levels), cmap="gray_r", vmin=0, vmax=levels - 1)
    strip.set_axis_off()

    places = np.arange(len(bars))
    for kind, (name, colour) in enumerate(zip(parts, PART_COLOURS, strict=False)):
        rows = [i for i, bar in enumerate(bars) if not bar.plain]
        left = [sum(bars[i].parts[:kind]) for i in rows]
        chart.barh(places[rows], [bars[i].parts[kind] for i in rows], left=left, color=colour, label=name)
    rows = [i for i, bar in enumerate(bars) if bar.plain]
    chart.barh(places[rows], [sum(bars[i].parts) for i in rows], color=PLAIN_COLOUR, label=plain_label)
    for place, bar in zip(places, bars, strict=True):
        chart.annotate(
            f"{sum(bar.parts):.2f}", (sum(bar.parts), place), xytext=(4, 0), textcoords="offset points", va="center"
        )

    value, words = line
    chart.axvline(value, color="black", linestyle="--", linewidth=1.2, label=f"{words}: {value:.2f}")
    chart.set_yticks(places, [bar.label for bar in bars])
    chart.set_ylim(len(bars) - 0.45, -0.55)
    chart.set_xlim(0, 1.12 * max(sum(bar.parts) for bar in bars))
    chart.set_xlabel(axis)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    figures.save(figure, path)


def _in_a_row(pictures: np.ndarray, levels: int) -> np.ndarray:
    """Places pictures side by side with a light gap of two pixels between them."""
    count, height, width = pictures.shape
    padded = np.zeros((height, count * (width + 2)), np.uint8)
    for i, picture in enumerate(pictures):
        padded[:, i * (width + 2) : i * (width + 2) + width] = picture
    return padded
