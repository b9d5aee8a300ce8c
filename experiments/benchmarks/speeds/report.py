"""Renders speeds beside those of other packages, read from the recorded JSON, as a table and a plot."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.reporting import figures
from experiments.reporting.tables import ABSENT, Table, machine, number, rounded

LABELS = {
    "coder_constriction": "constriction",
    "training_torch": "PyTorch",
}

RACES = {
    "bits, a probability each": "bits, each with a probability",
    "bytes, a table each, see below": "bytes, each with a probability table",
    "bytes, a normal law each": "bytes, each with a normal distribution",
    "steps of fitting representations to 64 pictures": "INRs fitted to 64 pictures (images x steps)",
}
"""Names for readers of tasks that are recorded under other names."""


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
        rows.append((_task(race["label"]), code, _label(contender, config), rate, ratio))
    head = ("task", "direction", "package", config["unit"], "recjax / package")
    return [Table(config["title"], head, tuple(rows), _notes(result), "speeds", (0, 1, 2))]


def plot(result: dict[str, Any], path: Path) -> None:
    """Plots the rates as bars, with a panel for each race and code.

    Args:
        result: The recorded result of `experiments.benchmarks.speeds.run`.
        path: File of the plot.
    """
    config, tasks = result["config"], {}
    for race, code, contender in _entries(result):
        tasks.setdefault((race["label"], code), []).append(contender)
    columns = len(config["codes"])
    size = (figures.WIDTH, 1.2 + 1.2 * len(tasks) / columns)
    figure, grid = figures.figure(-(-len(tasks) // columns), columns, size, config["title"], sharex=True)
    for panel, ((label, code), contenders) in zip(grid.flat, tasks.items(), strict=True):
        own = [[rate / config["unit_size"] for rate in rates(result, label, name, code)] for name in contenders]
        colours = [figures.OURS if name == config["ours"] else figures.OTHERS for name in contenders]
        names = [_label(name, config) for name in contenders]
        labels = []
        for name, values in zip(contenders, own, strict=True):
            times = "" if name == config["ours"] else f" ({np.median(ratios(result, label, name, code)):.1f}x)"
            labels.append(f"{rounded(float(np.median(values)))}{times}")
        figures.horizontal_bars(panel, names, own, colours, labels)
        panel.set_xscale("log")
        panel.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
        panel.set_title(f"{_task(label)}: {code}", fontsize=10, loc="left")
    every = [np.median(row["rates"][code]) / config["unit_size"] for row in result["rows"] for code in config["codes"]]
    grid[0, 0].set_xlim(0.5 * min(every), 5 * max(every))
    for panel in grid[-1]:
        panel.set_xlabel(f"{config['unit']}, log scale (longer is better)")
    figure.supxlabel(figures.BAR_KEY, fontsize=9)
    figures.save(figure, path)


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


def _task(label: str) -> str:
    return RACES.get(label, label)


def _label(contender: str, config: dict[str, Any]) -> str:
    return "recjax" if contender == config["ours"] else LABELS.get(contender, contender)


def _notes(result: dict[str, Any]) -> tuple[str, ...]:
    config, device = result["config"], result["device"]
    cores = "one core" if config["one_core"] else f"all {device['cpu_cores']} cores"
    packages = ", ".join(dict.fromkeys(row["package"] for row in result["rows"]))
    notes = [
        f"Each package runs in its own process on {cores}. Figures are medians of n = {config['rounds']} rounds over "
        "all packages; the brackets hold the smallest and the largest ratio of a round. The first call, which "
        "compiles, is not timed.",
        f"Measured on a machine of {device['cpu_cores']} cores ({machine(device)}), with {packages}.",
    ]
    over = {
        (_task(row["race"]), _label(row["contender"], config)): row["facts"]["bytes"] / row["facts"]["ideal_bytes"] - 1
        for row in result["rows"]
        if "ideal_bytes" in row["facts"]
    }
    if over:
        said = "; ".join(f"{race}: {by} {100 * share:.2f}%" for (race, by), share in over.items())
        notes.append(
            "Messages were decoded again and compared. Bytes above the information content under the given "
            f"distributions, the states of the coder's lanes (1 KiB) included: {said}."
        )
    peaks = {
        _label(name, config): max(row["peak_megabytes"] or 0 for row in result["rows"] if row["contender"] == name)
        for name in dict.fromkeys(row["contender"] for row in result["rows"])
    }
    said = ", ".join(f"{by} {peak:,.0f} MB" for by, peak in peaks.items())
    notes.append(f"Peak memory of a process, its inputs included: {said}.")
    notes += config.get("remarks", ())
    if result["left_out"]:
        missing = ", ".join(_label(name, config) for name in result["left_out"])
        notes.append(f"Left out, as their packages were missing: {missing}.")
    return tuple(notes)
