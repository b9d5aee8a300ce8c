"""The face of a density ratio: what a coder sees of a target and a coding distribution.

The law of a coded sample is Q(w) proportional to r(w) = q(z_w) / p(z_w) over the words w of the coding distribution's
grid. A ratio on finitely many words is bounded, also where the continuous one is not, as that of a target which is
wider than the coding distribution; its largest value, at an end of the grid, then asks for very many candidates.
"""

from abc import ABC, abstractmethod
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, UInt32

from recjax import grid
from recjax.numerics import LOG2

Own = TypeVar("Own")

MOST_BEYOND = 1e-3
"""Part of a target that may lie beyond the outermost values of the grid."""

MOST_OF_A_WORD = 2.0**-9
"""Part of a target that may lie on one word."""

_LOG_LARGEST_RATIO = (grid.BITS - 9) * LOG2


def is_on_grid(beyond: Float[Array, "*n"], log_largest: Float[Array, "*n"]) -> Bool[Array, "*n"]:
    """Whether the law on words passes for the continuous target, per coordinate.

    It does where at most 0.1% of the target lies `beyond` the outermost values, and no word holds more than 2^-9 of it.
    A word stands for the mass 2^-24 of the coding distribution, so that the second asks for density ratios of at most
    2^15 (`log_largest`, in nats), at every word and at the target's mode, which may lie between two.

    Then the cdfs of the two laws differ by at most 0.002: half a word, or a whole one at a jump of the density, and
    what lies beyond. For normal targets, computed over all words: 0.001 at most. Against N(0, 1), on the inside of the
    bound, N(0, 1e-4) differs by 0.0003, N(3, 0.003) by 0.0009, N(4, 0.1) by 0.0010, N(0, 1.5) by 0.0002; on its
    outside, N(3, 0.001) by 0.003, N(4.5, 0.1) by 0.008, N(0, 2) by 0.003, N(0, 4) by 0.09, N(5, 0.5) by 0.2. One
    latent in 10,000 of the released MNIST models' posteriors is outside.
    """
    return (beyond <= MOST_BEYOND) & (log_largest <= _LOG_LARGEST_RATIO)


class BlockRatio(ABC):
    """The ratio of blocks of coordinates, as a pytree whose arrays lead with an axis of coordinates.

    valid: whether each coordinate's target is a distribution; where it is not, the ratio is 1. covered: whether the
    law on words passes for the target, see `is_on_grid`.
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
