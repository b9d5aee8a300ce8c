"""Measures what a space partition saves on Gaussian targets: steps and code of an exact coder, candidates of ORC.

Run:     python -m experiments configs/synthetic_partition.toml
After the experiment of He, Flamich and Hernandez-Lobato 2024 (arXiv:2405.12203) on 5-dimensional Gaussians.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rich.console

from experiments.progress import searches
from experiments.provenance import mean, standard_error
from experiments.reporting.ranges import check, check_each
from experiments.synthetic import targets as synthetic
from experiments.synthetic.partition.targets import Batch, Family, of_divergence, of_information
from recjax import randomness, rec
from recjax.rec.base import Status

_KINDS = {False: "no partition", True: "partitioned"}


@dataclass(frozen=True)
class Approximate:
    """Configures the searches by ordered random coding (ORC).

    Attributes:
        runs: Targets of each divergence.
        plain_candidates_log2: Logarithms (base 2) of the candidates without a partition, ascending.
        partitioned_candidates_log2: Logarithms (base 2) of the candidates with a partition, ascending.
        mmd2_levels: Levels of MMD^2 for which the number of candidates is computed.

    Raises:
        ValueError: If a value is out of its range.
    """

    runs: int
    plain_candidates_log2: tuple[int, ...]
    partitioned_candidates_log2: tuple[int, ...]
    mmd2_levels: tuple[float, ...]

    def __post_init__(self) -> None:
        for log2 in (self.plain_candidates_log2, self.partitioned_candidates_log2):
            if not log2 or list(log2) != sorted(set(log2)) or not 0 <= log2[0] <= log2[-1] <= 20:
                raise ValueError(f"candidates_log2 must ascend within 0 ... 20, got {list(log2)}; sort them.")
        check_each("mmd2_levels", self.mmd2_levels, 1e-6, 1)
        if self.runs < 2:
            raise ValueError("runs must be at least 2, for a mean with an error; raise them.")


@dataclass(frozen=True)
class Config:
    """Configures the experiment.

    Attributes:
        experiment: Name of the experiment in the registry.
        approximate: The searches by ORC.
        seed: Seed of everything that is drawn.
        divergences: Renyi-infinity divergences of the targets, in bits.
        shares: Share of the bits in each dimension, of sum 1.
        information: Mutual information of the channels, in bits.
        plain_information_to: Largest mutual information for PFR without a partition, whose mean number of candidates
            over a channel is infinite.
        runs: Targets of each divergence or channel.
        budget: Largest number of candidates of PFR.

    Raises:
        ValueError: If a value is out of its range.
    """

    experiment: str
    approximate: Approximate
    seed: int = 0
    divergences: tuple[float, ...] = (2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0)
    shares: tuple[float, ...] = field(default=(0.3, 0.25, 0.2, 0.15, 0.1))
    information: tuple[float, ...] = (2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0)
    plain_information_to: float = 6.0
    runs: int = 2000
    budget: int = 65536

    def __post_init__(self) -> None:
        if not self.shares or min(self.shares) < 0 or not math.isclose(sum(self.shares), 1):
            raise ValueError(f"shares must be positive and sum to 1, got {list(self.shares)}; change them.")
        check_each("divergences", self.divergences, 0.1, 24)
        check_each("information", self.information, 0.1, 24)
        check("budget", self.budget, 2, 2**24)
        if self.runs < 2:
            raise ValueError("runs must be at least 2, for a mean with an error; raise them.")


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Runs the searches of every family of targets, with and without a partition.

    Args:
        config: What to run.
        folder: Unused, as no files are written.
        console: Where progress is shown.

    Returns:
        Rows of PFR by divergence ("exact") and on channels ("channels"), rows of ORC ("approximate"), the candidates
        that ORC needs ("needed"), and wall times in seconds.
    """
    start = time.perf_counter()
    stated = of_divergence(config.shares, config.seed)
    sizes = {False: config.approximate.plain_candidates_log2, True: config.approximate.partitioned_candidates_log2}
    exact, channels, approximate = [], [], []
    with searches(console, 4 + sum(map(len, sizes.values()))) as begin:
        for split, words in _KINDS.items():
            begin(f"PFR, {words}")
            exact += _exact(config, "divergence", stated, config.divergences, split)
        for split, words in _KINDS.items():
            begin(f"PFR on channels, {words}")
            amounts = tuple(i for i in config.information if split or i <= config.plain_information_to)
            channel = of_information(config.shares, config.seed)
            channels += _exact(config, "information", channel, amounts, split) if amounts else []
        middle = time.perf_counter()
        for split, words in _KINDS.items():
            batch = Batch(stated, config.divergences, config.approximate.runs, split, seed=2)
            for log2 in sizes[split]:
                begin(f"ORC of 2^{log2} candidates, {words}")
                approximate += _approximate(config, batch, split, 1 << log2)
    needed = [
        {"divergence": divergence, "partitioned": split, "mmd2_level": level}
        | {"log2_candidates": log2_needed(_curve(approximate, divergence, split), level)}
        for divergence in config.divergences
        for split in _KINDS
        for level in config.approximate.mmd2_levels
    ]
    seconds = {"exact": middle - start, "approximate": time.perf_counter() - middle}
    return {"exact": exact, "channels": channels, "approximate": approximate, "needed": needed, "seconds": seconds}


def log2_needed(curve: Sequence[tuple[int, float]], level: float) -> float | None:
    """Interpolates the number of candidates at which MMD^2 falls to a level, linearly between logarithms.

    Args:
        curve: Candidates and MMD^2 of each size that was tried, by ascending candidates.
        level: The level of MMD^2.

    Returns:
        Logarithm (base 2) of the candidates; that of the first size if it is at the level already, and None if no size
        reaches the level.
    """
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


def _exact(config: Config, axis: str, family: Family, amounts: tuple[float, ...], split: bool) -> list[dict[str, Any]]:
    batch = Batch(family, amounts, config.runs, split, seed=1)
    algorithm = rec.pfr(max_candidates=config.budget, chunk_size=32 if split else 256)
    key = randomness.fold_in(randomness.key(config.seed), 0, int(axis == "information"), int(split))
    rows = []
    for place, (index, sample, steps, status) in enumerate(batch.search(algorithm, key)):
        known, chosen, intervals = batch.known[place], batch.parts[place], batch.intervals[place]
        bits = synthetic.learned_code_bits(known, index, config.budget)
        row = {axis: amounts[place], "partitioned": split, "kl_bits": known.kl}
        row |= {"intervals": None if intervals is None else intervals.tolist(), "log2_bins": known.log2_bins}
        row |= {"steps": mean(steps), "steps_se": standard_error(steps), "steps_median": float(np.median(steps))}
        row |= {"exhausted": int(np.sum(status == Status.BUDGET)), "runs": len(steps)}
        # The mean KL of the targets drawn differs from that of the family by chance, and codelengths differ with it.
        over = bits - chosen.kl_bits.sum(axis=1)
        row |= {"code_bits": mean(bits), "code_bits_se": standard_error(bits), "bound_bits": known.bound}
        row |= {"overhead": mean(over), "overhead_se": standard_error(over)}
        rows.append(row | synthetic.bias_figures(synthetic.evidence(chosen, sample, config.seed)))
    return rows


def _approximate(config: Config, batch: Batch, split: bool, candidates: int) -> list[dict[str, Any]]:
    algorithm = rec.orc(num_candidates=candidates)
    found = batch.search(algorithm, randomness.fold_in(randomness.key(config.seed), 1, int(split), candidates))
    rows = []
    for place, (index, sample, *_) in enumerate(found):
        bits = synthetic.learned_code_bits(batch.known[place], index, candidates)
        row = {"divergence": config.divergences[place], "partitioned": split, "candidates": candidates}
        row |= {"kl_bits": batch.known[place].kl, "code_bits": mean(bits)}
        rows.append(row | synthetic.bias_figures(synthetic.evidence(batch.parts[place], sample, config.seed)))
    return rows
