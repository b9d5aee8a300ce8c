"""Searches for targets of large blocks, the bias of the samples, and the number of candidates that a block needs."""

import math
from typing import Any, NamedTuple

import numpy as np

from experiments.provenance import mean, standard_error
from experiments.reporting.verdicts import detected
from experiments.synthetic import targets as synthetic
from recjax import randomness, rec
from recjax.rec.diagnostics import kolmogorov_sf, ks_distance

_TRIED = ("candidates", "code_bits", "bias_ks", "bias_ks_pvalue", "bias_log_ratio_ks", "bias_log_ratio_pvalue")
_TRIED += ("bias_mmd2", "draws")


class Family(NamedTuple):
    """Describes targets whose dimensions share a mean KL evenly.

    Attributes:
        bits: Mean KL of a target over all its dimensions, in bits.
        seed: Seed of everything that is drawn.
    """

    bits: float
    seed: int

    def targets(self, dimensions: int, samples: int, purpose: int) -> synthetic.Targets:
        """Draws targets.

        Args:
            dimensions: Number of dimensions.
            samples: Number of targets.
            purpose: Names the stream of random numbers; other purposes have other targets.

        Returns:
            Targets [sample, dimension].
        """
        noise = np.random.default_rng((self.seed, purpose, dimensions)).standard_normal((samples, dimensions))
        return synthetic.targets(np.full(dimensions, self.bits / dimensions), noise)


_CODED, _LEARNED = 5, 6


def measure(
    family: Family,
    intervals: np.ndarray | None,
    candidates: int,
    samples: int,
    dimensions: int,
    most_intervals: int = 1,
) -> dict[str, Any]:
    """Encodes one sample of each of many targets with ORC, and measures bits and biases.

    Args:
        family: The distribution of the targets.
        intervals: Number of intervals of each dimension (the same in all); None for no partition.
        candidates: Candidates of each search.
        samples: Number of targets.
        dimensions: Number of dimensions.
        most_intervals: Largest number of intervals of any call, so that all calls share one compiled search.

    Returns:
        A row of the result: sizes, KL and residual KL, codelength, bias, and a histogram of the standardised samples.
    """
    target = family.targets(dimensions, samples, _CODED)
    count = None if intervals is None else int(intervals[0])
    key = randomness.fold_in(randomness.key(family.seed), dimensions, candidates, count or 0)
    capacity = 1 << max(most_intervals - 1, 1).bit_length()
    found = synthetic.search(rec.orc(num_candidates=candidates), key, target, intervals, capacity)
    known = synthetic.lengths(family.targets(dimensions, 2000, _LEARNED), intervals, family.seed)
    bits = synthetic.learned_code_bits(known, found.code.index, candidates)
    draws = synthetic.evidence(target, found.sample, family.seed)
    ks = ks_distance(draws.uniforms)
    row = {"dimensions": dimensions, "intervals": count}
    row |= {"candidates": candidates, "kl_bits": mean(target.kl_bits.sum(axis=1)), "log2_bins": known.log2_bins}
    row |= {"residual_kl_bits": known.kl if intervals is None else mean(synthetic.residual_kl_bits(target, intervals))}
    row |= {"code_bits": mean(bits), "code_bits_se": standard_error(bits)}
    row |= {"ks_per_dimension": ks.tolist(), "lowest_pvalue": kolmogorov_sf(math.sqrt(samples) * float(ks.max()))}
    counts, edges = np.histogram(draws.residuals, 60, (-5, 5))
    row |= {"histogram": counts.tolist(), "edges": edges.tolist()}
    # If exact, this is a mean of squares of independent standard normals, each of variance 2.
    row |= {"variance_ratio": float(np.mean(np.square(draws.residuals)))}
    row |= {"variance_ratio_se": math.sqrt(2 / draws.residuals.size)}
    return row | synthetic.bias_figures(draws)


def needed(
    family: Family, dimensions: int, count: int, most_intervals: int, samples: int, most_log2: int
) -> dict[str, Any]:
    """Doubles the number of candidates until no bias is detected.

    The first attempt has about 2^(residual KL + 2) candidates, as fewer show a bias as a rule.

    Args:
        family: The distribution of the targets.
        dimensions: Number of dimensions.
        count: Number of intervals of each dimension.
        most_intervals: Largest number of intervals of any call, so that all calls share one compiled search.
        samples: Number of targets of each attempt.
        most_log2: Logarithm (base 2) of the largest number of candidates to try.

    Returns:
        A row of the result; "log2_needed" is None if a bias is detected at every number of candidates tried.
    """
    intervals = np.full(dimensions, count)
    residual = mean(synthetic.residual_kl_bits(family.targets(dimensions, samples, _CODED), intervals))
    tried: list[dict[str, Any]] = []
    log2_needed = None
    first = min(max(0, math.floor(residual) + 2), most_log2)
    for log2 in range(first, most_log2 + 1):
        row = measure(family, intervals, 1 << log2, samples, dimensions, most_intervals)
        tried.append({key: row[key] for key in _TRIED})
        if not detected(row):
            log2_needed = log2
            break
    row = {"dimensions": dimensions, "intervals": count, "log2_bins": dimensions * math.log2(count)}
    return row | {"residual_kl_bits": residual, "log2_first": first, "log2_needed": log2_needed, "tried": tried}
