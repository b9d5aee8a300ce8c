"""What a space partition saves on Gaussian targets: steps of the exact coder, code, candidates of the approximate one.

Run:     python -m experiments configs/synthetic_partition.toml
He, Flamich and Hernandez-Lobato 2024 (arXiv:2405.12203), their experiment on 5-dimensional Gaussians.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rich.console

from experiments import synthetic
from experiments.record import mean, standard_error
from recjax import randomness, rec
from recjax.models.partition import intervals_from_kl
from recjax.rec.base import Status

# Share of the Renyi-infinity divergence that comes from where the mean lies; the widths give the rest.
_FROM_MEAN = 0.25
# Targets that the intervals and the index code are learned from.
_TRAINING = 2000


@dataclass(frozen=True)
class Approximate:
    """Ordered random coding. candidates_log2, in ascending order; mmd2_levels: biases that are asked for."""

    runs: int
    plain_candidates_log2: tuple[int, ...]
    partitioned_candidates_log2: tuple[int, ...]
    mmd2_levels: tuple[float, ...]

    def __post_init__(self) -> None:
        for log2 in (self.plain_candidates_log2, self.partitioned_candidates_log2):
            if not log2 or list(log2) != sorted(set(log2)) or not 0 <= log2[0] <= log2[-1] <= 20:
                raise ValueError(f"candidates_log2 must ascend within 0 ... 20, got {list(log2)}; sort them.")


@dataclass(frozen=True)
class Config:
    """divergences: Renyi-infinity, in bits. shares: of what the widths give of it, per dimension. budget: of PFR."""

    experiment: str
    approximate: Approximate
    seed: int = 0
    divergences: tuple[float, ...] = (2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0)
    shares: tuple[float, ...] = field(default=(0.3, 0.25, 0.2, 0.15, 0.1))
    runs: int = 2000
    budget: int = 65536

    def __post_init__(self) -> None:
        if min(self.shares) < 0 or not math.isclose(sum(self.shares), 1):
            raise ValueError(f"shares must be positive and sum to 1, got {list(self.shares)}; change them.")
        if not self.divergences or min(self.divergences) <= 0:
            raise ValueError(f"divergences must be above 0 bits, got {list(self.divergences)}; change them.")
        if min(self.runs, self.approximate.runs) < 2:
            raise ValueError("runs must be at least 2, for a mean with an error; raise them.")


def make_targets(config: Config, divergence: float, runs: int, seed: int) -> synthetic.Targets:
    """Targets of exactly this Renyi-infinity divergence, whose means point anywhere."""
    noise = np.random.default_rng((config.seed, seed, round(1000 * divergence))).standard_normal(
        (runs, len(config.shares))
    )
    length = math.sqrt(2 * math.log(2) * _FROM_MEAN * divergence)
    noise *= length / np.linalg.norm(noise, axis=1, keepdims=True)
    return synthetic.targets((1 - _FROM_MEAN) * divergence * np.asarray(config.shares), noise)


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Search, for every divergence, with and without a partition. Figures are returned, no files are written."""
    start = time.perf_counter()
    exact = [row for split in (False, True) for row in _exact(config, split)]
    console.print(f"exact searches done: {len(exact)} rows")
    middle = time.perf_counter()
    approximate = []
    for split in (False, True):
        log2s = config.approximate.partitioned_candidates_log2 if split else config.approximate.plain_candidates_log2
        batch = _Batch(config, config.approximate.runs, split, seed=2)
        for log2 in log2s:
            approximate += _approximate(config, batch, split, 1 << log2)
        console.print(f"approximate searches done, {'' if split else 'not '}partitioned")
    needed = [
        {"divergence": divergence, "partitioned": split, "mmd2_level": level}
        | {"log2_candidates": log2_needed(_curve(approximate, divergence, split), level)}
        for divergence in config.divergences
        for split in (False, True)
        for level in config.approximate.mmd2_levels
    ]
    seconds = {"exact": middle - start, "approximate": time.perf_counter() - middle}
    return {"exact": exact, "approximate": approximate, "needed": needed, "seconds": seconds}


def log2_needed(curve: Sequence[tuple[int, float]], level: float) -> float | None:
    """log2 of the candidates at which MMD^2 falls to a level, between the sizes tried; None if it does not."""
    before: tuple[float, float] | None = None
    for candidates, mmd2 in curve:
        x, y = math.log2(candidates), math.log2(max(mmd2, level / 8))
        if mmd2 <= level:
            if before is None:
                return x
            return before[0] + (x - before[0]) * (before[1] - math.log2(level)) / (before[1] - y)
        before = (x, y)
    return None


def _curve(rows: Sequence[dict[str, Any]], divergence: float, split: bool) -> list[tuple[int, float]]:
    chosen = (row for row in rows if row["divergence"] == divergence and row["partitioned"] == split)
    return [(row["candidates"], row["bias_mmd2"]) for row in chosen]


class _Batch:
    """The targets of all divergences in one search, which then is compiled once."""

    def __init__(self, config: Config, runs: int, split: bool, seed: int):
        self.parts = [make_targets(config, divergence, runs, seed) for divergence in config.divergences]
        self.all = synthetic.Targets(*map(np.concatenate, zip(*self.parts, strict=True)))
        # What the decoder knows comes from targets of the same family that are not those coded.
        training = [make_targets(config, divergence, _TRAINING, seed + 100) for divergence in config.divergences]
        chosen = [intervals_from_kl(family.kl_bits.mean(axis=0)) for family in training]
        self.intervals = chosen if split else [None] * len(chosen)
        self.rows = np.repeat(chosen, runs, axis=0) if split else None
        self.capacity = 1 << (int(np.max(chosen)) - 1).bit_length()
        pairs = zip(training, self.intervals, strict=True)
        self.known = [synthetic.lengths(family, intervals, config.seed) for family, intervals in pairs]

    def search(self, algorithm: rec.RECAlgorithm, key: randomness.Key) -> Any:
        """Index, sample, steps and status of each target, in NumPy, split by divergence."""
        found = synthetic.search(algorithm, key, self.all, self.rows, self.capacity)
        fields = (found.code.index, found.sample, found.info.steps, found.info.status, found.info.log2_index)
        return zip(*(np.split(np.asarray(part), len(self.parts)) for part in fields), strict=True)


def _exact(config: Config, split: bool) -> list[dict[str, Any]]:
    batch = _Batch(config, config.runs, split, seed=1)
    algorithm = rec.pfr(max_candidates=config.budget, chunk_size=32 if split else 256)
    found = batch.search(algorithm, randomness.fold_in(randomness.key(config.seed), int(split)))
    rows = []
    for place, (index, sample, steps, status, log2_index) in enumerate(found):
        known, chosen, intervals = batch.known[place], batch.parts[place], batch.intervals[place]
        bits = synthetic.code_bits(known, index, config.budget)
        row = {"divergence": config.divergences[place], "partitioned": split, "kl_bits": known.kl}
        row |= {"intervals": None if intervals is None else intervals.tolist(), "log2_bins": known.log2_bins}
        row |= {"steps": mean(steps), "steps_se": standard_error(steps), "log2_index": mean(log2_index)}
        row |= {"exhausted": int(np.sum(status == Status.BUDGET)), "runs": len(steps)}
        row |= {"code_bits": mean(bits), "code_bits_se": standard_error(bits), "bound_bits": known.bound}
        rows.append(row | synthetic.bias_figures(synthetic.evidence(chosen, sample, config.seed)))
    return rows


def _approximate(config: Config, batch: _Batch, split: bool, candidates: int) -> list[dict[str, Any]]:
    algorithm = rec.orc(num_candidates=candidates)
    found = batch.search(algorithm, randomness.fold_in(randomness.key(config.seed), 2 + int(split), candidates))
    rows = []
    for place, (index, sample, *_) in enumerate(found):
        bits = synthetic.code_bits(batch.known[place], index, candidates)
        row = {"divergence": config.divergences[place], "partitioned": split, "candidates": candidates}
        row |= {"kl_bits": batch.known[place].kl, "code_bits": mean(bits)}
        rows.append(row | synthetic.bias_figures(synthetic.evidence(batch.parts[place], sample, config.seed)))
    return rows
