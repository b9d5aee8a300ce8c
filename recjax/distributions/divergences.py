"""Divergences of a target from a coding distribution, per coordinate."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from recjax.distributions.base import CodingDistribution, Coordinatewise
from recjax.distributions.normal import Normal
from recjax.distributions.pairs import density_ratio
from recjax.numerics import LOG2


def kl_nats(q: Coordinatewise, p: Coordinatewise) -> Float[Array, "*n"]:
    """Kullback-Leibler divergence KL[q || p] of the continuous distributions, in nats; ValueError unless normal."""
    if not (isinstance(q, Normal) and isinstance(p, Normal)):
        found = f"{type(q).__name__} and {type(p).__name__}"
        raise ValueError(f"the KL divergence is known here of two Normal distributions, got {found}; integrate it")
    ratio = jnp.asarray(q.scale, jnp.float32) / p.scale
    shift = (jnp.asarray(q.loc, jnp.float32) - p.loc) / p.scale
    # s - 1 - log(s) with s = ratio^2, through log1p, so that it stays accurate and not negative as q nears p.
    excess = (ratio - 1) * (ratio + 1)
    log_term = jnp.where(jnp.abs(excess) < 0.5, jnp.log1p(jnp.maximum(excess, -0.5)), 2 * jnp.log(ratio))
    return 0.5 * (jnp.maximum(excess - log_term, 0.0) + jnp.square(shift))


def kl_bits(q: Coordinatewise, p: Coordinatewise) -> Float[Array, "*n"]:
    """KL[q || p] in bits."""
    return kl_nats(q, p) / LOG2


@jax.jit
def renyi_infinity_bits(q: Coordinatewise, p: CodingDistribution) -> Float[Array, "*n"]:
    """log2 of the largest ratio q(z_w) / p(z_w) over the words of p's grid, in bits; finite also where q is wider."""
    if not isinstance(q, Coordinatewise):
        raise ValueError(f"the Renyi divergence is known here of independent coordinates, got {type(q).__name__}")
    return density_ratio(q, p).log_maximum() / LOG2
