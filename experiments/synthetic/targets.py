"""Gaussian targets of known divergence, searches for them, and the distance of the samples from their targets.

In a channel X -> Z, an input fixes the posterior N(mean, scale) of a standard normal Z. A dimension that carries I bits
of mutual information has scale = 2^-I, and means that are sqrt(1 - scale^2) times standard normal noise. Two
divergences are then known in closed form: the mean KL is I, and the Renyi-infinity divergence is
I + noise^2 / (2 ln 2) bits.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jaxtyping import Float, Int

from experiments.synthetic import codelength
from recjax import rec
from recjax.distributions.normal import Normal
from recjax.randomness import Key
from recjax.rec.base import Bins, Encoded, RECAlgorithm
from recjax.rec.diagnostics import Draws, bias

PRIOR = Normal(0.0, 1.0)
# Number of exact draws among which a sample's log ratio is ranked.
_EXACT_DRAWS = 255
_LOG2_E = math.log2(math.e)


class Targets(NamedTuple):
    """Holds a Gaussian target for each row, with independent dimensions.

    Attributes:
        mean: Means.
        scale: Standard deviations.
    """

    mean: Float[np.ndarray, "row dim"]
    scale: Float[np.ndarray, "row dim"]

    @property
    def kl_bits(self) -> Float[np.ndarray, "row dim"]:
        """KL divergence of each dimension from the standard normal prior, in bits."""
        return -np.log2(self.scale) + 0.5 * _LOG2_E * (self.scale**2 - 1 + self.mean**2)

    @property
    def normal(self) -> Normal:
        """The same targets as the float32 distribution that coders take."""
        return Normal(jnp.asarray(self.mean, jnp.float32), jnp.asarray(self.scale, jnp.float32))

    def log2_ratio(self, noise: Float[np.ndarray, "*draws row dim"]) -> Float[np.ndarray, "*draws row"]:
        """Computes log2 q(z)/p(z) at z = mean + scale * noise.

        Args:
            noise: Standardised samples.

        Returns:
            Log density ratios of whole rows, in bits.
        """
        z = self.mean + self.scale * noise
        return np.sum(-np.log2(self.scale) + 0.5 * _LOG2_E * (z**2 - noise**2), axis=-1)


def targets(information_bits: Float[np.ndarray, "*row dim"], noise: Float[np.ndarray, "row dim"]) -> Targets:
    """Makes the posteriors of a channel whose dimensions carry given amounts of mutual information.

    Args:
        information_bits: Bits of mutual information of each dimension.
        noise: Standard normal draws that place the means, one row for each target.

    Returns:
        One target for each row of noise.
    """
    scale = np.broadcast_to(np.exp2(-np.asarray(information_bits, np.float64)), noise.shape)
    return Targets(np.sqrt(1 - scale**2) * noise, scale)


def search(
    algorithm: RECAlgorithm, key: Key, chosen: Targets, intervals: Int[np.ndarray, "*row dim"] | None, capacity: int
) -> Encoded:
    """Encodes one sample of each target, within a partition or in the whole space.

    Args:
        algorithm: The coder.
        key: Key of the searches.
        chosen: Targets, one search for each.
        intervals: Number of intervals of each dimension; None for no partition.
        capacity: Upper bound of `intervals`, which fixes the compiled program.

    Returns:
        The result of the searches.
    """
    bins = None if intervals is None else Bins(jnp.asarray(intervals, jnp.uint32), capacity)
    return rec.encode(algorithm, key, chosen.normal, PRIOR, bins=bins)


def evidence(chosen: Targets, sample: Any, seed: int) -> Draws:
    """Transforms samples into statistics whose distribution is known if the samples are exact.

    Args:
        chosen: Targets, one for each sample.
        sample: Samples, [row, dim].
        seed: Seed of the exact draws among which a sample's log ratio is ranked.

    Returns:
        Statistics of the samples, for `recjax.rec.diagnostics.bias`.
    """
    residuals = (np.asarray(sample, np.float64) - chosen.mean) / chosen.scale
    rng = np.random.default_rng((seed, 1))
    ours, below = chosen.log2_ratio(residuals), np.zeros(len(residuals))
    for _ in range(_EXACT_DRAWS):
        below += chosen.log2_ratio(rng.standard_normal(residuals.shape)) < ours
    ranks = (below + rng.uniform(size=below.shape)) / (_EXACT_DRAWS + 1)
    return Draws(np.asarray(ndtr(jnp.asarray(residuals, jnp.float32))), ranks, residuals)


def bias_figures(draws: Draws) -> dict[str, Any]:
    """Measures the bias of samples under the names that results have.

    Args:
        draws: Statistics from `evidence`.

    Returns:
        Fields of `recjax.rec.diagnostics.Bias` with the prefix "bias_", and the number of samples as "draws".
    """
    return {f"bias_{name}": value for name, value in bias(draws)._asdict().items()} | {"draws": len(draws.residuals)}


class Lengths(NamedTuple):
    """Holds what encoder and decoder know of a family of targets in advance, in bits.

    J is the number of bins, and r = q(z)/p(z) the density ratio.

    Attributes:
        log2_bins: log2 J; 0 without a partition.
        log2_index: Mean of log2(1 + r/J) over exact draws z of the targets, at least the mean of log2 of the index.
        kl: Mean KL divergence of the targets.
        excess: Mean of max(0, log2 J - log2 r) over exact draws z.
    """

    log2_bins: float
    log2_index: float
    kl: float
    excess: float

    @property
    def bound(self) -> float:
        """Upper bound on the mean codelength of the exact coder, in bits.

        It is log2 J + e + log2(e + 2) + 2 with e = max(0, KL - log2 J + excess), for a code of log2 J bits for the bin
        and of the index under a zeta distribution with the mean `log2_index`.
        """
        rest = max(self.kl - self.log2_bins + self.excess, 0.0)
        return self.log2_bins + rest + math.log2(rest + 2) + 2


def lengths(family: Targets, intervals: Int[np.ndarray, " dim"] | None, seed: int, repeats: int = 16) -> Lengths:
    """Estimates the means of a family of targets from exact draws, as one would from a training set.

    Args:
        family: Targets of the family.
        intervals: Number of intervals of each dimension; None for no partition.
        seed: Seed of the draws.
        repeats: Draws of each target.

    Returns:
        Means over targets and draws.
    """
    log2_bins = 0.0 if intervals is None else float(np.log2(intervals).sum())
    noise = np.random.default_rng((seed, 2)).standard_normal((repeats, *family.mean.shape))
    ratio = family.log2_ratio(noise)
    return Lengths(
        log2_bins,
        float(np.logaddexp2(0.0, ratio - log2_bins).mean()),
        float(family.kl_bits.sum(axis=1).mean()),
        float(np.maximum(log2_bins - ratio, 0.0).mean()),
    )


def learned_code_bits(known: Lengths, index: Any, largest_index: int) -> Float[np.ndarray, "row"]:
    """Computes the codelength of samples: log2 J, and the index under a zeta distribution learned from other targets.

    Args:
        known: What was learned from other targets of the family.
        index: Index of each sample, from 1.
        largest_index: Largest index that a search may send.

    Returns:
        Codelengths in bits.
    """
    return known.log2_bins + codelength.zeta_bits(np.asarray(index), known.log2_index, (largest_index - 1).bit_length())


def residual_kl_bits(chosen: Targets, intervals: Sequence[int] | np.ndarray) -> Float[np.ndarray, "row"]:
    """Computes the KL that remains for the candidates within a bin: KL - log2 J + H(bin), for each target.

    Args:
        chosen: Targets.
        intervals: Number of equal-mass intervals of each dimension; log2 J is the sum of their logarithms.

    Returns:
        Bits.
    """
    left = chosen.kl_bits.sum(axis=1)
    for dim, count in enumerate(np.asarray(intervals).tolist()):
        edges = np.array([-np.inf, *(NormalDist().inv_cdf(k / count) for k in range(1, count)), np.inf])
        cdf = ndtr(jnp.asarray((edges - chosen.mean[:, dim, None]) / chosen.scale[:, dim, None], jnp.float32))
        mass = np.maximum(np.diff(np.asarray(cdf, np.float64), axis=1), 1e-12)
        left = left - math.log2(count) - np.sum(mass * np.log2(mass), axis=1)
    return left
