"""Candidates per second, arrivals, bins and ranks included: this package beside what a user would write instead.

Run:     python -m experiments configs/bench_candidates.toml
Every contender has one core and a process of its own. Rounds go through all of them in turn, so that a machine that
slows down slows them all; figures are ratios within a round.
"""

import dataclasses
import time
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import rich.console
import rich.progress

from experiments.benchmarks import pinned
from experiments.benchmarks.cases import Case
from experiments.benchmarks.pinned import OURS

Contender = Literal["ours", "usual_jax", "usual_torch", "product_torch", "usual_numpy"]
_WHOLE_BATCH = (OURS, "usual_jax", "product_torch")


@dataclass(frozen=True)
class Entry:
    """A case, its contenders, and how many times as fast as each this package is to be; 0 where nothing is wanted.

    blocks: of a call of this package and of others that take a batch. peer_blocks: of a call of the others.
    """

    case: Case
    contenders: tuple[Contender, ...]
    wanted: tuple[float, ...]
    blocks: int = 1024
    peer_blocks: int = 16

    def __post_init__(self) -> None:
        if OURS in self.contenders or len(self.contenders) != len(self.wanted):
            raise ValueError(
                f"contenders of {self.case.name!r} are others, each with a number in 'wanted'; correct it."
            )
        if self.blocks < 1 or self.peer_blocks < 1:
            raise ValueError(f"blocks of {self.case.name!r} must be at least 1; raise them.")


@dataclass(frozen=True)
class Config:
    """The benchmark. seconds: of each contender in a round, warm-up apart."""

    experiment: str
    entries: tuple[Entry, ...]
    rounds: int = 5
    seconds: float = 2.0

    def __post_init__(self) -> None:
        if self.rounds < 1 or not self.seconds > 0 or not self.entries:
            raise ValueError("there must be at least one of rounds, of seconds and of [[entries]]; raise what is 0.")


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Rates of all contenders in all rounds; those whose package is missing are left out and named."""
    start = time.perf_counter()
    missing = pinned.missing(typing.get_args(Contender))
    rows = []
    turns = config.rounds * sum(1 + len(entry.contenders) for entry in config.entries)
    with rich.progress.Progress(console=console, transient=True) as progress:
        task = progress.add_task("rounds", total=turns)
        for number in range(config.rounds):
            for entry in config.entries:
                for contender in (OURS, *entry.contenders):
                    progress.update(task, advance=1, description=f"{entry.case.name}, {contender}")
                    if contender in missing:
                        continue
                    blocks = entry.blocks if contender in _WHOLE_BATCH else entry.peer_blocks
                    arguments = {"case": dataclasses.asdict(entry.case), "blocks": blocks}
                    found = pinned.contest(contender, arguments, config.seconds)
                    rows.append({"case": entry.case.name, "contender": contender, "round": number} | _flat(found))
    return {"rows": rows, "left_out": missing, "seconds": {"all": time.perf_counter() - start}}


def _flat(found: dict[str, Any]) -> dict[str, Any]:
    """Rates of the one thing that these contenders do."""
    same = {name: found[name] for name in ("package", "peak_megabytes")}
    return {name: found[name]["candidates"] for name in ("rates", "first_call_seconds")} | same
