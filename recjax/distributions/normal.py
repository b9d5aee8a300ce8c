"""The diagonal normal distribution; the last axis of its arrays counts the dimensions of one draw."""

from typing import NamedTuple

import jax.numpy as jnp
from jax.scipy.special import log_ndtr, ndtr, ndtri
from jaxtyping import Array, ArrayLike, Float

_HALF_LOG_TAU = 0.9189385332046727


class Normal(NamedTuple):
    """Independent normals with mean `loc` and standard deviation `scale` > 0, which broadcast against each other."""

    loc: Float[Array, "*n"] | float
    scale: Float[Array, "*n"] | float

    def standardise(self, x: ArrayLike) -> Float[Array, "*m"]:
        """(x - loc) / scale."""
        return (jnp.asarray(x, jnp.float32) - self.loc) / self.scale

    def log_prob(self, x: ArrayLike) -> Float[Array, "*m"]:
        """Log density in nats, per coordinate."""
        return -0.5 * jnp.square(self.standardise(x)) - jnp.log(self.scale) - _HALF_LOG_TAU

    def cdf(self, x: ArrayLike) -> Float[Array, "*m"]:
        """Probability of a value of at most x, per coordinate."""
        return ndtr(self.standardise(x))

    def log_cdf(self, x: ArrayLike) -> Float[Array, "*m"]:
        """Log of `cdf`, accurate in the lower tail."""
        return log_ndtr(self.standardise(x))

    def log_sf(self, x: ArrayLike) -> Float[Array, "*m"]:
        """Log probability of a value above x, accurate in the upper tail."""
        return log_ndtr(-self.standardise(x))

    def icdf(self, mass: ArrayLike) -> Float[Array, "*m"]:
        """The quantile function, per coordinate."""
        return self.loc + self.scale * ndtri(jnp.asarray(mass, jnp.float32))
