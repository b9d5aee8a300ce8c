"""The normal distribution of independent coordinates; the last axis of its arrays counts the coordinates of a draw."""

from typing import ClassVar

import jax.numpy as jnp
from jax.scipy.special import log_ndtr, ndtr, ndtri
from jaxtyping import Array, ArrayLike, Float

from recjax.distributions.base import CodingDistribution
from recjax.numerics import HALF_LOG_TAU
from recjax.pytrees import pytree
from recjax.quantiles import NORMAL, StandardForm


@pytree
class Normal(CodingDistribution):
    """Independent normals, with mean `loc` and standard deviation `scale`.

    Attributes:
        loc: Means, which broadcast against `scale` to [*batch, dim].
        scale: Standard deviations > 0.
        form: The quantiles of the standard normal distribution.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.distributions import Normal
        >>> q = Normal(jnp.array([0.0, 1.0]), jnp.array([1.0, 0.5]))
        >>> q.shape, [round(float(mass), 3) for mass in q.cdf(1.0)]
        ((2,), [0.841, 0.5])
        >>> [round(float(nats), 3) for nats in q.log_prob(0.0)]
        [-0.919, -2.226]
    """

    form: ClassVar[StandardForm] = NORMAL

    def log_density(self, offset: Float[Array, "*offset"]) -> Float[Array, "*m"]:
        """Computes the log density at loc + offset, per coordinate.

        Args:
            offset: Differences from `loc`, broadcast against it.

        Returns:
            Log densities in nats; -inf outside the support.
        """
        return -0.5 * jnp.square(offset / self.scale) - jnp.log(self.scale) - HALF_LOG_TAU

    def cdf(self, x: ArrayLike) -> Float[Array, "*m"]:
        """Computes the probability of a value of at most x, per coordinate.

        Args:
            x: Points, broadcast against `loc` and `scale`.

        Returns:
            Probabilities in [0, 1], float32.
        """
        return ndtr(self.standardise(x))

    def log_cdf(self, x: ArrayLike) -> Float[Array, "*m"]:
        """Computes the log probability of a value of at most x, accurate in the lower tail, per coordinate.

        Args:
            x: Points, broadcast against `loc` and `scale`.

        Returns:
            Log probabilities in nats.
        """
        return log_ndtr(self.standardise(x))

    def log_sf(self, x: ArrayLike) -> Float[Array, "*m"]:
        """Computes the log probability of a value above x, accurate in the upper tail, per coordinate.

        Args:
            x: Points, broadcast against `loc` and `scale`.

        Returns:
            Log probabilities in nats.
        """
        return log_ndtr(-self.standardise(x))

    def icdf(self, mass: ArrayLike) -> Float[Array, "*m"]:
        """Computes quantiles, per coordinate.

        Args:
            mass: Probabilities in [0, 1], broadcast against `loc` and `scale`.

        Returns:
            Points below which that probability lies, float32.
        """
        return self.loc + self.scale * ndtri(jnp.asarray(mass, jnp.float32))

    def kinks(self) -> tuple[Float[Array, "*m"], ...]:
        """Returns the offsets from `loc` of the kinks and the mode of the density: 0."""
        return (jnp.zeros_like(self.scale),)
