"""Intervals where a unimodal density ratio exceeds a height, and its mean excess over that height.

A height h is given by its `drop` below the largest ratio, log(max r / h) >= 0, and points by their difference from the
value of the best word: log r is a parabola in it (see `normal_ratio.py`), and {r >= h} is an interval around 0.
Samplers use the excess E_P[(r - h)_+] over an interval. It equals Q's mass less h times P's, but is computed without a
difference of nearly equal numbers: the integrand has full relative accuracy, is nowhere negative, and is as smooth as a
normal density.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from recjax import grid
from recjax.distributions.base import Distribution
from recjax.distributions.normal import Normal
from recjax.distributions.normal_ratio import NormalRatio, normal_ratio
from recjax.numerics import HALF_LOG_TAU

# The part of a ratio below e^-30 of its maximum has less than 1e-5 of its mass, if max r is at most 2^25.
MAX_DROP = 30.0

_NODES, _WEIGHTS = (x.astype(np.float32) for x in np.polynomial.legendre.leggauss(20))
# Beyond the value of the last word, 5.42: where the density counts as 0.
_OUTER = 5.5


def unimodal_ratio(q: Distribution, p: Distribution) -> tuple[NormalRatio, Bool[Array, ""]]:
    """Computes the density ratio for a block of one coordinate, made unimodal if need be.

    The ratio of a target wider than the coding distribution has two modes; such a target is replaced by one as wide.

    Args:
        q: Target, a Normal [1].
        p: Coding distribution, a Normal [1].

    Returns:
        The ratio without the axis of coordinates, and whether it is the ratio of q itself.

    Raises:
        ValueError: If q or p is not a Normal.
    """
    if not (isinstance(q, Normal) and isinstance(p, Normal)):
        given = f"{type(q).__name__} and {type(p).__name__}"
        raise ValueError(
            f"superlevel sets are known here of two Normal distributions, got {given}; take as_star or ad_star"
        )
    wide = (q.scale > jnp.asarray(p.scale)) & jnp.isfinite(q.scale)
    ratio = normal_ratio(Normal(q.loc, jnp.where(wide, p.scale, q.scale)), p)
    return ratio.scalar(), ~wide[0]


def superlevel(
    ratio: NormalRatio, drop: Float[Array, "*n"]
) -> tuple[Float[Array, "*n"], Float[Array, "*n"], Float[Array, "*n"]]:
    """Computes the ends of the interval {r >= h}.

    Args:
        ratio: A unimodal ratio of one coordinate.
        drop: log(max r / h) >= 0, of any shape.

    Returns:
        The left end, at most 0; the right end, at least 0; and the slope of the drop at the ends, the same for both.
        Ends are differences from the best word's value; beyond the grid they are arbitrary, but finite.
    """
    # Roots of curvature d^2 - slope d - drop = 0: the larger one has no cancellation and gives the smaller one.
    curvature = jnp.maximum(ratio.curvature, 1e-12)
    rate = jnp.sqrt(jnp.square(ratio.slope) + 4 * curvature * drop)
    half = jnp.maximum(0.5 * (jnp.abs(ratio.slope) + rate), 1e-30)
    far, near = jnp.minimum(half / curvature, 16.0), jnp.minimum(drop / half, 16.0)
    rising = ratio.slope > 0
    return -jnp.where(rising, near, far), jnp.where(rising, far, near), rate


def density(ratio: NormalRatio, delta: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Computes P's density, taken as 0 beyond the grid.

    Args:
        ratio: A unimodal ratio of one coordinate.
        delta: Differences from the best word's value.

    Returns:
        Densities of the standard normal distribution.
    """
    z = grid.to_float(ratio.best_fixed) + delta
    return jnp.where(jnp.abs(z) < _OUTER, jnp.exp(-0.5 * jnp.square(z) - HALF_LOG_TAU), 0.0)


def excess(
    ratio: NormalRatio, drop: Float[Array, ""], lower: Float[Array, ""], upper: Float[Array, ""]
) -> Float[Array, ""]:
    """Computes E_P[(r - h)_+ / max r] over an interval, by a Gauss-Legendre rule.

    Args:
        ratio: A unimodal ratio of one coordinate.
        drop: log(max r / h) >= 0; h = 0 if it is infinite.
        lower: Left end of the interval, as a difference from the best word's value.
        upper: Right end of the interval.

    Returns:
        The excess, at least 0.
    """
    left, right, _ = superlevel(ratio, jnp.minimum(drop, MAX_DROP))
    left, right = jnp.maximum(left, lower), jnp.minimum(right, upper)
    half = jnp.maximum(0.5 * (right - left), 0.0)
    delta = 0.5 * (left + right) + half * _NODES
    return half * jnp.sum(_WEIGHTS * density(ratio, delta) * ratio_above(ratio, drop, delta))


def ratio_above(ratio: NormalRatio, drop: Float[Array, "*#n"], delta: Float[Array, "*#n"]) -> Float[Array, "*n"]:
    """Computes (r - h)_+ / max r.

    Args:
        ratio: A unimodal ratio of one coordinate.
        drop: log(max r / h) >= 0; h = 0 where it is infinite.
        delta: Differences from the best word's value.

    Returns:
        Numbers in [0, 1].
    """
    fallen = jnp.maximum(-delta * (ratio.slope - ratio.curvature * delta), 0.0)
    return jnp.exp(-fallen) * -jnp.expm1(jnp.minimum(fallen - drop, 0.0))
