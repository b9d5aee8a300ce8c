"""The face of a density ratio: what a coder sees of a target and a coding distribution.

The law of a coded sample is Q(w) proportional to r(w) = q(z_w) / p(z_w) over the words w of the coding distribution's
grid. A ratio on finitely many words is bounded, also where the continuous one is not, as that of a target which is
wider than the coding distribution; its largest value, at an end of the grid, then asks for very many candidates.
"""

from abc import ABC, abstractmethod
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

Own = TypeVar("Own")


class BlockRatio(ABC):
    """The ratio of blocks of coordinates, as a pytree whose arrays lead with an axis of coordinates.

    valid: whether each coordinate's target is a distribution; where it is not, the ratio is 1. covered: whether the
    target lies on the coding distribution's support; the rest of it is cut off.
    """

    valid: Any
    covered: Any

    @property
    @abstractmethod
    def bound(self) -> "DensityRatio":
        """A ratio of independent coordinates that is nowhere smaller."""

    @property
    def block_log_best(self) -> Float[Array, ""]:
        """The largest log r of a block less that of the bound, in nats, or what it does not exceed."""
        return jnp.float32(0.0)

    @property
    @abstractmethod
    def marginal(self) -> "DensityRatio":
        """The ratios of the target's coordinates by themselves."""

    @abstractmethod
    def block_log_ratio(self, words: UInt32[Array, "dim n"]) -> Float[Array, " n"]:
        """log r of whole blocks less the largest log r of the bound, in nats."""


class DensityRatio(BlockRatio):
    """The ratio of independent coordinates.

    best_word: where it is largest. unimodal: whether it falls all the way on either side of that.
    """

    best_word: Any
    unimodal: Any

    @property
    def bound(self) -> "DensityRatio":
        return self

    @property
    def marginal(self) -> "DensityRatio":
        return self

    def block_log_ratio(self, words: UInt32[Array, "dim n"]) -> Float[Array, " n"]:
        return jnp.sum(self.over_words().log_ratio(words), axis=0)

    def scalar(self: Own) -> Own:
        """The ratio of a block of one coordinate, without the axis of coordinates."""
        return jax.tree.map(lambda field: field[0], self)

    def over_words(self: Own) -> Own:
        """The ratio for arrays of words [dim, n]."""
        return jax.tree.map(lambda field: field[:, None], self)

    @abstractmethod
    def log_ratio(self, word: UInt32[Array, "*word"]) -> Float[Array, "*m"]:
        """log r(w) - max log r, in nats, at most 0 but for rounding; words broadcast against the coordinates."""

    @abstractmethod
    def log_supremum(self, first: UInt32[Array, "*#word"], last: UInt32[Array, "*#word"]) -> Float[Array, "*m"]:
        """max of log r - max log r over the words first..last, in nats."""

    @abstractmethod
    def mass_to(self, word: UInt32[Array, "*word"]) -> Float[Array, "*m"]:
        """The continuous target's mass up to the value of a word."""

    @abstractmethod
    def log_maximum(self) -> Float[Array, "*n"]:
        """max over words of log q(z_w)/p(z_w), in nats."""
