"""Renders candidates per second, read from the recorded JSON, as a table and a plot."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.benchmarks.pinned import OURS
from experiments.reporting.plots import PART_COLOURS, PLAIN_COLOUR
from experiments.reporting.tables import ABSENT, Table, machine, number

LABELS = {
    OURS: "recjax",
    "usual_jax": "`jax.random` under jit",
    "usual_torch": "PyTorch",
    "product_torch": "PyTorch, one product for all blocks",
    "usual_numpy": "NumPy",
}


def rates(result: dict[str, Any]) -> dict[tuple[str, str], list[float]]:
    """Collects the median candidates per second.

    Args:
        result: The recorded result of `experiments.benchmarks.candidates.run`.

    Returns:
        A rate for each round, by case and contender.
    """
    found: dict[tuple[str, str], list[float]] = {}
    for row in result["rows"]:
        found.setdefault((row["case"], row["contender"]), []).append(float(np.median(row["rates"])))
    return found


def ratios(result: dict[str, Any], case: str, contender: str) -> list[float]:
    """Computes how many times as fast as a contender this package is.

    Args:
        result: The recorded result of `experiments.benchmarks.candidates.run`.
        case: Name of the case.
        contender: The contender.

    Returns:
        A ratio for each round.
    """
    found = rates(result)
    return [ours / theirs for ours, theirs in zip(found[case, OURS], found[case, contender], strict=True)]


def tables(result: dict[str, Any]) -> list[Table]:
    """Renders rates and ratios.

    Args:
        result: The recorded result of `experiments.benchmarks.candidates.run`.

    Returns:
        One table with a row for each contender of each case.
    """
    found, rows = rates(result), []
    for entry in result["config"]["entries"]:
        case = entry["case"]["name"]
        for contender in (OURS, *entry["contenders"]):
            if (case, contender) not in found:
                continue
            own = found[case, contender]
            ratio = ABSENT
            if contender != OURS:
                times = ratios(result, case, contender)
                ratio = f"{np.median(times):.1f} ({min(times):.1f} to {max(times):.1f})"
            first = [
                row["first_call_seconds"]
                for row in result["rows"]
                if row["case"] == case and row["contender"] == contender
            ]
            rate = f"{np.median(own) / 1e6:.1f}"
            rows.append((case, LABELS[contender], rate, ratio, number(float(np.median(first)), 2)))
    head = ("blocks", "by", "million candidates/s", "recjax is faster, times", "first call, s")
    return [Table("Candidates per second of one core", head, tuple(rows), _notes(result), "candidates", (0, 1))]


def _notes(result: dict[str, Any]) -> tuple[str, ...]:
    device = result["device"]
    packages = ", ".join(dict.fromkeys(row["package"] for row in result["rows"]))
    found = [
        "Ordered random coding of normal targets; arrivals are in the time, and so are bins and ranks within them. "
        f"Every contender has a process of its own and one core; medians of {result['config']['rounds']} rounds "
        "through all of them, in brackets the smallest and the largest ratio within a round. The first call compiles.",
        f"Measured on one core of {device['cpu_cores']} ({machine(device)}), with {packages}.",
    ]
    if result["left_out"]:
        found.append(
            f"Left out, as their packages were missing: {', '.join(LABELS[name] for name in result['left_out'])}."
        )
    return tuple(found)


def plot(result: dict[str, Any], path: Path) -> None:
    """Plots the rates as bars, with a panel for each case.

    Args:
        result: The recorded result of `experiments.benchmarks.candidates.run`.
        path: File of the plot.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    found = rates(result)
    cases = list(dict.fromkeys(case for case, _ in found))
    figure = Figure(figsize=(8.6, 1.2 + 1.3 * len(cases)), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, case in zip(np.atleast_1d(figure.subplots(len(cases), 1, sharex=True)), cases, strict=True):
        names = [name for own, name in found if own == case]
        own = [np.asarray(found[case, name]) / 1e6 for name in names]
        middle = np.array([np.median(values) for values in own])
        spread = np.abs([[m - values.min(), values.max() - m] for m, values in zip(middle, own, strict=True)]).T
        colours = [PART_COLOURS[0] if name == OURS else PLAIN_COLOUR for name in names]
        axes.barh([LABELS[name].replace("`", "") for name in names], middle, xerr=spread, color=colours, capsize=2)
        for place, value in enumerate(middle):
            axes.text(value, place, f"  {value:.1f}", va="bottom", fontsize=8)
        axes.invert_yaxis()
        axes.set_title(case, fontsize=9, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.1)
    axes.set_xlabel("million candidates per second of one core (longer is better)")
    figure.suptitle("How many candidates does a core score?", fontweight="bold")
    figure.savefig(path, dpi=150)
