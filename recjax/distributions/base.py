"""Base classes of the distributions: small pytrees whose arrays broadcast to a block of coordinates per batch index."""

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from recjax.quantiles import StandardForm

Own = TypeVar("Own")


@dataclass(frozen=True, eq=False)
class Distribution:
    """A distribution of arrays [*batch, dim]: blocks of `dim` coordinates, independent along the batch axes.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.distributions import Normal
        >>> q = Normal(jnp.zeros((5, 3)), 1.0)
        >>> q.shape, q.in_rows((5, 3), rows=5, dim=3).scale.shape
        ((5, 3), (5, 3))
    """

    def __post_init__(self) -> None:
        # Lists would be subtrees, whose numbers JAX takes for arrays of their own.
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, list | tuple):
                xp = jnp if any(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(value)) else np
                object.__setattr__(self, field.name, xp.asarray(value, xp.float32))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one draw, [*batch, dim]."""
        return np.broadcast_shapes(*(jnp.shape(leaf) for leaf in jax.tree.leaves(self)))

    def in_rows(self: Own, shape: tuple[int, ...], rows: int, dim: int) -> Own:
        """Broadcasts the parameters to a shape and folds its batch axes into one.

        Args:
            shape: [*batch, dim], to which the parameters broadcast.
            rows: Product of the batch axes.
            dim: Number of coordinates of a block.

        Returns:
            A distribution of the same class with parameters [rows, dim], float32.
        """

        def flat(leaf):
            # NumPy arrays stay on the host, as JAX would compile a program for each shape.
            xp = np if isinstance(leaf, np.ndarray) else jnp
            return xp.broadcast_to(xp.asarray(leaf, xp.float32), shape).reshape(rows, dim)

        return jax.tree.map(flat, self)


@dataclass(frozen=True, eq=False)
class Coordinatewise(Distribution, ABC):
    """A distribution of independent coordinates: a standard form, moved by `loc` and stretched by `scale`.

    The log density is computed from the difference from `loc`, so that narrow distributions keep all digits.

    Attributes:
        loc: Locations, which broadcast against `scale` to [*batch, dim].
        scale: Scales > 0.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.distributions import Coordinatewise, Laplace
        >>> q = Laplace(jnp.array([0.0, 2.0]), jnp.array([1.0, 0.5]))
        >>> isinstance(q, Coordinatewise), q.is_valid().tolist(), q.mode().tolist()
        (True, [True, True], [0.0, 2.0])
    """

    loc: Any
    scale: Any

    def moved(self, loc: ArrayLike, scale: ArrayLike) -> "Coordinatewise":
        """Returns the distribution of (x - loc) / scale for x of this distribution.

        Args:
            loc: Locations to subtract.
            scale: Scales > 0 to divide by.

        Returns:
            A distribution of the same class.
        """
        where = (jnp.asarray(self.loc, jnp.float32) - loc) / scale
        return type(self)(where, jnp.asarray(self.scale, jnp.float32) / scale)

    def is_valid(self) -> Bool[Array, "*n"]:
        """Tells for each coordinate whether its parameters are finite and its scale positive."""
        return jnp.isfinite(self.loc) & jnp.isfinite(self.scale) & (jnp.asarray(self.scale) > 0)

    def standardise(self, x: ArrayLike) -> Float[Array, "*m"]:
        """Computes (x - loc) / scale.

        Args:
            x: Points, broadcast against `loc` and `scale`.

        Returns:
            Standardised points, float32.
        """
        return (jnp.asarray(x, jnp.float32) - self.loc) / self.scale

    def log_prob(self, x: ArrayLike) -> Float[Array, "*m"]:
        """Computes the log density at x, per coordinate.

        Args:
            x: Points, broadcast against `loc` and `scale`.

        Returns:
            Log densities in nats; -inf outside the support.
        """
        return self.log_density(jnp.asarray(x, jnp.float32) - self.loc)

    @abstractmethod
    def log_density(self, offset: Float[Array, "*offset"]) -> Float[Array, "*m"]:
        """Computes the log density at loc + offset, per coordinate.

        Args:
            offset: Differences from `loc`, broadcast against it.

        Returns:
            Log densities in nats; -inf outside the support.
        """

    @abstractmethod
    def cdf(self, x: ArrayLike) -> Float[Array, "*m"]:
        """Computes the probability of a value of at most x, per coordinate.

        Args:
            x: Points, broadcast against `loc` and `scale`.

        Returns:
            Probabilities in [0, 1], float32.
        """

    @abstractmethod
    def icdf(self, mass: ArrayLike) -> Float[Array, "*m"]:
        """Computes quantiles, per coordinate.

        Args:
            mass: Probabilities in [0, 1], broadcast against `loc` and `scale`.

        Returns:
            Points below which that probability lies, float32.
        """

    def mode(self) -> Float[Array, "*m"]:
        """Returns the points of largest density, per coordinate."""
        return jnp.asarray(self.loc, jnp.float32)

    @abstractmethod
    def kinks(self) -> tuple[Float[Array, "*m"], ...]:
        """Returns the offsets from `loc` that cut the log density into smooth pieces, each on one side of the mode."""


@dataclass(frozen=True, eq=False)
class CodingDistribution(Coordinatewise):
    """A distribution that samples can be coded with: its quantiles are table integers, the same on every machine.

    Attributes:
        form: The quantiles of its standard form, with location 0 and scale 1.

    Example:
        >>> from recjax.distributions import CodingDistribution, Normal, TruncatedNormal
        >>> issubclass(Normal, CodingDistribution), issubclass(TruncatedNormal, CodingDistribution)
        (True, False)
        >>> Normal.form.name
        'normal'
    """

    form: ClassVar[StandardForm]
