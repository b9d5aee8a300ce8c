"""Measures the speed of this package at some task beside that of other packages.

Run:     python -m experiments configs/bench_coder.toml
Every contender runs in a process of its own. Each round times all of them in turn, so that changes in the speed of the
machine affect all; speeds are compared within a round.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rich.console
import rich.progress

from experiments.benchmarks import pinned


@dataclass(frozen=True)
class Race:
    """Configures a task and the contenders that do it beside this package.

    Attributes:
        label: Name in tables and plots.
        name: The `name` that contenders are called with.
        size: The `size` that contenders are called with.
        contenders: The other contenders, keys of `pinned.PACKAGES`.

    Raises:
        ValueError: If a value is out of its range, or a contender is not known.
    """

    label: str
    name: str
    size: int
    contenders: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"size of {self.label!r} must be at least 1; raise it.")
        unknown = [name for name in self.contenders if name not in pinned.PACKAGES]
        if unknown or not self.contenders:
            raise ValueError(
                f"contenders of {self.label!r} must be some of {', '.join(pinned.PACKAGES)}, got {unknown}; correct it."
            )


@dataclass(frozen=True)
class Config:
    """Configures the benchmark.

    Attributes:
        experiment: Name of the experiment in the registry.
        title: Title of the table and the plot.
        ours: The contender of this package, a key of `pinned.PACKAGES`.
        codes: Names of what contenders time.
        unit: Unit of the rates.
        races: Tasks and their contenders.
        remarks: Further notes below the table.
        unit_size: Things per second that make one unit.
        one_core: Whether each contender is pinned to one core; else it has all.
        rounds: Number of rounds.
        seconds: Time of each code of a contender in a round, without the first call.

    Raises:
        ValueError: If a value is out of its range.
    """

    experiment: str
    title: str
    ours: str
    codes: tuple[str, ...]
    unit: str
    races: tuple[Race, ...]
    remarks: tuple[str, ...] = ()
    unit_size: float = 1.0
    one_core: bool = True
    rounds: int = 5
    seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.rounds < 1 or not self.seconds > 0 or not self.unit_size > 0 or not self.races:
            raise ValueError("there must be at least one of rounds, seconds, unit_size and [[races]]; raise what is 0.")
        if self.ours not in pinned.PACKAGES:
            raise ValueError(f"'ours' must be one of {', '.join(pinned.PACKAGES)}, got {self.ours!r}; correct it.")


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Times all contenders in all rounds, except those whose package is not installed.

    Args:
        config: What to run.
        folder: Unused, as no files are written.
        console: Where progress is shown.

    Returns:
        A row for each contender, race and round, the contenders left out, and wall times in seconds.
    """
    start = time.perf_counter()
    missing = pinned.missing(dict.fromkeys(name for race in config.races for name in race.contenders))
    turns = [(race, name) for race in config.races for name in (config.ours, *race.contenders) if name not in missing]
    rows = []
    with rich.progress.Progress(console=console, transient=True) as progress:
        task = progress.add_task("rounds", total=config.rounds * len(turns))
        for number in range(config.rounds):
            for race, name in turns:
                progress.update(task, description=f"{race.label}, {name}")
                arguments = {"name": race.name, "size": race.size}
                found = pinned.contest(name, arguments, config.seconds, one_core=config.one_core)
                rows.append({"race": race.label, "contender": name, "round": number, **found})
                progress.advance(task)
    return {"rows": rows, "left_out": missing, "seconds": {"all": time.perf_counter() - start}}
