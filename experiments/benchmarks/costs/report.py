"""Renders how time grows, read from the recorded JSON, as a table of exponents and a plot."""

from pathlib import Path
from typing import Any

from experiments.reporting import figures
from experiments.reporting.tables import Table, machine

_OF = {
    "divergence": ("KL divergence of a block, bits", "seconds per block", "2^({:.2f} KL)"),
    "batch": ("blocks per call", "seconds per call", "blocks^{:.2f}"),
    "images": ("images per file", "seconds to write and read a file", "images^{:.2f}"),
}

_NAMES = {
    "PFR, plain": "PFR without partition",
    "partitioned ORC": "ORC, partitioned",
    "bb-ans": "BB-ANS",
    "orc": "ORC",
}
"""Names for readers of curves that are recorded under other names."""

_STYLES = {
    "PFR, plain": ("pfr", ":"),
    "PFR, partitioned": ("pfr", "-"),
    "partitioned ORC": ("orc", "-"),
    "bb-ans": ("bb_ans", "-"),
    "orc": ("orc", "-"),
}
"""The method, whose colour is that of `figures.METHODS`, and the line of each curve."""


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
        what, _, growth = _OF[curve["of"]]
        grows = growth.format(curve["exponent"])
        rows.append((what, _name(curve), f"{first:,} to {last:,}", f"{1000 * few:.3g} to {1000 * many:.3g}", grows))
    head = ("time by", "method", "range", "milliseconds over the range", "grows as")
    device, config = result["device"], result["config"]
    notes = (
        "Exponents are fitted to the upper half of the divergences, and to the largest batches and files "
        f"({100 * config['fit_from']:.0f}% of the largest and up). PFR searches until its sample is exact; without a "
        "partition it examines a number of candidates that is exponential in the divergence. Blocks have "
        f"{config['dim']} dimensions; those of PFR are searched {config['blocks']} at a time.",
        f"Medians of n = {config['rounds']} rounds on {device['cpu_cores']} CPU cores ({machine(device)}), compiled "
        "code.",
    )
    return [Table("How time grows with divergence, batch and file", head, tuple(rows), notes, "costs", (0, 1, 2, 4))]


def plot(result: dict[str, Any], path: Path) -> None:
    """Plots time against the divergence, the blocks of a call and the images of a file, in three panels.

    Args:
        result: The recorded result of `experiments.benchmarks.costs.run`.
        path: File of the plot.
    """
    size = (figures.WIDTH, 3.3 * len(_OF))
    figure, panels = figures.figure(len(_OF), 1, size, "How time grows with divergence, batch and file")
    for panel, (of, (what, seconds, growth)) in zip(panels[:, 0], _OF.items(), strict=True):
        for curve in (curve for curve in result["curves"] if curve["of"] == of):
            x, y = zip(*curve["points"], strict=True)
            method, line = _STYLES[curve["name"]]
            style = {"color": figures.METHODS[method], "linestyle": line, "marker": "o"}
            panel.plot(x, y, label=f"{_name(curve)}: {growth.format(curve['exponent'])}", **style)
        panel.set_yscale("log")
        if of != "divergence":
            panel.set_xscale("log")
            panel.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        figures.name(panel, "", what, f"{seconds} (lower is better)")
        panel.legend(frameon=False, fontsize=9)
    figures.save(figure, path)


def _name(curve: dict[str, Any]) -> str:
    """Returns the name of a curve for readers; file methods are recorded by the name that commands take."""
    name = str(curve["name"])
    return _NAMES.get(name, name)
