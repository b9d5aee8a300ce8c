"""Renders the times of short commands, read from the recorded JSON, as a table and a plot."""

from pathlib import Path
from typing import Any

from experiments.reporting import figures
from experiments.reporting.tables import Table, machine, number

STATES = {"cold": "empty compilation cache", "warm": "filled compilation cache"}


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
    head = ("command", *(f"s, {label}" for label in STATES.values()), "peak memory, MB")
    config, device = result["config"], result["device"]
    notes = (
        f"Each command runs in its own process, on {config['images']} images of {config['data'].upper()}, which "
        f"`compress` also decodes to verify. Medians of n = {config['rounds']} rounds, the start of Python included; "
        "its own compiled files (.pyc) are present in both cases.",
        f"Measured on {device['cpu_cores']} CPU cores ({machine(device)}).",
    )
    return [Table("Time of short commands", head, tuple(rows), notes, "startup")]


def plot(result: dict[str, Any], path: Path) -> None:
    """Plots the times as bars, with an empty cache of programs and with a full one.

    Args:
        result: The recorded result of `experiments.benchmarks.startup.run`.
        path: File of the plot.
    """
    figure, panels = figures.figure(1, 1, (figures.WIDTH, 4.0), "Time of short commands")
    panel, rows = panels[0, 0], result["rows"]
    colours = (figures.BLUE, figures.ORANGE)
    for shift, (colour, (state, label)) in enumerate(zip(colours, STATES.items(), strict=True)):
        places = [place + 0.4 * shift for place in range(len(rows))]
        bars = panel.barh(places, [row[state]["seconds"] for row in rows], 0.4, color=colour, label=label)
        panel.bar_label(bars, fmt="%.2f", padding=3, fontsize=9)
    panel.set_yticks([place + 0.2 for place in range(len(rows))], [row["command"] for row in rows])
    panel.invert_yaxis()
    panel.set_xlabel("seconds, the start of Python included; median of the rounds (shorter is better)")
    panel.legend(frameon=False, fontsize=9)
    figures.save(figure, path)
