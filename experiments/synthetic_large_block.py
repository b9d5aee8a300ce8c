"""48 bits in one block: how many candidates does a partitioned search need when nobody could afford 2^48?

Run:     python -m experiments configs/synthetic_large_block.toml
A sample's target varies: means are drawn as data would draw them, and the intervals are chosen from mean KLs alone.
"Needed" is the smallest power of two whose bias is not detected at the sweep's number of samples: neither the KS test
of the worst dimension (corrected for their number) nor that of the log ratio has a p-value below 1%.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rich.console

from experiments import synthetic
from experiments.record import mean, standard_error
from recjax import randomness, rec
from recjax.rec.diagnostics import kolmogorov_sf, mmd2_from_normal

DETECTED = 0.01


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
        if self.bits / min(self.sweep.dimensions) > 14:
            raise ValueError("a dimension holds at most 14 bits (the grid has 24); take more dimensions.")
        if not self.block.intervals or min(*self.block.intervals, *self.sweep.intervals) < 1:
            raise ValueError("intervals must be at least 1 in every search, and one search at least; add them.")
        if min(self.block.samples, self.block.plain_samples, self.sweep.samples) < 2:
            raise ValueError("samples must be at least 2, for a mean with an error; raise them.")


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Encode the block, with and without a partition, then the sweeps. Figures are returned, no files are written."""
    start = time.perf_counter()
    size, candidates = config.block, 1 << config.block.candidates_log2
    blocks = []
    for count in size.intervals:
        chosen = np.full(size.dimensions, count)
        blocks.append(_measure(config, chosen, candidates, size.samples, size.dimensions, max(size.intervals)))
    blocks.append(_measure(config, None, candidates, size.plain_samples, size.dimensions))
    rng = np.random.default_rng((config.seed, 4))
    exact = [mmd2_from_normal(rng.standard_normal((size.samples, size.dimensions))) for _ in range(size.mmd_repeats)]
    console.print(f"blocks of {size.samples:,} samples done")
    middle = time.perf_counter()
    dimensions = []
    for count in config.sweep.dimensions:
        dimensions.append(_needed(config, count, max(1, round(2 ** (config.bits / count)))))
        console.print(f"{count} dimensions: {_words(dimensions[-1])}")
    intervals = []
    for count in config.sweep.intervals:
        intervals.append(_needed(config, size.dimensions, count, max(config.sweep.intervals)))
        console.print(f"{count} intervals per dimension: {_words(intervals[-1])}")
    seconds = {"blocks": middle - start, "sweeps": time.perf_counter() - middle}
    sweeps = {"by_dimensions": dimensions, "by_intervals": intervals}
    return {"blocks": blocks, "exact_mmd2": exact, **sweeps, "seconds": seconds}


def _words(row: dict[str, Any]) -> str:
    log2 = row["log2_needed"]
    return f"{'more than tried' if log2 is None else f'2^{log2}'}, residual KL {row['residual_kl_bits']:.1f} bits"


def _targets(config: Config, dimensions: int, samples: int, seed: int) -> synthetic.Targets:
    noise = np.random.default_rng((config.seed, seed, dimensions)).standard_normal((samples, dimensions))
    return synthetic.targets(np.full(dimensions, config.bits / dimensions), noise)


def _measure(
    config: Config,
    intervals: np.ndarray | None,
    candidates: int,
    samples: int,
    dimensions: int,
    most_intervals: int | None = None,
) -> dict[str, Any]:
    """Bits and biases of a number of samples, each of a target of its own."""
    target = _targets(config, dimensions, samples, 5)
    key = randomness.fold_in(
        randomness.key(config.seed), dimensions, candidates, 0 if intervals is None else int(intervals[0])
    )
    most = 1 if intervals is None else int(intervals.max()) if most_intervals is None else most_intervals
    found = synthetic.search(
        rec.orc(num_candidates=candidates), key, target, intervals, 1 << max(most - 1, 1).bit_length()
    )
    known = synthetic.lengths(_targets(config, dimensions, 2000, 6), intervals, config.seed)
    bits = synthetic.code_bits(known, found.code.index, candidates)
    draws = synthetic.evidence(target, found.sample, config.seed)
    ks = synthetic.ks_per_dimension(draws.uniforms)
    row = {"dimensions": dimensions, "intervals": None if intervals is None else int(intervals[0])}
    row |= {"candidates": candidates, "kl_bits": mean(target.kl_bits.sum(axis=1)), "log2_bins": known.log2_bins}
    row |= {"residual_kl_bits": known.kl if intervals is None else mean(synthetic.residual_kl_bits(target, intervals))}
    row |= {"code_bits": mean(bits), "code_bits_se": standard_error(bits)}
    row |= {"ks_per_dimension": ks.tolist(), "lowest_pvalue": kolmogorov_sf(math.sqrt(samples) * float(ks.max()))}
    counts, edges = np.histogram(draws.residuals, 60, (-5, 5))
    row |= {"histogram": counts.tolist(), "edges": edges.tolist()}
    row |= {"variance_ratio": float(np.mean(np.square(draws.residuals)))}
    return row | synthetic.bias_figures(draws)


def detected(row: dict[str, Any]) -> bool:
    """Whether a test tells the samples of a row from exact ones."""
    return min(row["bias_ks_pvalue"], row["bias_log_ratio_pvalue"]) < DETECTED


def _needed(config: Config, dimensions: int, count: int, most_intervals: int | None = None) -> dict[str, Any]:
    """Twice the candidates until no bias is detected, from about twice 2^residual KL on, where there always is one."""
    intervals, samples = np.full(dimensions, count), config.sweep.samples
    residual = mean(synthetic.residual_kl_bits(_targets(config, dimensions, samples, 5), intervals))
    tried: Sequence[dict[str, Any]] = []
    log2_needed = None
    first = min(max(0, math.floor(residual) + 1), config.sweep.most_candidates_log2)
    for log2 in range(first, config.sweep.most_candidates_log2 + 1):
        row = _measure(config, intervals, 1 << log2, samples, dimensions, most_intervals)
        tried = [*tried, {key: row[key] for key in _TRIED}]
        if not detected(row):
            log2_needed = log2
            break
    row = {"dimensions": dimensions, "intervals": count, "log2_bins": dimensions * math.log2(count)}
    return row | {"residual_kl_bits": residual, "log2_needed": log2_needed, "tried": tried}


_TRIED = ("candidates", "code_bits", "bias_ks", "bias_ks_pvalue", "bias_log_ratio_ks", "bias_log_ratio_pvalue")
_TRIED += ("bias_mmd2", "draws")
