"""The diagonal normal distribution; the last axis of its arrays counts the dimensions of one draw."""

from typing import ClassVar

import jax.numpy as jnp
from jax.scipy.special import log_ndtr, ndtr, ndtri
from jaxtyping import Array, ArrayLike, Float

from recjax.distributions.base import CodingDistribution
from recjax.numerics import HALF_LOG_TAU
from recjax.pytrees import pytree
from recjax.quantiles import NORMAL, QuantileLaw


@pytree
class Normal(CodingDistribution):
    """Independent normals with mean `loc` and standard deviation `scale` > 0, which broadcast against each other."""

    law: ClassVar[QuantileLaw] = NORMAL

    def log_density(self, offset: Float[Array, "*offset"]) -> Float[Array, "*m"]:
        return -0.5 * jnp.square(offset / self.scale) - jnp.log(self.scale) - HALF_LOG_TAU

    def cdf(self, x: ArrayLike) -> Float[Array, "*m"]:
        return ndtr(self.standardise(x))

    def log_cdf(self, x: ArrayLike) -> Float[Array, "*m"]:
        """Log of `cdf`, accurate in the lower tail."""
        return log_ndtr(self.standardise(x))

    def log_sf(self, x: ArrayLike) -> Float[Array, "*m"]:
        """Log probability of a value above x, accurate in the upper tail."""
        return log_ndtr(-self.standardise(x))

    def icdf(self, mass: ArrayLike) -> Float[Array, "*m"]:
        return self.loc + self.scale * ndtri(jnp.asarray(mass, jnp.float32))

    def kinks(self) -> tuple[Float[Array, "*m"], ...]:
        return (jnp.zeros_like(self.scale),)
