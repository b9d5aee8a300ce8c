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
    """Independent normals N(loc, scale^2), conditioned on lying in [low, high].

    Attributes:
        loc: Means before truncation; all parameters broadcast against each other to [*batch, dim].
        scale: Standard deviations before truncation, > 0.
        low: Lower bounds, which may be -inf.
        high: Upper bounds, above `low`, which may be inf.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.distributions import TruncatedNormal
        >>> q = TruncatedNormal(jnp.zeros(1), jnp.ones(1), jnp.zeros(1), jnp.full(1, jnp.inf))
        >>> round(float(q.cdf(1.0)[0]), 3), q.mode().tolist(), float(q.log_prob(-1.0)[0])
        (0.683, [0.0], -inf)
    """

    low: Any
    high: Any

    def moved(self, loc: ArrayLike, scale: ArrayLike) -> "TruncatedNormal":
        """Returns the distribution of (x - loc) / scale for x of this distribution.

        Args:
            loc: Locations to subtract.
            scale: Scales > 0 to divide by.

        Returns:
            A truncated normal distribution with its bounds moved, too.
        """
        x, width, low, high = (jnp.asarray(leaf, jnp.float32) for leaf in (self.loc, self.scale, self.low, self.high))
        return type(self)((x - loc) / scale, width / scale, (low - loc) / scale, (high - loc) / scale)

    def is_valid(self) -> Bool[Array, "*n"]:
        """Tells for each coordinate whether its parameters are valid and the interval has mass."""
        return super().is_valid() & (self.low < self.high) & (log_normal_mass(*self._bounds()) > -jnp.inf)

    def log_density(self, offset: Float[Array, "*offset"]) -> Float[Array, "*m"]:
        """Computes the log density at loc + offset, per coordinate.

        Args:
            offset: Differences from `loc`, broadcast against it.

        Returns:
            Log densities in nats; -inf outside the support.
        """
        z = offset / self.scale
        inside = (offset >= self.low - self.loc) & (offset <= self.high - self.loc)
        log_mass = log_normal_mass(*self._bounds())
        return jnp.where(inside, -0.5 * jnp.square(z) - jnp.log(self.scale) - HALF_LOG_TAU - log_mass, -jnp.inf)

    def cdf(self, x: ArrayLike) -> Float[Array, "*m"]:
        """Computes the probability of a value of at most x, per coordinate.

        Args:
            x: Points, broadcast against `loc` and `scale`.

        Returns:
            Probabilities in [0, 1], float32.
        """
        low, high = self._bounds()
        z = jnp.clip(self.standardise(x), low, high)
        return jnp.where(z <= low, 0.0, jnp.minimum(jnp.exp(log_normal_mass(low, z) - log_normal_mass(low, high)), 1.0))

    def icdf(self, mass: ArrayLike) -> Float[Array, "*m"]:
        """Computes quantiles, per coordinate.

        Args:
            mass: Probabilities in [0, 1], broadcast against `loc` and `scale`.

        Returns:
            Points below which that probability lies, float32.
        """
        low, high = self._bounds()
        below = normal_mass(jnp.full_like(low, -jnp.inf), low)
        mass = below + jnp.asarray(mass, jnp.float32) * normal_mass(low, high)
        return self.loc + self.scale * jnp.clip(ndtri(mass), low, high)

    def mode(self) -> Float[Array, "*m"]:
        """Returns the points of largest density: `loc`, clipped to the bounds."""
        return jnp.clip(jnp.asarray(self.loc, jnp.float32), self.low, self.high)

    def kinks(self) -> tuple[Float[Array, "*m"], ...]:
        """Returns the offsets from `loc` of the kinks and the mode of the density: the bounds and 0."""
        return (self.low - self.loc, jnp.zeros_like(self.scale), self.high - self.loc)

    def _bounds(self) -> tuple[Float[Array, "*m"], Float[Array, "*m"]]:
        return self.standardise(self.low), self.standardise(self.high)
