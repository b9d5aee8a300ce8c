"""How fast this package does a thing, beside what a user would take instead.

Run:     python -m experiments configs/bench_coder.toml
Every contender has a process of its own, and rounds go through all of them in turn, so that a machine that slows down
slows them all; figures are ratios within a round.
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
    """A thing to do, and who does it beside this package.

    name, size: what modules of contenders are told; label: what readers are. contenders: other modules of this folder.
    wanted: how many times as fast as the first contender each of `codes` is to be; 0 where nothing is wanted.
    """

    label: str
    name: str
    size: int
    contenders: tuple[str, ...]
    wanted: tuple[float, ...]

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
    """The benchmark. ours: module of this package's side. codes: what it times, in the order of `wanted`.

    unit: of rates, of which one is `unit_size` things a second. one_core: give each contender one core, else all.
    seconds: of each code of a contender in a round, warm-up apart. remarks: what a reader of the table must know.
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
        if any(len(race.wanted) != len(self.codes) for race in self.races):
            raise ValueError(f"each race has a number in 'wanted' for each of {', '.join(self.codes)}; correct it.")


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Rates of all contenders in all rounds; those whose package is missing are left out and named."""
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
