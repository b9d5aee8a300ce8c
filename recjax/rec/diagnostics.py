"""The bias of samples, which must stand beside their bits: a search that is too short makes its index look cheap."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Bias(NamedTuple):
    """Kolmogorov-Smirnov distance of the worst dimension from its target, and a p-value corrected for all dimensions.

    ks: largest over dimensions. ks_pvalue: of that, times the number of dimensions (Bonferroni), at most 1.
    """

    ks: float
    ks_pvalue: float


def bias(uniforms: Float[np.ndarray, "draw dim"]) -> Bias:
    """Bias of independent draws, given as target cdf values, which are uniform on [0, 1] for an unbiased sampler."""
    draws, dims = uniforms.shape
    ordered = np.sort(np.asarray(uniforms, np.float64), axis=0)
    step = np.arange(draws)[:, None]
    distance = np.maximum((step + 1) / draws - ordered, ordered - step / draws).max(axis=0)
    worst = float(distance.max())
    return Bias(worst, float(min(1.0, dims * kolmogorov_sf(np.sqrt(draws) * worst))))


def kolmogorov_sf(x: float) -> float:
    """Probability that Kolmogorov's limit law exceeds x."""
    if x <= 0.2:
        return 1.0
    k = np.arange(1, 101)
    return float(np.clip(2 * np.sum((-1.0) ** (k - 1) * np.exp(-2.0 * k**2 * x**2)), 0.0, 1.0))
