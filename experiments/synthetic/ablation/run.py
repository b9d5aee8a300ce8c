"""Which dimensions should be cut into intervals? ORC with equal bits of partition, spent well, at random and badly.

Run:     python -m experiments configs/synthetic_ablation.toml
He, Flamich and Hernandez-Lobato 2024 (arXiv:2405.12203), their ablation: one of 5 dimensions carries no information.
"""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rich.console

from experiments.progress import searches
from experiments.provenance import mean, standard_error
from experiments.reporting.ranges import check
from experiments.synthetic import targets as synthetic
from recjax import randomness, rec
from recjax.rec.candidates.interval_counts import MAX_INTERVALS
from recjax.rec.diagnostics import ks_distance

ARMS = ("none", "uninformative", "random", "informative")
"""The arms of the ablation; a row of the result for each."""

_HISTOGRAM_BINS = 48


@dataclass(frozen=True)
class Config:
    """The target's means and scales, the intervals of the informed arm (powers of two), candidates and samples."""

    experiment: str
    means: tuple[float, ...]
    scales: tuple[float, ...]
    intervals: tuple[int, ...]
    candidates: int = 64
    samples: int = 5000
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.means or not len(self.means) == len(self.scales) == len(self.intervals):
            raise ValueError(
                "means, scales and intervals must have an entry for each dimension, one at least; add them."
            )
        if any(count < 1 or count & (count - 1) for count in self.intervals):
            raise ValueError(f"intervals must be powers of two, got {list(self.intervals)}; round them.")
        check("the product of intervals", math.prod(self.intervals), 1, MAX_INTERVALS)
        check("candidates", self.candidates, 1, 2**20)
        if not 0 < min(self.scales) <= max(self.scales) <= 1 or self.samples < 2:
            raise ValueError("scales must lie in (0, 1] and samples be at least 2; change them.")


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Encode the samples of every arm. Figures are returned, no files are written."""
    start = time.perf_counter()
    shape = (config.samples, len(config.means))
    target = synthetic.Targets(np.broadcast_to(config.means, shape), np.broadcast_to(config.scales, shape))
    edges = [_edges(*normal) for normal in zip(config.means, config.scales, strict=True)]
    rows = []
    with searches(console, len(ARMS)) as begin:
        for arm in ARMS:
            begin(f"{config.samples:,} samples, intervals: {arm}")
            rows.append(_measure(config, arm, target, edges))
    return {
        "arms": rows,
        "kl_bits": target.kl_bits[0].tolist(),
        "edges": [edge.tolist() for edge in edges],
        "seconds": {"coding": time.perf_counter() - start},
    }


def intervals_of(config: Config, arm: str) -> np.ndarray | None:
    """Intervals [sample, dim] of an arm; the same log2 J in all that have any."""
    informed = np.array(config.intervals)
    total_bits = round(math.log2(math.prod(config.intervals)))
    if arm == "none":
        return None
    if arm == "informative":
        return np.tile(informed, (config.samples, 1))
    if arm == "uninformative":
        scale = np.asarray(config.scales)
        kl = synthetic.Targets(np.asarray(config.means)[None], scale[None]).kl_bits[0]
        wrong = np.where(np.arange(len(kl)) == np.argmin(kl), 1 << total_bits, 1)
        return np.tile(wrong, (config.samples, 1))
    # Each bit goes to a dimension of its own luck, afresh for each sample.
    bits = np.random.default_rng((config.seed, 3)).integers(len(config.means), size=(config.samples, total_bits))
    return 1 << np.sum(bits[:, :, None] == np.arange(len(config.means)), axis=1)


def _edges(centre: float, scale: float) -> np.ndarray:
    """Of a histogram that shows the target and what strays towards the coding distribution."""
    low, high = min(centre - 4 * scale, centre - 1.2), max(centre + 4 * scale, centre + 1.2)
    return np.linspace(max(low, -3.2), min(high, 3.2), _HISTOGRAM_BINS + 1)


def _measure(config: Config, arm: str, target: synthetic.Targets, edges: list[np.ndarray]) -> dict[str, Any]:
    intervals = intervals_of(config, arm)
    key = randomness.fold_in(randomness.key(config.seed), ARMS.index(arm))
    capacity = max(2, math.prod(config.intervals))
    found = synthetic.search(rec.orc(num_candidates=config.candidates), key, target, intervals, capacity)
    sample = np.asarray(found.sample)
    known = synthetic.lengths(target, None if intervals is None else intervals[0], config.seed, repeats=4)
    bits = synthetic.learned_code_bits(known, found.code.index, config.candidates)
    draws = synthetic.evidence(target, sample, config.seed)
    ratios = np.mean(np.square(draws.residuals), axis=0)
    row = {"arm": arm, "intervals": None if intervals is None or arm == "random" else intervals[0].tolist()}
    row |= {"log2_bins": known.log2_bins, "log2_index": mean(np.asarray(found.info.log2_index))}
    row |= {"code_bits": mean(bits), "code_bits_se": standard_error(bits)}
    row |= {"variance_ratios": ratios.tolist(), "variance_ratio": float(ratios[np.argmax(np.abs(np.log(ratios)))])}
    row |= {"ks_per_dimension": ks_distance(draws.uniforms).tolist()}
    counts = [np.histogram(sample[:, d], edge)[0].tolist() for d, edge in enumerate(edges)]
    return row | synthetic.bias_figures(draws) | {"histograms": counts}
