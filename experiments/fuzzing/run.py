"""Decodes damaged files of every codec, which must be refused or decode to what their headers declare.

Run:     python -m experiments configs/fuzz_files.toml
A crash, a hang, an exception other than `FormatError`, or memory beyond the limit ends the run, and
broken.txt keeps the file in hex.
"""

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rich.console
import rich.progress

from experiments.fuzzing import attack, mutations
from recjax.codecs.decompress import decompress
from recjax.conformance import check as conformance


@dataclass(frozen=True)
class Config:
    """Configures the run.

    Attributes:
        experiment: Name of the experiment in the registry.
        inputs: Number of damaged files, half of them with corrected checksums.
        corpus: Models whose conformance files are damaged.
        guided_seconds: Time of a search guided by coverage, see `experiments.fuzzing.guided`; 0 for none. It is left
            out without atheris.
        seed: Seed of the damage.
        hang_seconds: Time after which a decoder counts as hanging on a file, compilation included.
        file_megabytes: Memory that the decoding of a file may add, compilation included.

    Raises:
        ValueError: If a value is out of its range, or a model has no conformance files.
    """

    experiment: str
    inputs: int = 200_000
    corpus: tuple[str, ...] = ("digits",)
    guided_seconds: int = 0
    seed: int = 0
    hang_seconds: float = attack.HANG_SECONDS
    file_megabytes: float = attack.FILE_MEGABYTES

    def __post_init__(self) -> None:
        if self.inputs < 1 or not self.corpus or not self.hang_seconds > 0 or not self.file_megabytes > 0:
            raise ValueError("inputs, hang_seconds and file_megabytes must be above 0, and corpus name a model.")
        known = sorted({reference.model for reference in conformance.references()})
        if set(self.corpus) - set(known):
            raise ValueError(f"corpus must be some of {', '.join(known)}, got {list(self.corpus)}; correct it.")


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Tries the files, and runs the search guided by coverage.

    Args:
        config: What to run.
        folder: Receives the files of the guided search, or broken.txt with the file that broke a decoder.
        console: Where progress is shown.

    Returns:
        The fields of `attack.Watch`, the size in bytes of each file of the corpus, the counts of the guided search
        (None without one), and wall times in seconds.

    Raises:
        ValueError: If a file broke a decoder.
    """
    start = time.perf_counter()
    files = {one.name: one.data for one in conformance.references() if one.model in config.corpus}

    def decode(data: bytes) -> np.ndarray:
        return decompress(data, max_bytes=attack.MAX_BYTES)

    for data in files.values():
        decode(data)
    try:
        with rich.progress.Progress(console=console, transient=True) as progress:
            inputs = progress.track(_inputs(config, list(files.values())), total=config.inputs, description="files")
            seen = attack.attack(iter(inputs), decode, config.hang_seconds, config.file_megabytes)
    except attack.Broken as error:
        (folder / "broken.txt").write_text(f"{error}\n", encoding="utf-8")
        raise ValueError(f"a file broke a decoder ({str(error)[:120]}...); {folder / 'broken.txt'} has it.") from error
    return {
        "outcomes": dict(seen.outcomes),
        "reasons": dict(seen.reasons.most_common()),
        "file_seconds": seen.file_seconds,
        "megabytes": seen.megabytes,
        "compilations": seen.compilations,
        "peak_megabytes": seen.peak_megabytes,
        "corpus": {name: len(data) for name, data in files.items()},
        "guided": _guided(config, folder / "guided", console),
        "seconds": {"all": time.perf_counter() - start},
    }


def _guided(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any] | None:
    """Runs the search guided by coverage in a process of its own, which libFuzzer ends, and returns its counts."""
    if not config.guided_seconds or importlib.util.find_spec("atheris") is None:
        return None
    console.print(f"searching for {config.guided_seconds} s, guided by coverage")
    command = [sys.executable, "-m", "experiments.fuzzing.guided", "--seconds", str(config.guided_seconds)]
    options = ["--folder", str(folder), "--models", *config.corpus]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["?"])[-1]
        found = any(folder.glob("crash-*"))
        what = f"found a file that breaks a decoder, which is in {folder}" if found else "failed"
        raise ValueError(f"the search guided by coverage {what} ({last}).")
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def _inputs(config: Config, files: list[bytes]) -> Iterator[tuple[str, bytes]]:
    rng = np.random.default_rng(config.seed)
    for number in range(config.inputs):
        data, other = (files[k] for k in rng.integers(0, len(files), 2))
        if number % 2:
            yield "sealed", mutations.mutate_and_seal(rng, data, other)
        else:
            yield "plain", mutations.mutate(rng, data, other)
