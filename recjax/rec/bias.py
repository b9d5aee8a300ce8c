"""Bounds of the bias of searches that are cut off, for the targets of a Gaussian channel.

The targets are those of a channel that uses its coding distribution well: z ~ N(0, 1), and the posterior of z is
N(mu, sigma^2) with sigma = 2^-KL and mu ~ N(0, 1 - sigma^2). Its information is KL bits, and posteriors of trained VAEs
are close to it. Let r be the density ratio of the sample (with a partition of space, r' = dQ/dP' in its place). The
total variation distance between the sample and its target is then at most

- E_Q[(r - 1)^+ / (r + N - 1)] for importance sampling among N candidates (ORC, MRC). By symmetry, the density of the
  sample is q(z) E[N / (r(z) + r(z_2) + ... + r(z_N))], and Jensen's inequality puts the means 1 of r(z_i) there;
- E_Q[(r / (1 + r))^N] for PFR within N arrivals, the probability that its winner comes later: given the winner and its
  s = t / r, a draw of Exp(1), the arrivals before it are at most Poisson of mean s r, which is geometric over all s;
- E_Q[r / (2^D + r)] for DAD* down to D branches, by the same argument for the arrivals in an interval of mass 2^-D;
- E[min(1, max r / N)] for the global search of GPRS, whose mean number of arrivals is max r, by Markov's inequality.
"""

from typing import NamedTuple

import numpy as np
from jax.scipy.special import ndtr, ndtri
from jaxtyping import Float, Int

from recjax.rec.candidates.interval_counts import MAX_INTERVALS

_DRAWS = 2048
_SEED = 0


class Ratios(NamedTuple):
    """Holds log density ratios of draws of the channel, in bits, [draw, latent].

    Attributes:
        sample: log2 r of the samples; with a partition, log2 r'.
        largest: log2 of the largest r of the target of each draw, without a partition.
    """

    sample: Float[np.ndarray, "draw latent"]
    largest: Float[np.ndarray, "draw latent"]


def draw_ratios(
    kl_bits: Float[np.ndarray, "latent"], intervals: Int[np.ndarray, "latent"] | None, *, by_supremum: bool
) -> Ratios:
    """Draws log density ratios of the channel, always the same draws.

    Args:
        kl_bits: Information of each latent, in bits.
        intervals: Number of intervals of each latent; None for no partition.
        by_supremum: Whether intervals are weighed by the largest ratio within (exact coders), and not by the mass of
            the target within.

    Returns:
        The ratios.
    """
    scale = np.exp2(-np.asarray(kl_bits, np.float64))
    mean, noise = np.random.default_rng(_SEED).standard_normal((2, _DRAWS, len(scale)))
    spread = np.sqrt(1 - scale**2)
    loc = spread * mean
    z = loc + scale * noise
    sample = (z**2 - noise**2) / (2 * np.log(2)) - np.log2(scale)
    largest = np.where(scale < 1, mean**2 / (2 * np.log(2)), 0.0) - np.log2(scale)
    if intervals is not None:
        gains = [_gain(z[:, i], loc[:, i], scale[i], int(j), by_supremum) for i, j in enumerate(intervals)]
        sample = sample - np.stack(gains, axis=1)
    return Ratios(sample, largest)


def _gain(z: np.ndarray, loc: np.ndarray, scale: float, count: int, by_supremum: bool) -> np.ndarray:
    """Returns log2(J pi) of the interval of each draw, for weights pi of J intervals, [draw]."""
    if count == 1:
        return np.zeros(len(z))
    # Padded to one size, so that JAX compiles one program for all latents.
    edges = np.full(MAX_INTERVALS + 1, np.inf)
    edges[: count + 1] = np.asarray(ndtri(np.minimum(np.arange(MAX_INTERVALS + 1) / count, 1)))[: count + 1]
    own = np.clip(np.searchsorted(edges[:count], z) - 1, 0, count - 1)[:, None]
    if by_supremum:
        mode = (loc / max(1 - scale**2, 1e-9))[:, None]
        at = np.clip(mode, edges[:count], edges[1 : count + 1])
        log_weight = at**2 / 2 - ((at - loc[:, None]) / scale) ** 2 / 2
        weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    else:
        weight = np.diff(np.asarray(ndtr((edges - loc[:, None]) / scale), np.float64), axis=1)
    share = weight / weight.sum(axis=1, keepdims=True)
    return np.log2(count * np.maximum(np.take_along_axis(share, own, axis=1)[:, 0], 2.0**-16))


def bound(name: str, size: int, ratios: Ratios) -> Float[np.ndarray, "block"]:
    """Computes the bound of the bias of each block.

    Args:
        name: The name of the algorithm.
        size: Its number of candidates; for DAD*, its depth.
        ratios: Log ratios of the blocks, [draw, block].

    Returns:
        Bounds of the mean total variation distance, in [0, 1]; not a number for algorithms that have no bound here.
    """
    log2_n = float(size) if name == "dad_star" else np.log2(size)
    if name == "gprs_global":
        return np.exp2(np.minimum(ratios.largest - log2_n, 0)).mean(axis=0)
    ratio = np.exp2(np.minimum(ratios.sample, 1000.0))
    if name in ("orc", "mrc"):
        return (np.maximum(ratio - 1, 0) / (ratio + size - 1)).mean(axis=0)
    if name == "pfr":
        return np.exp(-size * np.log1p(1 / ratio)).mean(axis=0)
    if name == "dad_star":
        return (1 / (1 + np.exp2(log2_n) / ratio)).mean(axis=0)
    return np.full(ratio.shape[1], np.nan)
