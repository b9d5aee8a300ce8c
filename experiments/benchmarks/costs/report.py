"""Renders how time grows, read from the recorded JSON, as a table of exponents and a plot."""

from pathlib import Path
from typing import Any

from experiments.reporting.plots import PART_COLOURS
from experiments.reporting.tables import Table, machine

_OF = {
    "divergence": ("KL divergence of a block, bits", "seconds a block", "2^({:.2f} KL)"),
    "batch": ("blocks of a call", "seconds a call", "blocks^{:.2f}"),
    "images": ("images of a file", "seconds, written and read", "images^{:.2f}"),
}


def tables(result: dict[str, Any]) -> list[Table]:
    """Renders the range and the exponent of each curve.

    Args:
        result: The recorded result of `experiments.benchmarks.costs.run`.

    Returns:
        One table with a row for each curve.
    """
    rows = []
    for curve in result["curves"]:
        (first, few), (last, many) = curve["points"][0], curve["points"][-1]
        what, _, law = _OF[curve["of"]]
        grows = law.format(curve["exponent"])
        rows.append((what, curve["name"], f"{first:,} to {last:,}", f"{1000 * few:.3g} to {1000 * many:.3g}", grows))
    head = ("time against", "of", "from", "milliseconds", "grows as")
    device, config = result["device"], result["config"]
    notes = (
        "Exponents are fitted to the upper half of the divergences, and to the largest batches and files "
        f"({100 * config['fit_from']:.0f}% of the largest and up). PFR goes on until its sample is exact, a plain "
        "one through a number of candidates that is exponential in the divergence. Blocks of "
        f"{config['dim']} dimensions, {config['blocks']} at a time.",
        f"Medians of {config['rounds']} rounds on {device['cpu_cores']} CPU cores ({machine(device)}), compiled code.",
    )
    return [Table("What grows how", head, tuple(rows), notes, "costs", (0, 1, 2, 4))]


def plot(result: dict[str, Any], path: Path) -> None:
    """Plots time against the divergence, the blocks of a call and the images of a file, in three panels.

    Args:
        result: The recorded result of `experiments.benchmarks.costs.run`.
        path: File of the plot.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (of, (what, seconds, law)) in zip(figure.subplots(1, len(_OF)), _OF.items(), strict=True):
        own = [curve for curve in result["curves"] if curve["of"] == of]
        for colour, curve in zip(PART_COLOURS, own, strict=False):
            x, y = zip(*curve["points"], strict=True)
            axes.plot(x, y, "o-", color=colour, label=f"{curve['name']}: {law.format(curve['exponent'])}")
        axes.set_yscale("log")
        if of != "divergence":
            axes.set_xscale("log")
        axes.set_xlabel(what)
        axes.set_ylabel(seconds)
        axes.legend(frameon=False, fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle("What grows how", fontweight="bold")
    figure.savefig(path, dpi=150)
