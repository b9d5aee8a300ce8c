"""Measures the bias of samples, which belongs beside their bits: a search that is too short has a cheap index."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

_LIMIT_LEVEL = 0.05
_MMD_ROWS = 512


class Draws(NamedTuple):
    """Holds independent draws of a sampler, each from a target of its own, in forms whose exact distribution is known.

    Attributes:
        uniforms: The target's cdf at each coordinate of a draw; uniform on [0, 1] if exact.
        log_ratio_ranks: Rank of a draw's log density ratio among those of exact draws from the same target, scaled and
            randomised to be uniform on [0, 1] if exact.
        residuals: (z - mean) / scale; standard normal if exact.
    """

    uniforms: Float[np.ndarray, "draw dim"]
    log_ratio_ranks: Float[np.ndarray, "draw"]
    residuals: Float[np.ndarray, "draw dim"]


class Bias(NamedTuple):
    """Tells how far draws are from their targets.

    Attributes:
        ks: Kolmogorov-Smirnov distance of the worst dimension.
        ks_limit: Distance of the worst dimension that exact samples stay below in 95% of cases.
        ks_pvalue: P-value of `ks`, times the number of dimensions (Bonferroni), at most 1.
        log_ratio_ks: Kolmogorov-Smirnov distance of the log density ratio's ranks.
        log_ratio_pvalue: P-value of `log_ratio_ks`, which is one test.
        mmd2: Squared maximum mean discrepancy of the residuals from the standard normal: an unbiased estimate, which is
            around 0 (and may be negative) for exact samples.
    """

    ks: float
    ks_limit: float
    ks_pvalue: float
    log_ratio_ks: float
    log_ratio_pvalue: float
    mmd2: float


def pool(draws: Sequence[Draws]) -> Draws:
    """Joins the draws of several runs.

    Args:
        draws: Draws of each run, of equal dimension.

    Returns:
        All draws.
    """
    return Draws(*map(np.concatenate, zip(*draws, strict=True)))


def bias(draws: Draws) -> Bias:
    """Measures how far draws are from their targets.

    Args:
        draws: At least two draws.

    Returns:
        Distances and p-values.

    Raises:
        ValueError: For fewer than two draws.
    """
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
    """Estimates the squared maximum mean discrepancy of draws from the standard normal, without bias.

    The kernel is Gaussian with bandwidth sqrt(dim), about 0.7 of the distance between two draws. Only the draws are
    random: the expectations over the normal are integrals (Gretton et al. 2012, equation 3).

    Args:
        x: At least two draws.

    Returns:
        The estimate.
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
    """Returns the probability that a variable of Kolmogorov's limit distribution exceeds x.

    Args:
        x: A distance times the square root of the number of draws.

    Returns:
        A probability; 1 up to x = 0.2.
    """
    if x <= 0.2:
        return 1.0
    k = np.arange(1, 101)
    return float(np.clip(2 * np.sum((-1.0) ** (k - 1) * np.exp(-2.0 * k**2 * x**2)), 0.0, 1.0))


def kolmogorov_isf(mass: float) -> float:
    """Returns the value that a variable of Kolmogorov's limit distribution exceeds with a given probability.

    Args:
        mass: A probability.

    Returns:
        The value, between 0.2 and 10.
    """
    low, high = 0.2, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if kolmogorov_sf(middle) > mass else (low, middle)
    return low


def ks_distance(uniforms: Float[np.ndarray, "draw dim"]) -> Float[np.ndarray, "dim"]:
    """Returns the largest difference of each column's empirical cdf from the cdf of the uniform distribution on [0, 1].

    Args:
        uniforms: Numbers in [0, 1].

    Returns:
        The Kolmogorov-Smirnov distance of each column.
    """
    ordered = np.sort(np.asarray(uniforms, np.float64), axis=0)
    step = np.arange(len(ordered))[:, None] / len(ordered)
    return np.maximum(step + 1 / len(ordered) - ordered, ordered - step).max(axis=0)
