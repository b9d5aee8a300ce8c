"""Compares ways to choose the dimensions that a partition cuts: ORC with equal bits of partition under every arm.

Run:     python -m experiments configs/synthetic_ablation.toml
After the ablation of He, Flamich and Hernandez-Lobato 2024 (arXiv:2405.12203), in which one of 5 dimensions carries no
information.
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
"""Arms of the ablation: how the intervals are assigned to dimensions. The result has a row for each.

"none" has no partition. "informative" takes `Config.intervals`. "uninformative" cuts only the dimension of least KL,
and "random" assigns every bit of log2 J to a random dimension, anew for each sample; both keep the same log2 J.
"""

_HISTOGRAM_BINS = 48


@dataclass(frozen=True)
class Config:
    """Configures the ablation.

    Attributes:
        experiment: Name of the experiment in the registry.
        means: Mean of the target in each dimension; the coding distribution is standard normal.
        scales: Standard deviation of the target in each dimension, in (0, 1].
        intervals: Intervals of each dimension in the "informative" arm, powers of two.
        candidates: Candidates of each search, in 1 ... 2^20.
        samples: Samples of every arm, at least 2.
        seed: Seed of the searches, of random assignments and of the tests.

    Raises:
        ValueError: If a value is out of its range, or the number of entries differs between dimensions.
    """

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
    """Encodes the samples of every arm and measures their bits and their bias.

    Args:
        config: What to run.
        folder: Unused, as no files are written.
        console: Where progress is shown.

    Returns:
        Rows of the arms, KL of each dimension in bits, edges of the histograms, and wall times in seconds.
    """
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
    """Chooses the number of intervals of each dimension for every sample of an arm.

    Args:
        config: The intervals of the "informative" arm, the target, the number of samples and the seed.
        arm: One of `ARMS`.

    Returns:
        Powers of two, [sample, dim], of the same product in every row and arm; None for the arm without a partition.
    """
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
    # Each bit of log2 J goes to a random dimension, anew for each sample.
    bits = np.random.default_rng((config.seed, 3)).integers(len(config.means), size=(config.samples, total_bits))
    return 1 << np.sum(bits[:, :, None] == np.arange(len(config.means)), axis=1)


def _edges(centre: float, scale: float) -> np.ndarray:
    """Returns bin edges that show the target and samples that stray towards the coding distribution."""
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
