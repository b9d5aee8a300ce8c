"""The normal distribution between two bounds, as a target."""

from typing import Any

import jax.numpy as jnp
from jax.scipy.special import ndtri
from jaxtyping import Array, ArrayLike, Bool, Float

from recjax.distributions.base import Coordinatewise
from recjax.numerics import HALF_LOG_TAU, log_normal_mass, normal_mass
from recjax.pytrees import pytree


@pytree
class TruncatedNormal(Coordinatewise):
    """Independent normals N(loc, scale^2), given that they lie in low ... high (low < high; either may be infinite)."""

    low: Any
    high: Any

    def moved(self, loc: ArrayLike, scale: ArrayLike) -> "TruncatedNormal":
        x, width, low, high = (jnp.asarray(leaf, jnp.float32) for leaf in (self.loc, self.scale, self.low, self.high))
        return type(self)((x - loc) / scale, width / scale, (low - loc) / scale, (high - loc) / scale)

    def is_valid(self) -> Bool[Array, "*n"]:
        return super().is_valid() & (self.low < self.high) & (log_normal_mass(*self._bounds()) > -jnp.inf)

    def log_density(self, offset: Float[Array, "*offset"]) -> Float[Array, "*m"]:
        z = offset / self.scale
        inside = (offset >= self.low - self.loc) & (offset <= self.high - self.loc)
        log_mass = log_normal_mass(*self._bounds())
        return jnp.where(inside, -0.5 * jnp.square(z) - jnp.log(self.scale) - HALF_LOG_TAU - log_mass, -jnp.inf)

    def cdf(self, x: ArrayLike) -> Float[Array, "*m"]:
        low, high = self._bounds()
        z = jnp.clip(self.standardise(x), low, high)
        return jnp.where(z <= low, 0.0, jnp.minimum(jnp.exp(log_normal_mass(low, z) - log_normal_mass(low, high)), 1.0))

    def icdf(self, mass: ArrayLike) -> Float[Array, "*m"]:
        low, high = self._bounds()
        below = normal_mass(jnp.full_like(low, -jnp.inf), low)
        mass = below + jnp.asarray(mass, jnp.float32) * normal_mass(low, high)
        return self.loc + self.scale * jnp.clip(ndtri(mass), low, high)

    def mode(self) -> Float[Array, "*m"]:
        return jnp.clip(jnp.asarray(self.loc, jnp.float32), self.low, self.high)

    def kinks(self) -> tuple[Float[Array, "*m"], ...]:
        return (self.low - self.loc, jnp.zeros_like(self.scale), self.high - self.loc)

    def _bounds(self) -> tuple[Float[Array, "*m"], Float[Array, "*m"]]:
        return self.standardise(self.low), self.standardise(self.high)
