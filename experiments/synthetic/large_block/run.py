"""Measures how many candidates a partitioned search needs for a block of 48 bits, where a plain one needs about 2^48.

Run:     python -m experiments configs/synthetic_large_block.toml
Every sample has a target of its own, with means drawn as data would draw them; the intervals are chosen from mean KLs
alone. "Needed" is the smallest power of two whose bias is not detected at the sweep's number of samples: neither the
KS test of the worst dimension (corrected for the number of dimensions) nor that of the log ratio has a p-value
below 1%.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rich.console

from experiments.progress import searches
from experiments.reporting.ranges import check, check_each
from experiments.synthetic.large_block.rows import Family, measure, needed
from recjax import grid
from recjax.rec.candidates.interval_counts import MAX_INTERVALS
from recjax.rec.diagnostics import mmd2_from_normal

# Most bits of a dimension: narrower targets would span only few words of the grid.
_MOST_BITS = 14


@dataclass(frozen=True)
class Block:
    """Configures the searches that are examined closely.

    Attributes:
        dimensions: Number of dimensions of the block.
        intervals: Numbers of intervals of every dimension; a search for each number.
        candidates_log2: Logarithm (base 2) of the candidates of each search.
        samples: Samples of each partitioned search.
        plain_samples: Samples of the search without a partition.
        mmd_repeats: Sets of `samples` exact samples whose MMD^2 the partitioned searches are compared with.
    """

    dimensions: int = 12
    intervals: tuple[int, ...] = (16, 20)
    candidates_log2: int = 16
    samples: int = 5000
    plain_samples: int = 500
    mmd_repeats: int = 20


@dataclass(frozen=True)
class Sweep:
    """Configures the sweeps over dimensions, and over intervals per dimension, of blocks of the same KL.

    Attributes:
        samples: Samples of each attempt.
        dimensions: Numbers of dimensions, each cut into about 2^(KL per dimension) intervals.
        intervals: Numbers of intervals per dimension, for a block of `Block.dimensions`.
        most_candidates_log2: Logarithm (base 2) of the largest number of candidates to try.
    """

    samples: int = 500
    dimensions: tuple[int, ...] = (4, 8, 12, 16, 24)
    intervals: tuple[int, ...] = (12, 16, 20, 24, 32)
    most_candidates_log2: int = 16


@dataclass(frozen=True)
class Config:
    """Configures the experiment.

    Attributes:
        experiment: Name of the experiment in the registry.
        block: The searches that are examined closely.
        sweep: The sweeps.
        bits: Mean KL of every block in bits, shared evenly by its dimensions.
        seed: Seed of everything that is drawn.

    Raises:
        ValueError: If a value is out of its range.
    """

    experiment: str
    block: Block
    sweep: Sweep
    bits: float = 48.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_each("block.intervals", self.block.intervals, 1, MAX_INTERVALS)
        check_each("sweep.intervals", self.sweep.intervals, 1, MAX_INTERVALS)
        check_each("sweep.dimensions", self.sweep.dimensions, 1, 64)
        check("block.dimensions", self.block.dimensions, 1, 64)
        check("block.candidates_log2", self.block.candidates_log2, 0, 20)
        check("sweep.most_candidates_log2", self.sweep.most_candidates_log2, 0, 20)
        check("block.mmd_repeats", self.block.mmd_repeats, 1, 1000)
        if self.bits <= 0 or self.bits / min(*self.sweep.dimensions, self.block.dimensions) > _MOST_BITS:
            raise ValueError(
                f"a dimension holds more than 0 and at most {_MOST_BITS} bits (the grid has {grid.BITS}), got "
                f"{self.bits:g} bits in {min(*self.sweep.dimensions, self.block.dimensions)}; take more dimensions."
            )
        if min(self.block.samples, self.block.plain_samples, self.sweep.samples) < 2:
            raise ValueError("samples must be at least 2, for a mean with an error; raise them.")


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Encodes the block with and without a partition, then runs the sweeps.

    Args:
        config: What to run.
        folder: Unused, as no files are written.
        console: Where progress is shown.

    Returns:
        Rows of the searches ("blocks", the one without a partition last) and of the sweeps ("by_dimensions",
        "by_intervals"), MMD^2 of exact samples ("exact_mmd2"), and wall times in seconds.
    """
    start = time.perf_counter()
    size, sweep = config.block, config.sweep
    family = Family(config.bits, config.seed)
    candidates, capacity = 1 << size.candidates_log2, max(size.intervals)
    blocks, dimensions, intervals = [], [], []
    with searches(console, len(size.intervals) + 2 + len(sweep.dimensions) + len(sweep.intervals)) as begin:
        for count in size.intervals:
            begin(f"{size.samples:,} samples, {count} intervals in each of {size.dimensions} dimensions")
            chosen = np.full(size.dimensions, count)
            blocks.append(measure(family, chosen, candidates, size.samples, size.dimensions, capacity))
        begin(f"{size.plain_samples:,} samples, no partition")
        blocks.append(measure(family, None, candidates, size.plain_samples, size.dimensions))
        begin("MMD² of exact samples")
        exact = _exact_mmd2(config)
        middle = time.perf_counter()
        for dims in sweep.dimensions:
            begin(f"candidates needed in {dims} dimensions")
            count = max(1, round(2 ** (config.bits / dims)))
            dimensions.append(needed(family, dims, count, count, sweep.samples, sweep.most_candidates_log2))
        for count in sweep.intervals:
            begin(f"candidates needed with {count} intervals")
            same = (row for row in dimensions if (row["dimensions"], row["intervals"]) == (size.dimensions, count))
            row = next(same, None)
            if row is None:
                most = max(sweep.intervals)
                row = needed(family, size.dimensions, count, most, sweep.samples, sweep.most_candidates_log2)
            intervals.append(row)
    seconds = {"blocks": middle - start, "sweeps": time.perf_counter() - middle}
    sweeps = {"by_dimensions": dimensions, "by_intervals": intervals}
    return {"blocks": blocks, "exact_mmd2": exact, **sweeps, "seconds": seconds}


def _exact_mmd2(config: Config) -> list[float]:
    rng = np.random.default_rng((config.seed, 4))
    shape = (config.block.samples, config.block.dimensions)
    return [mmd2_from_normal(rng.standard_normal(shape)) for _ in range(config.block.mmd_repeats)]
