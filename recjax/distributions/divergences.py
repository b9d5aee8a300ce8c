"""Divergences between a target and a coding distribution, per coordinate."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from recjax.distributions.base import CodingDistribution, Coordinatewise
from recjax.distributions.normal import Normal
from recjax.distributions.pairs import density_ratio
from recjax.numerics import LOG2


def kl_nats(q: Coordinatewise, p: Coordinatewise) -> Float[Array, "*n"]:
    """Computes the Kullback-Leibler divergence KL[q || p] of two normal distributions, in nats.

    Args:
        q: Target, a Normal.
        p: Coding distribution, a Normal, broadcast against q.

    Returns:
        Divergences of the continuous distributions, per coordinate, at least 0.

    Raises:
        ValueError: If q or p is not a Normal.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.distributions import Normal, kl_nats
        >>> q = Normal(jnp.array([1.0]), jnp.array([0.1]))
        >>> round(float(kl_nats(q, Normal(0.0, 1.0))[0]), 2)
        2.31
    """
    if not (isinstance(q, Normal) and isinstance(p, Normal)):
        given = f"{type(q).__name__} and {type(p).__name__}"
        raise ValueError(f"the KL divergence is known here of two Normal distributions, got {given}; integrate it")
    ratio = jnp.asarray(q.scale, jnp.float32) / p.scale
    shift = (jnp.asarray(q.loc, jnp.float32) - p.loc) / p.scale
    # s - 1 - log(s) for s = ratio^2; log1p keeps it accurate, and not negative, when q is close to p.
    excess = (ratio - 1) * (ratio + 1)
    log_term = jnp.where(jnp.abs(excess) < 0.5, jnp.log1p(jnp.maximum(excess, -0.5)), 2 * jnp.log(ratio))
    return 0.5 * (jnp.maximum(excess - log_term, 0.0) + jnp.square(shift))


def kl_bits(q: Coordinatewise, p: Coordinatewise) -> Float[Array, "*n"]:
    """Computes the Kullback-Leibler divergence KL[q || p] of two normal distributions, in bits.

    Args:
        q: Target, a Normal.
        p: Coding distribution, a Normal, broadcast against q.

    Returns:
        Divergences of the continuous distributions, per coordinate, at least 0.

    Raises:
        ValueError: If q or p is not a Normal.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.distributions import Normal, kl_bits
        >>> q = Normal(jnp.array([1.0, 0.0]), jnp.array([0.1, 1.0]))
        >>> [round(float(bits), 2) for bits in kl_bits(q, Normal(0.0, 1.0))]
        [3.33, 0.0]
    """
    return kl_nats(q, p) / LOG2


@jax.jit
def renyi_infinity_bits(q: Coordinatewise, p: CodingDistribution) -> Float[Array, "*n"]:
    """Computes log2 of the largest density ratio q / p over the words of p's grid, in bits.

    It is finite also where q is wider than p. The Poisson functional representation, without space partitioning, draws
    about 2^(sum of these bits) candidates for a block.

    Args:
        q: Target of independent coordinates [dim].
        p: Coding distribution [dim].

    Returns:
        Bits [dim], per coordinate; their sum is that of the block.

    Raises:
        ValueError: If the coordinates of q are not independent, or p is not a coding distribution.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.distributions import Normal, renyi_infinity_bits
        >>> q = Normal(jnp.array([1.0]), jnp.array([0.1]))
        >>> p = Normal(jnp.zeros(1), jnp.ones(1))
        >>> round(float(renyi_infinity_bits(q, p)[0]), 2)
        4.05
    """
    if not isinstance(q, Coordinatewise):
        raise ValueError(f"the Renyi divergence is known here of independent coordinates, got {type(q).__name__}")
    return density_ratio(q, p).log_maximum() / LOG2
