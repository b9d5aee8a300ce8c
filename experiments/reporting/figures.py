"""Draws panels of bars, curves and histograms; a method has the same colour in every plot."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

# The palette of Okabe and Ito, which is safe for the colour-blind.
BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#7f7f7f"
PINK, SKY = "#cc79a7", "#56b4e9"
INDIGO, WINE, PURPLE, BROWN = "#332288", "#882255", "#6a3d9a", "#8c6d31"

OURS, OTHERS = BLUE, "#b0b0b0"
"""Colours of bars that compare this package with other packages and codecs."""

METHODS = {
    "bb_ans": BLUE,
    "bb_ans_rec": PURPLE,
    "pfr": RED,
    "orc": ORANGE,
    "mrc": "black",
    "as_star": INDIGO,
    "ad_star": GREEN,
    "dad_star": GREEN,
    "gprs": PINK,
    "gprs_global": WINE,
    "grc": SKY,
    "grc_sample": BROWN,
}
"""The colour of each method; variants of a method differ by lines and markers."""

PARTITIONS = {"none": ORANGE, "informative": BLUE, "random": GREEN, "uninformative": RED}
"""The colour of each way to partition space, where a panel compares these with one coder."""

BLOCKS = {
    1: {"color": "#f3c25a", "marker": "o", "linestyle": "-"},
    2: {"color": ORANGE, "marker": "s", "linestyle": "--"},
    3: {"color": "#b87d00", "marker": "^", "linestyle": "-."},
    4: {"color": "#805800", "marker": "D", "linestyle": ":"},
    8: {"color": "#402c00", "marker": "v", "linestyle": (0, (6, 3))},
}
"""The line of ORC by the number of blocks of an image: shades of its colour, darker for more blocks."""

WIDTH = 9.0
"""Width of a figure in inches, at which its text is legible when it is shown 700 pixels wide."""

BAR_KEY = "bar: median of the rounds; whisker: smallest to largest; in brackets: recjax / package"
"""What the bars of plots of speed show."""


def figure(rows: int, columns: int, size: tuple[float, float], title: str, **options: Any) -> tuple[Any, np.ndarray]:
    """Makes a figure with a title and a grid of panels; it needs no display and leaves pyplot's state alone.

    Args:
        rows: The number of rows of panels.
        columns: The number of columns of panels.
        size: Width and height in inches.
        title: The title of the figure.
        **options: Passed to `Figure.subplots`.

    Returns:
        The matplotlib figure and its panels [rows, columns].
    """
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
    """Sets the title of a panel and the labels of its axes.

    Args:
        panel: The panel (matplotlib axes).
        title: What the panel shows.
        x: The label of the horizontal axis.
        y: The label of the vertical axis.
    """
    panel.set_title(title, fontsize=10)
    panel.set_xlabel(x, fontsize=9)
    panel.set_ylabel(y, fontsize=9)


def horizontal_bars(
    panel: Any,
    names: Sequence[str],
    rates: Sequence[Sequence[float]],
    colours: Sequence[str],
    labels: Sequence[str],
) -> None:
    """Draws a bar for the median of each list of rates, with whiskers from the smallest to the largest of them.

    Args:
        panel: The panel (matplotlib axes).
        names: The names of the bars, from top to bottom.
        rates: The rates of each bar.
        colours: The colour of each bar.
        labels: The text at the end of each bar.
    """
    middle = np.array([np.median(own) for own in rates])
    spread = np.abs([[m - min(own), max(own) - m] for m, own in zip(middle, rates, strict=True)]).T
    panel.barh(names, middle, xerr=spread, color=colours, capsize=2)
    for place, (own, text) in enumerate(zip(rates, labels, strict=True)):
        end = (max(own), place)
        panel.annotate(text, end, xytext=(5, 0), textcoords="offset points", va="center", fontsize=9)
    panel.invert_yaxis()


def doublings(panel: Any) -> None:
    """Makes the vertical axis of a panel logarithmic in powers of two, with the numbers written out.

    Args:
        panel: The panel (matplotlib axes).
    """
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
    """Draws a density from the counts of a histogram.

    Args:
        panel: The panel (matplotlib axes).
        counts: The number of samples in each bin.
        edges: The edges of the bins, one more than counts.
        total: The number of all samples, including those beyond the edges.
        colour: The colour.
        label: The entry in the legend.
        fill: Whether to fill the area under the outline.
    """
    density = np.asarray(counts, float) / (total * np.diff(edges))
    style = {"fill": True, "alpha": 0.55} if fill else {"linewidth": 1.4}
    panel.stairs(density, edges, color=colour, label=label, **style)


def normal_curve(panel: Any, mean: float, scale: float, edges: Sequence[float], label: str = "") -> None:
    """Draws the density of a normal distribution over the range of a histogram.

    Args:
        panel: The panel (matplotlib axes).
        mean: The mean.
        scale: The standard deviation.
        edges: The edges of the histogram's bins.
        label: The entry in the legend.
    """
    x = np.linspace(edges[0], edges[-1], 400)
    density = np.exp(-0.5 * ((x - mean) / scale) ** 2) / (scale * np.sqrt(2 * np.pi))
    panel.plot(x, density, color="black", linewidth=1.1, label=label)


def save(made: Any, path: Path) -> None:
    """Writes a figure to a file.

    Args:
        made: The figure.
        path: The file; its folder is created if needed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    made.savefig(path, dpi=130)
