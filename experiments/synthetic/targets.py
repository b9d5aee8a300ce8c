"""Gaussian targets of known divergence, one search for each, and how far the samples found are from their targets.

X -> Z: a datum fixes the posterior N(mean, scale) of a standard normal Z. In a dimension that carries I bits of mutual
information scale = 2^-I, and means are sqrt(1 - scale^2) times standard normal noise. Two divergences are then closed
forms: the mean KL is I, and the Renyi-infinity divergence is I + noise^2 / (2 ln 2) bits.
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
# Exact draws that a sample's log ratio is ranked among.
_EXACT_DRAWS = 255
_LOG2_E = math.log2(math.e)


class Targets(NamedTuple):
    """A Gaussian target for each row."""

    mean: Float[np.ndarray, "row dim"]
    scale: Float[np.ndarray, "row dim"]

    @property
    def kl_bits(self) -> Float[np.ndarray, "row dim"]:
        """KL divergence from the standard normal, per dimension."""
        return -np.log2(self.scale) + 0.5 * _LOG2_E * (self.scale**2 - 1 + self.mean**2)

    @property
    def normal(self) -> Normal:
        """For the coders."""
        return Normal(jnp.asarray(self.mean, jnp.float32), jnp.asarray(self.scale, jnp.float32))

    def log2_ratio(self, noise: Float[np.ndarray, "*draws row dim"]) -> Float[np.ndarray, "*draws row"]:
        """log2 q(z)/p(z) at z = mean + scale * noise."""
        z = self.mean + self.scale * noise
        return np.sum(-np.log2(self.scale) + 0.5 * _LOG2_E * (z**2 - noise**2), axis=-1)


def targets(information_bits: Float[np.ndarray, "*row dim"], noise: Float[np.ndarray, "row dim"]) -> Targets:
    """Posteriors of dimensions that carry so much mutual information, one for each row of noise."""
    scale = np.broadcast_to(np.exp2(-np.asarray(information_bits, np.float64)), noise.shape)
    return Targets(np.sqrt(1 - scale**2) * noise, scale)


def search(
    algorithm: RECAlgorithm, key: Key, chosen: Targets, intervals: Int[np.ndarray, "*row dim"] | None, capacity: int
) -> Encoded:
    """One search for each target, in `intervals` per dimension (at most `capacity`) or in the whole space."""
    bins = None if intervals is None else Bins(jnp.asarray(intervals, jnp.uint32), capacity)
    return rec.encode(algorithm, key, chosen.normal, PRIOR, bins=bins)


def evidence(chosen: Targets, sample: Any, seed: int) -> Draws:
    """The samples in the forms whose law is known if they are exact."""
    residuals = (np.asarray(sample, np.float64) - chosen.mean) / chosen.scale
    rng = np.random.default_rng((seed, 1))
    ours, below = chosen.log2_ratio(residuals), np.zeros(len(residuals))
    for _ in range(_EXACT_DRAWS):
        below += chosen.log2_ratio(rng.standard_normal(residuals.shape)) < ours
    ranks = (below + rng.uniform(size=below.shape)) / (_EXACT_DRAWS + 1)
    return Draws(np.asarray(ndtr(jnp.asarray(residuals, jnp.float32))), ranks, residuals)


def bias_figures(draws: Draws) -> dict[str, Any]:
    """Biases of the samples, by the names that results have."""
    return {f"bias_{name}": value for name, value in bias(draws)._asdict().items()} | {"draws": len(draws.residuals)}


class Lengths(NamedTuple):
    """What the decoder knows of a family of targets, in bits, and the bound that follows.

    log2_index: mean of log2(1 + r/J) over exact draws, at least E[log2 n]. kl: mean KL. excess: mean of log2 J - log2 r
    where that is positive. bound: KL + excess + log2(KL - log2 J + excess + 2) + 2, on log2 J and the index under the
    zeta law of that mean.
    """

    log2_bins: float
    log2_index: float
    kl: float
    excess: float

    @property
    def bound(self) -> float:
        """Of the exact coder's mean codelength, in bits."""
        rest = max(self.kl - self.log2_bins + self.excess, 0.0)
        return self.log2_bins + rest + math.log2(rest + 2) + 2


def lengths(family: Targets, intervals: Int[np.ndarray, " dim"] | None, seed: int, repeats: int = 16) -> Lengths:
    """Means over a family of targets, from exact draws: the part of a training set."""
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
    """Codelength of each sample: log2 J and the index under a zeta law learned from other targets, as a decoder's."""
    return known.log2_bins + codelength.zeta_bits(np.asarray(index), known.log2_index, (largest_index - 1).bit_length())


def residual_kl_bits(chosen: Targets, intervals: Sequence[int] | np.ndarray) -> Float[np.ndarray, "row"]:
    """KL that the choice of the bin leaves to the candidates in it: KL - log2 J + H(bin), per target."""
    left = chosen.kl_bits.sum(axis=1)
    for dim, count in enumerate(np.asarray(intervals).tolist()):
        edges = np.array([-np.inf, *(NormalDist().inv_cdf(k / count) for k in range(1, count)), np.inf])
        cdf = ndtr(jnp.asarray((edges - chosen.mean[:, dim, None]) / chosen.scale[:, dim, None], jnp.float32))
        mass = np.maximum(np.diff(np.asarray(cdf, np.float64), axis=1), 1e-12)
        left = left - math.log2(count) - np.sum(mass * np.log2(mass), axis=1)
    return left
