"""Measures time and memory of short commands in processes of their own, with and without a cache of compiled programs.

Run:     python -m experiments configs/bench_startup.toml
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rich.console

from experiments.benchmarks.startup import child as startup_child
from experiments.progress import searches
from recjax.cli.process.compile_cache import VARIABLE
from training import data

COMMANDS = {
    "import jax": ("import", "jax"),
    "import recjax": ("import", "recjax"),
    "recjax --help": ("--help",),
    "recjax compress": ("compress", "images.npy", "images.rjx", "--force"),
    "recjax info": ("info", "images.rjx"),
    "recjax decompress": ("decompress", "images.rjx", "back.npy", "--force"),
}
"""The commands that are timed, in this order, as later ones read what earlier ones wrote."""


@dataclass(frozen=True)
class Config:
    """Configures the benchmark.

    Attributes:
        experiment: Name of the experiment in the registry.
        data: Data set whose test images are coded.
        images: Number of images.
        rounds: Rounds of every command.

    Raises:
        ValueError: If a value is out of its range, or the data set is not known.
    """

    experiment: str
    data: str = "mnist"
    images: int = 100
    rounds: int = 3

    def __post_init__(self) -> None:
        data.check_name(self.data)
        if self.images < 1 or self.rounds < 1:
            raise ValueError("images and rounds must be at least 1; raise what is 0.")


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Runs every command twice in each round: with an empty cache of programs, and with what the first run left there.

    Args:
        config: What to run.
        folder: Unused, as the commands work in a temporary folder.
        console: Where progress is shown.

    Returns:
        A row for each command, with seconds and megabytes of "cold" and "warm" runs, and wall times in seconds.
    """
    start = time.perf_counter()
    images = data.load(config.data, "test").coded[: config.images]
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as place, searches(console, config.rounds * len(COMMANDS)) as begin:
        np.save(Path(place, "images.npy"), images)
        for number in range(config.rounds):
            for turn, (name, arguments) in enumerate(COMMANDS.items()):
                begin(name)
                cache = Path(place, f"cache-{number}-{turn}")
                found[name].append({state: _timed(arguments, Path(place), cache) for state in ("cold", "warm")})
    return {
        "rows": [{"command": name, **_summary(rounds)} for name, rounds in found.items()],
        "seconds": {"all": time.perf_counter() - start},
    }


def _timed(arguments: tuple[str, ...], work: Path, cache: Path) -> dict[str, float | None]:
    command = [sys.executable, "-m", "experiments.benchmarks.startup.child", *arguments]
    # The process works in another folder, and may not find this package there without the path.
    environment = {**os.environ, VARIABLE: str(cache), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    start = time.perf_counter()
    found = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if found.returncode:
        raise ValueError(f"`recjax {' '.join(arguments)}` failed: {found.stderr.strip()}")
    peak = (work / startup_child.PEAK).read_text(encoding="utf-8")
    return {"seconds": seconds, "megabytes": None if peak == "None" else float(peak)}


def _summary(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the median time and the largest memory, for "cold" and "warm" runs."""
    return {
        state: {
            "seconds": statistics.median(one[state]["seconds"] for one in rounds),
            "megabytes": max(one[state]["megabytes"] or 0.0 for one in rounds) or None,
        }
        for state in ("cold", "warm")
    }
