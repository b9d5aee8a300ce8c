"""What every distribution of this package is: a small pytree, whose arrays broadcast to a block per batch index."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from recjax.quantiles import QuantileLaw

Own = TypeVar("Own")


@dataclass(frozen=True, eq=False)
class Distribution:
    """A distribution of arrays [*batch, dim], of independent blocks along the last axis."""

    @property
    def shape(self) -> tuple[int, ...]:
        """[*batch, dim] of one draw."""
        return np.broadcast_shapes(*(jnp.shape(leaf) for leaf in jax.tree.leaves(self)))

    def in_rows(self: Own, shape: tuple[int, ...], rows: int, dim: int) -> Own:
        """The distribution of blocks [row, dim], after broadcasting it to arrays of a shape."""

        def flat(leaf):
            # On the host, what is there: JAX would compile a program for each shape.
            xp = np if isinstance(leaf, np.ndarray) else jnp
            return xp.broadcast_to(xp.asarray(leaf, xp.float32), shape).reshape(rows, dim)

        return jax.tree.map(flat, self)


@dataclass(frozen=True, eq=False)
class Coordinatewise(Distribution, ABC):
    """A distribution of independent coordinates, each a law that is moved by `loc` and stretched by `scale` > 0.

    Its density is given by the difference from `loc`, of which narrow targets need all digits.
    """

    loc: Any
    scale: Any

    def moved(self, loc: ArrayLike, scale: ArrayLike) -> "Coordinatewise":
        """The distribution of (x - loc) / scale."""
        where = (jnp.asarray(self.loc, jnp.float32) - loc) / scale
        return type(self)(where, jnp.asarray(self.scale, jnp.float32) / scale)

    def is_valid(self) -> Bool[Array, "*n"]:
        """Whether these are parameters of a distribution, per coordinate."""
        return jnp.isfinite(self.loc) & jnp.isfinite(self.scale) & (jnp.asarray(self.scale) > 0)

    def standardise(self, x: ArrayLike) -> Float[Array, "*m"]:
        """(x - loc) / scale."""
        return (jnp.asarray(x, jnp.float32) - self.loc) / self.scale

    def log_prob(self, x: ArrayLike) -> Float[Array, "*m"]:
        """Log density in nats, per coordinate; -inf outside the support."""
        return self.log_density(jnp.asarray(x, jnp.float32) - self.loc)

    @abstractmethod
    def log_density(self, offset: Float[Array, "*offset"]) -> Float[Array, "*m"]:
        """Log density at loc + offset, in nats, per coordinate."""

    @abstractmethod
    def cdf(self, x: ArrayLike) -> Float[Array, "*m"]:
        """Probability of a value of at most x, per coordinate."""

    @abstractmethod
    def icdf(self, mass: ArrayLike) -> Float[Array, "*m"]:
        """The quantile function, per coordinate."""

    def mode(self) -> Float[Array, "*m"]:
        """Where the density is largest."""
        return jnp.asarray(self.loc, jnp.float32)

    @abstractmethod
    def kinks(self) -> tuple[Float[Array, "*m"], ...]:
        """Offsets from `loc` that cut the log density into pieces that are smooth and each side of its mode."""


@dataclass(frozen=True, eq=False)
class CodingDistribution(Coordinatewise):
    """A distribution whose quantiles every machine knows, in integers: one that samples can be coded with.

    law: the quantiles of its standard form, of loc 0 and scale 1.
    """

    law: ClassVar[QuantileLaw]
