"""Renders the times of short commands, read from the recorded JSON, as a table and a plot."""

from pathlib import Path
from typing import Any

from experiments.reporting.plots import PART_COLOURS
from experiments.reporting.tables import Table, machine, number

STATES = {"cold": "nothing kept", "warm": "programs kept"}


def tables(result: dict[str, Any]) -> list[Table]:
    """Renders time and memory of the commands.

    Args:
        result: The recorded result of `experiments.benchmarks.startup.run`.

    Returns:
        One table with a row for each command.
    """
    rows = [
        (
            f"`{row['command']}`",
            *(f"{row[state]['seconds']:.2f}" for state in STATES),
            number(row["warm"]["megabytes"], 0),
        )
        for row in result["rows"]
    ]
    head = ("command", *(f"s, {label}" for label in STATES.values()), "MB at the highest")
    config, device = result["config"], result["device"]
    notes = (
        f"A process each, {config['images']} images of {config['data']}, which `compress` decodes again; medians of "
        f"{config['rounds']} rounds. Nothing kept: the cache of compiled programs is empty. Python's own compiled "
        "files are there.",
        f"Measured on {device['cpu_cores']} CPU cores ({machine(device)}).",
    )
    return [Table("Start-up", head, tuple(rows), notes, "startup")]


def plot(result: dict[str, Any], path: Path) -> None:
    """Plots the times as bars, with an empty cache of programs and with a full one.

    Args:
        result: The recorded result of `experiments.benchmarks.startup.run`.
        path: File of the plot.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    rows = result["rows"]
    for shift, (colour, (state, label)) in enumerate(zip(PART_COLOURS, STATES.items(), strict=False)):
        places = [place + 0.4 * shift for place in range(len(rows))]
        bars = axes.barh(places, [row[state]["seconds"] for row in rows], 0.4, color=colour, label=label)
        axes.bar_label(bars, fmt="%.2f", padding=3, fontsize=8)
    axes.set_yticks([place + 0.2 for place in range(len(rows))], [row["command"] for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel("seconds, with the start of Python")
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
