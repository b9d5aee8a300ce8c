"""Symmetric coding distributions beside the normal: uniform, Laplace, logistic and triangular."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from recjax import quantiles
from recjax.distributions.base import CodingDistribution
from recjax.pytrees import pytree
from recjax.quantiles import StandardForm


@pytree
class Uniform(CodingDistribution):
    """Independent uniform distributions on [loc - scale, loc + scale].

    Attributes:
        loc: Locations (centres), which broadcast against `scale` to [*batch, dim].
        scale: Scales > 0.
        form: The quantiles of the standard form.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.distributions import Uniform
        >>> p = Uniform(jnp.zeros(2), jnp.array([1.0, 2.0]))
        >>> p.cdf(0.5).tolist(), p.icdf(0.25).tolist()
        ([0.75, 0.625], [-0.5, -1.0])
    """

    form: ClassVar[StandardForm] = quantiles.UNIFORM

    def log_density(self, offset: Float[Array, "*offset"]) -> Float[Array, "*m"]:
        """Computes the log density at loc + offset, per coordinate.

        Args:
            offset: Differences from `loc`, broadcast against it.

        Returns:
            Log densities in nats; -inf outside the support.
        """
        return jnp.where(jnp.abs(offset) <= self.scale, -jnp.log(2 * jnp.asarray(self.scale)), -jnp.inf)

    def cdf(self, x: ArrayLike) -> Float[Array, "*m"]:
        """Computes the probability of a value of at most x, per coordinate.

        Args:
            x: Points, broadcast against `loc` and `scale`.

        Returns:
            Probabilities in [0, 1], float32.
        """
        return jnp.clip(0.5 + 0.5 * self.standardise(x), 0.0, 1.0)

    def icdf(self, mass: ArrayLike) -> Float[Array, "*m"]:
        """Computes quantiles, per coordinate.

        Args:
            mass: Probabilities in [0, 1], broadcast against `loc` and `scale`.

        Returns:
            Points below which that probability lies, float32.
        """
        return self.loc + self.scale * (2 * jnp.asarray(mass, jnp.float32) - 1)

    def kinks(self) -> tuple[Float[Array, "*m"], ...]:
        """Returns the offsets from `loc` of the kinks and the mode of the density: the ends of the support."""
        scale = jnp.asarray(self.scale)
        return (-scale, scale)


@pytree
class Laplace(CodingDistribution):
    """Independent Laplace distributions, with density exp(-|x - loc| / scale) / (2 scale).

    Attributes:
        loc: Locations (centres), which broadcast against `scale` to [*batch, dim].
        scale: Scales > 0.
        form: The quantiles of the standard form.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.distributions import Laplace
        >>> p = Laplace(jnp.zeros(2), jnp.array([1.0, 2.0]))
        >>> [round(float(mass), 3) for mass in p.cdf(1.0)]
        [0.816, 0.697]
    """

    form: ClassVar[StandardForm] = quantiles.LAPLACE

    def log_density(self, offset: Float[Array, "*offset"]) -> Float[Array, "*m"]:
        """Computes the log density at loc + offset, per coordinate.

        Args:
            offset: Differences from `loc`, broadcast against it.

        Returns:
            Log densities in nats; -inf outside the support.
        """
        return -jnp.abs(offset) / self.scale - jnp.log(2 * jnp.asarray(self.scale))

    def cdf(self, x: ArrayLike) -> Float[Array, "*m"]:
        """Computes the probability of a value of at most x, per coordinate.

        Args:
            x: Points, broadcast against `loc` and `scale`.

        Returns:
            Probabilities in [0, 1], float32.
        """
        z = self.standardise(x)
        tail = 0.5 * jnp.exp(-jnp.abs(z))
        return jnp.where(z < 0, tail, 1 - tail)

    def icdf(self, mass: ArrayLike) -> Float[Array, "*m"]:
        """Computes quantiles, per coordinate.

        Args:
            mass: Probabilities in [0, 1], broadcast against `loc` and `scale`.

        Returns:
            Points below which that probability lies, float32.
        """
        mass = jnp.asarray(mass, jnp.float32)
        tail = jnp.minimum(mass, 1 - mass)
        return self.loc - self.scale * jnp.sign(mass - 0.5) * jnp.log(2 * tail)

    def kinks(self) -> tuple[Float[Array, "*m"], ...]:
        """Returns the offsets from `loc` of the kinks and the mode of the density: 0."""
        return (jnp.zeros_like(self.scale),)


@pytree
class Logistic(CodingDistribution):
    """Independent logistic distributions, with cdf 1 / (1 + exp(-(x - loc) / scale)).

    Attributes:
        loc: Locations (centres), which broadcast against `scale` to [*batch, dim].
        scale: Scales > 0.
        form: The quantiles of the standard form.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.distributions import Logistic
        >>> p = Logistic(jnp.zeros(2), jnp.array([1.0, 2.0]))
        >>> [round(float(mass), 3) for mass in p.cdf(1.0)]
        [0.731, 0.622]
    """

    form: ClassVar[StandardForm] = quantiles.LOGISTIC

    def log_density(self, offset: Float[Array, "*offset"]) -> Float[Array, "*m"]:
        """Computes the log density at loc + offset, per coordinate.

        Args:
            offset: Differences from `loc`, broadcast against it.

        Returns:
            Log densities in nats; -inf outside the support.
        """
        z = jnp.abs(offset / self.scale)
        return -z - 2 * jnp.log1p(jnp.exp(-z)) - jnp.log(self.scale)

    def cdf(self, x: ArrayLike) -> Float[Array, "*m"]:
        """Computes the probability of a value of at most x, per coordinate.

        Args:
            x: Points, broadcast against `loc` and `scale`.

        Returns:
            Probabilities in [0, 1], float32.
        """
        return jax.nn.sigmoid(self.standardise(x))

    def icdf(self, mass: ArrayLike) -> Float[Array, "*m"]:
        """Computes quantiles, per coordinate.

        Args:
            mass: Probabilities in [0, 1], broadcast against `loc` and `scale`.

        Returns:
            Points below which that probability lies, float32.
        """
        mass = jnp.asarray(mass, jnp.float32)
        return self.loc + self.scale * (jnp.log(mass) - jnp.log1p(-mass))

    def kinks(self) -> tuple[Float[Array, "*m"], ...]:
        """Returns the offsets from `loc` of the kinks and the mode of the density: 0."""
        return (jnp.zeros_like(self.scale),)


@pytree
class Triangular(CodingDistribution):
    """Independent symmetric triangular distributions on [loc - scale, loc + scale], with density 1 / scale at loc.

    Attributes:
        loc: Locations (centres), which broadcast against `scale` to [*batch, dim].
        scale: Scales > 0.
        form: The quantiles of the standard form.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.distributions import Triangular
        >>> p = Triangular(jnp.zeros(2), jnp.array([1.0, 2.0]))
        >>> [round(float(mass), 3) for mass in p.cdf(1.0)]
        [1.0, 0.875]
    """

    form: ClassVar[StandardForm] = quantiles.TRIANGULAR

    def log_density(self, offset: Float[Array, "*offset"]) -> Float[Array, "*m"]:
        """Computes the log density at loc + offset, per coordinate.

        Args:
            offset: Differences from `loc`, broadcast against it.

        Returns:
            Log densities in nats; -inf outside the support.
        """
        scale = jnp.asarray(self.scale)
        # The distance from the nearer end keeps its digits where it is small.
        rest = scale - jnp.abs(offset)
        inside = rest > 0
        return jnp.where(inside, jnp.log(jnp.where(inside, rest, 1.0)) - 2 * jnp.log(scale), -jnp.inf)

    def cdf(self, x: ArrayLike) -> Float[Array, "*m"]:
        """Computes the probability of a value of at most x, per coordinate.

        Args:
            x: Points, broadcast against `loc` and `scale`.

        Returns:
            Probabilities in [0, 1], float32.
        """
        z = jnp.clip(self.standardise(x), -1.0, 1.0)
        tail = 0.5 * jnp.square(1 - jnp.abs(z))
        return jnp.where(z < 0, tail, 1 - tail)

    def icdf(self, mass: ArrayLike) -> Float[Array, "*m"]:
        """Computes quantiles, per coordinate.

        Args:
            mass: Probabilities in [0, 1], broadcast against `loc` and `scale`.

        Returns:
            Points below which that probability lies, float32.
        """
        mass = jnp.asarray(mass, jnp.float32)
        tail = jnp.minimum(mass, 1 - mass)
        return self.loc + self.scale * jnp.sign(mass - 0.5) * (1 - jnp.sqrt(2 * tail))

    def kinks(self) -> tuple[Float[Array, "*m"], ...]:
        """Returns the offsets from `loc` of the kinks and the mode of the density: the ends of the support and 0."""
        scale = jnp.asarray(self.scale)
        return (-scale, jnp.zeros_like(scale), scale)
