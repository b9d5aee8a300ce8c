"""Where a unimodal density ratio exceeds a height, and by how much on average.

A height h is given by its `drop` from the largest ratio, log(max r / h) >= 0, and places in space by their difference
from the best word: log r is a parabola in it (see `normal_ratio.py`), and {r >= h} an interval around 0. The excess
E_P[(r - h)_+] over an interval is what the samplers of this package ask of a target. It is Q's mass less h times P's,
yet nothing is subtracted here that nearly cancels: the integrand is computed to full relative accuracy, is nowhere
negative, and is as smooth as a normal density.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from recjax import grid
from recjax.distributions.base import Distribution
from recjax.distributions.normal import Normal
from recjax.distributions.normal_ratio import NormalRatio, normal_ratio
from recjax.numerics import HALF_LOG_TAU

# Below e^-30 of its maximum, a ratio with a mean of at least 2^-25 has 1e-5 of its mass.
MAX_DROP = 30.0

_NODES, _WEIGHTS = (x.astype(np.float32) for x in np.polynomial.legendre.leggauss(20))
# Between the value of the last word, 5.42, and that of none.
_OUTER = 5.5


def unimodal_ratio(q: Distribution, p: Distribution) -> tuple[NormalRatio, Bool[Array, ""]]:
    """The ratio of a block of one coordinate, and whether it is that of q: a target wider than the coding distribution,
    whose ratio has two modes, is replaced by one as wide. ValueError unless both are normal."""
    if not (isinstance(q, Normal) and isinstance(p, Normal)):
        found = f"{type(q).__name__} and {type(p).__name__}"
        raise ValueError(
            f"superlevel sets are known here of two Normal distributions, got {found}; take as_star or ad_star"
        )
    wide = (q.scale > jnp.asarray(p.scale)) & jnp.isfinite(q.scale)
    ratio = normal_ratio(Normal(q.loc, jnp.where(wide, p.scale, q.scale)), p)
    return ratio.scalar(), ~wide[0]


def superlevel(
    ratio: NormalRatio, drop: Float[Array, "*n"]
) -> tuple[Float[Array, "*n"], Float[Array, "*n"], Float[Array, "*n"]]:
    """The ends of {r >= h}, one at most 0 and one at least 0, and how fast the drop grows there (at both alike).

    Beyond the grid an end is arbitrary, though finite.
    """
    # Of the roots of curvature d^2 - slope d - drop = 0, only the larger is a sum without cancellation.
    curvature = jnp.maximum(ratio.curvature, 1e-12)
    rate = jnp.sqrt(jnp.square(ratio.slope) + 4 * curvature * drop)
    half = jnp.maximum(0.5 * (jnp.abs(ratio.slope) + rate), 1e-30)
    far, near = jnp.minimum(half / curvature, 16.0), jnp.minimum(drop / half, 16.0)
    rising = ratio.slope > 0
    return -jnp.where(rising, near, far), jnp.where(rising, far, near), rate


def density(ratio: NormalRatio, delta: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """P's density at a difference from the best word; 0 beyond the grid."""
    z = grid.to_float(ratio.best_fixed) + delta
    return jnp.where(jnp.abs(z) < _OUTER, jnp.exp(-0.5 * jnp.square(z) - HALF_LOG_TAU), 0.0)


def excess(
    ratio: NormalRatio, drop: Float[Array, ""], lower: Float[Array, ""], upper: Float[Array, ""]
) -> Float[Array, ""]:
    """E_P[(r - h)_+ / max r] over the interval lower ... upper; h is 0 where the drop is infinite."""
    left, right, _ = superlevel(ratio, jnp.minimum(drop, MAX_DROP))
    left, right = jnp.maximum(left, lower), jnp.minimum(right, upper)
    half = jnp.maximum(0.5 * (right - left), 0.0)
    delta = 0.5 * (left + right) + half * _NODES
    return half * jnp.sum(_WEIGHTS * density(ratio, delta) * ratio_above(ratio, drop, delta))


def ratio_above(ratio: NormalRatio, drop: Float[Array, "*#n"], delta: Float[Array, "*#n"]) -> Float[Array, "*n"]:
    """(r - h)_+ / max r at a difference from the best word; h is 0 where the drop is infinite."""
    fallen = jnp.maximum(-delta * (ratio.slope - ratio.curvature * delta), 0.0)
    return jnp.exp(-fallen) * -jnp.expm1(jnp.minimum(fallen - drop, 0.0))
