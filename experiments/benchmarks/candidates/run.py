"""Measures candidates per second, with arrivals, bins and ranks, beside what a user would write instead.

Run:     python -m experiments configs/bench_candidates.toml
Every contender runs on one core in a process of its own. Each round times all of them in turn, so that changes in the
speed of the machine affect all; speeds are compared within a round.
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
    """Configures a case and its contenders.

    Attributes:
        case: The blocks to code.
        contenders: The other contenders.
        blocks: Blocks of a call of contenders that code whole batches, this package among them.
        peer_blocks: Blocks of a call of contenders that code block by block.

    Raises:
        ValueError: If a value is out of its range.
    """

    case: Case
    contenders: tuple[Contender, ...]
    blocks: int = 1024
    peer_blocks: int = 16

    def __post_init__(self) -> None:
        if OURS in self.contenders:
            raise ValueError(f"contenders of {self.case.name!r} must be other packages, got {OURS!r}; take it out.")
        if self.blocks < 1 or self.peer_blocks < 1:
            raise ValueError(f"blocks of {self.case.name!r} must be at least 1; raise them.")


@dataclass(frozen=True)
class Config:
    """Configures the benchmark.

    Attributes:
        experiment: Name of the experiment in the registry.
        entries: Cases and their contenders.
        rounds: Number of rounds.
        seconds: Time of each contender in a round, without the first call.

    Raises:
        ValueError: If a value is out of its range.
    """

    experiment: str
    entries: tuple[Entry, ...]
    rounds: int = 5
    seconds: float = 2.0

    def __post_init__(self) -> None:
        if self.rounds < 1 or not self.seconds > 0 or not self.entries:
            raise ValueError("there must be at least one of rounds, of seconds and of [[entries]]; raise what is 0.")


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Times all contenders in all rounds, except those whose package is not installed.

    Args:
        config: What to run.
        folder: Unused, as no files are written.
        console: Where progress is shown.

    Returns:
        A row for each contender, case and round, the contenders left out, and wall times in seconds.
    """
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
    """Returns the measurements of "candidates", the only thing that these contenders time."""
    same = {name: found[name] for name in ("package", "peak_megabytes")}
    return {name: found[name]["candidates"] for name in ("rates", "first_call_seconds")} | same
