"""Renders candidates per second, read from the recorded JSON, as a table and a plot."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.benchmarks.pinned import OURS
from experiments.reporting import figures
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
    head = ("blocks", "package", "million candidates/s", "recjax / package", "first call, s")
    return [
        Table("Candidates that one CPU core scores per second", head, tuple(rows), _notes(result), "candidates", (0, 1))
    ]


def _notes(result: dict[str, Any]) -> tuple[str, ...]:
    device = result["device"]
    packages = ", ".join(dict.fromkeys(row["package"] for row in result["rows"]))
    found = [
        "Ordered random coding (ORC) of blocks with normal posteriors. A candidate is drawn, scored and given its "
        "arrival time, and its bin and rank where there are bins.",
        f"Each package runs in its own process on one core. Figures are medians of n = {result['config']['rounds']} "
        "rounds over all packages; the brackets hold the smallest and the largest ratio of a round. The first call "
        "includes compilation.",
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
    found = rates(result)
    cases = list(dict.fromkeys(case for case, _ in found))
    size = (figures.WIDTH, 1.2 + 1.5 * len(cases))
    title = "Candidates that one CPU core scores per second"
    figure, panels = figures.figure(len(cases), 1, size, title, sharex=True)
    for panel, case in zip(panels[:, 0], cases, strict=True):
        names = [name for own, name in found if own == case]
        own = [[rate / 1e6 for rate in found[case, name]] for name in names]
        colours = [figures.OURS if name == OURS else figures.OTHERS for name in names]
        figures.horizontal_bars(
            panel,
            [LABELS[name].replace("`", "") for name in names],
            own,
            colours,
            [_label(result, case, name, rates_) for name, rates_ in zip(names, own, strict=True)],
        )
        panel.set_xscale("log")
        panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        every = [rate / 1e6 for rounds in found.values() for rate in rounds]
        panel.set_xlim(0.5 * min(every), 3 * max(every))
        panel.set_title(case, fontsize=10, loc="left")
    panels[-1, 0].set_xlabel("million candidates per second, log scale (longer is better)")
    figure.supxlabel(figures.BAR_KEY, fontsize=9)
    figures.save(figure, path)


def _label(result: dict[str, Any], case: str, name: str, own: list[float]) -> str:
    """Returns the text at the end of a bar: the median, and of other packages how many times as fast recjax is."""
    ratio = "" if name == OURS else f" ({np.median(ratios(result, case, name)):.1f}x)"
    return f"{np.median(own):.1f}{ratio}"
