"""Symmetric laws beside the normal: uniform, Laplace, logistic and triangular, each with its quantiles on the grid."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from recjax import quantiles
from recjax.distributions.base import CodingDistribution
from recjax.pytrees import pytree
from recjax.quantiles import QuantileLaw


@pytree
class Uniform(CodingDistribution):
    """Independent uniforms on loc - scale ... loc + scale."""

    law: ClassVar[QuantileLaw] = quantiles.UNIFORM

    def log_density(self, offset: Float[Array, "*offset"]) -> Float[Array, "*m"]:
        return jnp.where(jnp.abs(offset) <= self.scale, -jnp.log(2 * jnp.asarray(self.scale)), -jnp.inf)

    def cdf(self, x: ArrayLike) -> Float[Array, "*m"]:
        return jnp.clip(0.5 + 0.5 * self.standardise(x), 0.0, 1.0)

    def icdf(self, mass: ArrayLike) -> Float[Array, "*m"]:
        return self.loc + self.scale * (2 * jnp.asarray(mass, jnp.float32) - 1)

    def kinks(self) -> tuple[Float[Array, "*m"], ...]:
        scale = jnp.asarray(self.scale)
        return (-scale, scale)


@pytree
class Laplace(CodingDistribution):
    """Independent Laplace laws, of density exp(-|x - loc| / scale) / (2 scale)."""

    law: ClassVar[QuantileLaw] = quantiles.LAPLACE

    def log_density(self, offset: Float[Array, "*offset"]) -> Float[Array, "*m"]:
        return -jnp.abs(offset) / self.scale - jnp.log(2 * jnp.asarray(self.scale))

    def cdf(self, x: ArrayLike) -> Float[Array, "*m"]:
        z = self.standardise(x)
        tail = 0.5 * jnp.exp(-jnp.abs(z))
        return jnp.where(z < 0, tail, 1 - tail)

    def icdf(self, mass: ArrayLike) -> Float[Array, "*m"]:
        mass = jnp.asarray(mass, jnp.float32)
        tail = jnp.minimum(mass, 1 - mass)
        return self.loc - self.scale * jnp.sign(mass - 0.5) * jnp.log(2 * tail)

    def kinks(self) -> tuple[Float[Array, "*m"], ...]:
        return (jnp.zeros_like(self.scale),)


@pytree
class Logistic(CodingDistribution):
    """Independent logistic laws, of cdf 1 / (1 + exp(-(x - loc) / scale))."""

    law: ClassVar[QuantileLaw] = quantiles.LOGISTIC

    def log_density(self, offset: Float[Array, "*offset"]) -> Float[Array, "*m"]:
        z = jnp.abs(offset / self.scale)
        return -z - 2 * jnp.log1p(jnp.exp(-z)) - jnp.log(self.scale)

    def cdf(self, x: ArrayLike) -> Float[Array, "*m"]:
        return jax.nn.sigmoid(self.standardise(x))

    def icdf(self, mass: ArrayLike) -> Float[Array, "*m"]:
        mass = jnp.asarray(mass, jnp.float32)
        return self.loc + self.scale * (jnp.log(mass) - jnp.log1p(-mass))

    def kinks(self) -> tuple[Float[Array, "*m"], ...]:
        return (jnp.zeros_like(self.scale),)


@pytree
class Triangular(CodingDistribution):
    """Independent symmetric triangles on loc - scale ... loc + scale, of the height 1 / scale."""

    law: ClassVar[QuantileLaw] = quantiles.TRIANGULAR

    def log_density(self, offset: Float[Array, "*offset"]) -> Float[Array, "*m"]:
        scale = jnp.asarray(self.scale)
        # As the distance from the nearer end, so that it keeps its digits there.
        rest = scale - jnp.abs(offset)
        inside = rest > 0
        return jnp.where(inside, jnp.log(jnp.where(inside, rest, 1.0)) - 2 * jnp.log(scale), -jnp.inf)

    def cdf(self, x: ArrayLike) -> Float[Array, "*m"]:
        z = jnp.clip(self.standardise(x), -1.0, 1.0)
        tail = 0.5 * jnp.square(1 - jnp.abs(z))
        return jnp.where(z < 0, tail, 1 - tail)

    def icdf(self, mass: ArrayLike) -> Float[Array, "*m"]:
        mass = jnp.asarray(mass, jnp.float32)
        tail = jnp.minimum(mass, 1 - mass)
        return self.loc + self.scale * jnp.sign(mass - 0.5) * (1 - jnp.sqrt(2 * tail))

    def kinks(self) -> tuple[Float[Array, "*m"], ...]:
        scale = jnp.asarray(self.scale)
        return (-scale, jnp.zeros_like(scale), scale)
