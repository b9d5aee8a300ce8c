"""Renders speeds beside those of other packages, read from the recorded JSON, as a table and a plot."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.reporting.plots import PART_COLOURS, PLAIN_COLOUR
from experiments.reporting.tables import ABSENT, Table, machine, number

LABELS = {
    "coder_constriction": "constriction",
    "training_torch": "PyTorch",
}


def rates(result: dict[str, Any], race: str, contender: str, code: str) -> list[float]:
    """Collects the median rates of a code.

    Args:
        result: The recorded result of `experiments.benchmarks.speeds.run`.
        race: Label of the race.
        contender: The contender.
        code: Name of the code.

    Returns:
        Things per second in each round; empty if the contender did not run.
    """
    rows = [row for row in result["rows"] if row["race"] == race and row["contender"] == contender]
    return [float(np.median(row["rates"][code])) for row in rows]


def ratios(result: dict[str, Any], race: str, contender: str, code: str) -> list[float]:
    """Computes how many times as fast as a contender this package is.

    Args:
        result: The recorded result of `experiments.benchmarks.speeds.run`.
        race: Label of the race.
        contender: The contender.
        code: Name of the code.

    Returns:
        A ratio for each round.
    """
    ours = rates(result, race, result["config"]["ours"], code)
    return [own / theirs for own, theirs in zip(ours, rates(result, race, contender, code), strict=True)]


def tables(result: dict[str, Any]) -> list[Table]:
    """Renders rates and ratios.

    Args:
        result: The recorded result of `experiments.benchmarks.speeds.run`.

    Returns:
        One table with a row for each contender of each race and code.
    """
    config, rows = result["config"], []
    for race, code, contender in _entries(result):
        own = rates(result, race["label"], contender, code)
        ratio = ABSENT
        if contender != config["ours"]:
            times = ratios(result, race["label"], contender, code)
            ratio = f"{np.median(times):.1f} ({min(times):.1f} to {max(times):.1f})"
        rate = number(float(np.median(own)) / config["unit_size"], 1)
        rows.append((race["label"], code, _label(contender, config), rate, ratio))
    head = ("what", "to do", "by", config["unit"], "recjax is faster, times")
    return [Table(config["title"], head, tuple(rows), _notes(result), "speeds", (0, 1, 2))]


def plot(result: dict[str, Any], path: Path) -> None:
    """Plots the rates as bars, with a panel for each race and code.

    Args:
        result: The recorded result of `experiments.benchmarks.speeds.run`.
        path: File of the plot.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    config, panels = result["config"], {}
    for race, code, contender in _entries(result):
        panels.setdefault((race["label"], code), []).append(contender)
    columns = len(config["codes"])
    figure = Figure(figsize=(4.8 * columns, 1.2 + 1.1 * len(panels) / columns), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(-(-len(panels) // columns), columns, squeeze=False)
    for axes, ((label, code), contenders) in zip(grid.flat, panels.items(), strict=True):
        own = [np.asarray(rates(result, label, name, code)) / config["unit_size"] for name in contenders]
        middle = np.array([np.median(values) for values in own])
        spread = np.abs([[m - values.min(), values.max() - m] for m, values in zip(middle, own, strict=True)]).T
        colours = [PART_COLOURS[0] if name == config["ours"] else PLAIN_COLOUR for name in contenders]
        names = [_label(name, config) for name in contenders]
        axes.barh(names, middle, xerr=spread, color=colours, capsize=2)
        for place, value in enumerate(middle):
            axes.text(value, place, f"  {value:,.3g}", va="bottom", fontsize=8)
        axes.invert_yaxis()
        axes.set_title(f"{label}: {code}", fontsize=9, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.18)
    for axes in grid[-1]:
        axes.set_xlabel(f"{config['unit']} (longer is better)", fontsize=8)
    figure.suptitle(config["title"], fontweight="bold")
    figure.savefig(path, dpi=150)


def _entries(result: dict[str, Any]) -> list[tuple[dict[str, Any], str, str]]:
    """Returns race, code and contender of all that was measured, in the order of the config."""
    config, done = result["config"], {(row["race"], row["contender"]) for row in result["rows"]}
    return [
        (race, code, contender)
        for race in config["races"]
        for code in config["codes"]
        for contender in (config["ours"], *race["contenders"])
        if (race["label"], contender) in done
    ]


def _label(contender: str, config: dict[str, Any]) -> str:
    return "recjax" if contender == config["ours"] else LABELS.get(contender, contender)


def _notes(result: dict[str, Any]) -> tuple[str, ...]:
    config, device = result["config"], result["device"]
    cores = "one core" if config["one_core"] else f"all {device['cpu_cores']} cores"
    packages = ", ".join(dict.fromkeys(row["package"] for row in result["rows"]))
    notes = [
        f"Every contender has a process of its own and {cores}; medians of {config['rounds']} rounds through all of "
        "them, in brackets the smallest and the largest ratio within a round. A first call, which compiles, is apart.",
        f"Measured on a machine of {device['cpu_cores']} cores ({machine(device)}), with {packages}.",
    ]
    over = {
        (row["race"], _label(row["contender"], config)): row["facts"]["bytes"] / row["facts"]["ideal_bytes"] - 1
        for row in result["rows"]
        if "ideal_bytes" in row["facts"]
    }
    if over:
        said = "; ".join(f"{race}: {by} {100 * share:.2f}%" for (race, by), share in over.items())
        notes.append(
            "Messages were decoded again and compared. Bytes above what the laws ask for, heads of lanes (1 KiB) "
            f"included: {said}."
        )
    peaks = {
        _label(name, config): max(row["peak_megabytes"] or 0 for row in result["rows"] if row["contender"] == name)
        for name in dict.fromkeys(row["contender"] for row in result["rows"])
    }
    said = ", ".join(f"{by} {peak:,.0f} MB" for by, peak in peaks.items())
    notes.append(f"Most memory of a process, its inputs included: {said}.")
    notes += config.get("remarks", ())
    if result["left_out"]:
        missing = ", ".join(_label(name, config) for name in result["left_out"])
        notes.append(f"Left out, as their packages were missing: {missing}.")
    return tuple(notes)
