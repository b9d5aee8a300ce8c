"""Panels of curves and histograms, in the manner of `plots`: questions as titles, colours for the colour-blind."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

# Okabe and Ito's.
BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#7f7f7f"


def figure(rows: int, columns: int, size: tuple[float, float], title: str, **options: Any) -> tuple[Any, np.ndarray]:
    """A figure with a title and its panels [rows, columns], which needs no display and leaves pyplot alone."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(made)
    made.suptitle(title, fontsize=12, fontweight="bold")
    panels = made.subplots(rows, columns, squeeze=False, **options)
    for panel in panels.flat:
        panel.spines[["top", "right"]].set_visible(False)
    return made, panels


def name(panel: Any, title: str, x: str, y: str) -> None:
    """The panel's question and its axes."""
    panel.set_title(title, fontsize=10)
    panel.set_xlabel(x, fontsize=9)
    panel.set_ylabel(y, fontsize=9)


def doublings(panel: Any) -> None:
    """A vertical axis of counts in powers of two, written out."""
    panel.set_yscale("log", base=2)
    panel.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def histogram(
    panel: Any,
    counts: Sequence[int],
    edges: Sequence[float],
    total: int,
    colour: str,
    label: str = "",
    fill: bool = True,
) -> None:
    """A density from counts of `total` samples, of which some may lie beyond the edges."""
    density = np.asarray(counts, float) / (total * np.diff(edges))
    style = {"fill": True, "alpha": 0.55} if fill else {"linewidth": 1.4}
    panel.stairs(density, edges, color=colour, label=label, **style)


def normal_curve(panel: Any, mean: float, scale: float, edges: Sequence[float], label: str = "") -> None:
    """The density of a normal over the range of a histogram."""
    x = np.linspace(edges[0], edges[-1], 400)
    density = np.exp(-0.5 * ((x - mean) / scale) ** 2) / (scale * np.sqrt(2 * np.pi))
    panel.plot(x, density, color="black", linewidth=1.1, label=label)


def save(made: Any, path: Path) -> None:
    """Write the figure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made.savefig(path, dpi=130)
