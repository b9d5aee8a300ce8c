"""The bias of samples, which must stand beside their bits: a search that is too short makes its index look cheap."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

_LIMIT_LEVEL = 0.05
_MMD_ROWS = 512


class Draws(NamedTuple):
    """Independent draws of a sampler, each from a target of its own, in forms whose law is known if it is exact.

    uniforms: the target's cdf at each coordinate, uniform on [0, 1]. log_ratio_ranks: the place of log r of a draw
    among those of exact draws from the same target, made uniform on [0, 1]. residuals: (z - mean) / scale, standard
    normal.
    """

    uniforms: Float[np.ndarray, "draw dim"]
    log_ratio_ranks: Float[np.ndarray, "draw"]
    residuals: Float[np.ndarray, "draw dim"]


class Bias(NamedTuple):
    """How far draws are from their targets.

    ks: Kolmogorov-Smirnov distance of the worst dimension. ks_limit: what exact samples stay below in 95% of cases.
    ks_pvalue: of ks, times the number of dimensions (Bonferroni), at most 1. log_ratio_ks, log_ratio_pvalue: the same
    of the log ratio, one test. mmd2: squared maximum mean discrepancy of the residuals from the standard normal,
    estimated without bias: around 0 if exact.
    """

    ks: float
    ks_limit: float
    ks_pvalue: float
    log_ratio_ks: float
    log_ratio_pvalue: float
    mmd2: float


def pool(draws: Sequence[Draws]) -> Draws:
    """Draws of several runs as those of one."""
    return Draws(*map(np.concatenate, zip(*draws, strict=True)))


def bias(draws: Draws) -> Bias:
    """How far at least two draws are from their targets; ValueError for fewer."""
    count, dims = draws.uniforms.shape
    if count < 2:
        raise ValueError(f"a bias is measured on at least 2 draws, got {count}; code more images")
    worst = float(ks_distance(draws.uniforms).max())
    of_ratio = float(ks_distance(draws.log_ratio_ranks[:, None])[0])
    root = np.sqrt(count)
    return Bias(
        ks=worst,
        ks_limit=kolmogorov_isf(_LIMIT_LEVEL / dims) / float(root),
        ks_pvalue=min(1.0, dims * kolmogorov_sf(root * worst)),
        log_ratio_ks=of_ratio,
        log_ratio_pvalue=kolmogorov_sf(root * of_ratio),
        mmd2=mmd2_from_normal(draws.residuals),
    )


def mmd2_from_normal(x: Float[np.ndarray, "draw dim"]) -> float:
    """Squared maximum mean discrepancy of draws from the standard normal, unbiased.

    The kernel is Gaussian with bandwidth sqrt(dim), some 0.7 of the distance of two draws. Only the draws are
    random: the normal's part is an integral (Gretton et al. 2012, equation 3).
    """
    x = np.asarray(x, np.float64)
    count, dim = x.shape
    width2 = float(dim)
    squares = np.sum(np.square(x), axis=1)
    pairs = 0.0
    for rows in np.array_split(np.arange(count), -(-count // _MMD_ROWS)):
        distance2 = squares[rows, None] + squares - 2 * x[rows] @ x.T
        pairs += float(np.exp(-distance2 / (2 * width2)).sum())
    among_draws = (pairs - count) / (count * (count - 1))
    with_normal = np.mean((1 + 1 / width2) ** (-dim / 2) * np.exp(-squares / (2 * (width2 + 1))))
    return float(among_draws - 2 * with_normal + (1 + 2 / width2) ** (-dim / 2))


def kolmogorov_sf(x: float) -> float:
    """Probability that Kolmogorov's limit law exceeds x."""
    if x <= 0.2:
        return 1.0
    k = np.arange(1, 101)
    return float(np.clip(2 * np.sum((-1.0) ** (k - 1) * np.exp(-2.0 * k**2 * x**2)), 0.0, 1.0))


def kolmogorov_isf(mass: float) -> float:
    """What Kolmogorov's limit law exceeds with this probability."""
    low, high = 0.2, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if kolmogorov_sf(middle) > mass else (low, middle)
    return low


def ks_distance(uniforms: Float[np.ndarray, "draw dim"]) -> Float[np.ndarray, "dim"]:
    """Largest difference of each column's empirical cdf from that of the uniform law."""
    ordered = np.sort(np.asarray(uniforms, np.float64), axis=0)
    step = np.arange(len(ordered))[:, None] / len(ordered)
    return np.maximum(step + 1 / len(ordered) - ordered, ordered - step).max(axis=0)
