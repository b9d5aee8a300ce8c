"""48 bits in one block: how many candidates does a partitioned search need when nobody could afford 2^48?

Run:     python -m experiments configs/synthetic_large_block.toml
A sample's target varies: means are drawn as data would draw them, and the intervals are chosen from mean KLs alone.
"Needed" is the smallest power of two whose bias is not detected at the sweep's number of samples: neither the KS test
of the worst dimension (corrected for their number) nor that of the log ratio has a p-value below 1%.
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

# Targets of more lie on few words of the grid.
_MOST_BITS = 14


@dataclass(frozen=True)
class Block:
    """The search that is looked at closely. intervals: of every dimension, one search for each number of them.

    mmd_repeats: exact samples of as many draws, to which MMD^2 is compared.
    """

    dimensions: int = 12
    intervals: tuple[int, ...] = (16, 20)
    candidates_log2: int = 16
    samples: int = 5000
    plain_samples: int = 500
    mmd_repeats: int = 20


@dataclass(frozen=True)
class Sweep:
    """Blocks of the same KL in other dimensions, and in other intervals per dimension."""

    samples: int = 500
    dimensions: tuple[int, ...] = (4, 8, 12, 16, 24)
    intervals: tuple[int, ...] = (12, 16, 20, 24, 32)
    most_candidates_log2: int = 16


@dataclass(frozen=True)
class Config:
    """bits: mean KL of every block, shared evenly by its dimensions."""

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
    """Encode the block, with and without a partition, then the sweeps. Figures are returned, no files are written."""
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
