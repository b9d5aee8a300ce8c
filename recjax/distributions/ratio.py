"""The interface of density ratios: what a coder needs to know of a target and a coding distribution.

The mass function of a coded sample is Q(w), proportional to r(w) = q(z_w) / p(z_w), over the words w of the coding
distribution's grid. A ratio on finitely many words is bounded, even where the continuous one is not, as for a target
that is wider than the coding distribution; its largest value is then at an end of the grid, and coding takes very many
candidates.
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
"""Largest part of a target that may lie beyond the outermost values of the grid."""

LOG2_MOST_OF_A_WORD = -9
"""Largest part of a target that may lie on one word, as a power of two."""

_LOG_LARGEST_RATIO = (grid.BITS + LOG2_MOST_OF_A_WORD) * LOG2


def is_on_grid(beyond: Float[Array, "*n"], log_largest: Float[Array, "*n"]) -> Bool[Array, "*n"]:
    """Tells for each coordinate whether the mass function on words is close enough to the continuous target.

    It is where at most 0.1% of the target lies beyond the outermost values, and no word holds more than 2^-9 of it. A
    word has mass 2^-24 under the coding distribution, so the second condition bounds density ratios by 2^15, at every
    word and at the target's mode, which may lie between two words.

    Then the two cdfs differ by at most 0.002: by half the mass of a word (all of it at a jump of the density), plus
    what lies beyond the grid. For normal targets, computed over all words, by 0.001 at most. Examples with N(0, 1) as
    the coding distribution: within the bounds, N(0, 1e-4) differs by 0.0003, N(3, 0.003) by 0.0009, N(4, 0.1) by 0.0010
    and N(0, 1.5) by 0.0002; outside, N(3, 0.001) by 0.003, N(4.5, 0.1) by 0.008, N(0, 2) by 0.003, N(0, 4) by 0.09 and
    N(5, 0.5) by 0.2. Of the posteriors of the released MNIST models, one latent in 10,000 is outside.

    Args:
        beyond: Parts of the target that lie beyond the outermost values, in [0, 1].
        log_largest: Largest log density ratios, in nats.

    Returns:
        Booleans, per coordinate.
    """
    return (beyond <= MOST_BEYOND) & (log_largest <= _LOG_LARGEST_RATIO)


class BlockRatio(ABC):
    """The density ratio of blocks of coordinates: a pytree whose arrays have a leading axis of coordinates.

    Attributes:
        valid: Whether each coordinate's target is a distribution, [dim]; where it is not, the ratio is 1.
        covered: Whether the mass function on words is close to the target, [dim]; see `is_on_grid`.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.distributions import BlockRatio, Normal, density_ratio
        >>> q = Normal(jnp.array([0.5, 1.0]), jnp.array([0.5, 0.1]))
        >>> ratio = density_ratio(q, Normal(jnp.zeros(2), jnp.ones(2)))
        >>> isinstance(ratio, BlockRatio), float(ratio.block_log_best)
        (True, 0.0)
        >>> ratio.block_log_ratio(ratio.best_word[:, None]).tolist()
        [0.0]
    """

    valid: Any
    covered: Any

    @property
    @abstractmethod
    def bound(self) -> "DensityRatio":
        """A ratio of independent coordinates that is nowhere smaller."""

    @property
    def block_log_best(self) -> Float[Array, ""]:
        """An upper bound on the block's largest log r, less the largest of `bound`, in nats."""
        return jnp.float32(0.0)

    @property
    @abstractmethod
    def marginal(self) -> "DensityRatio":
        """The ratios of the target's marginals."""

    @abstractmethod
    def block_log_ratio(self, words: UInt32[Array, "dim n"]) -> Float[Array, " n"]:
        """Computes log r of blocks less the largest log r of the bound.

        Args:
            words: Words of the blocks' coordinates, [dim, n].

        Returns:
            Log ratios [n] in nats.
        """


class DensityRatio(BlockRatio):
    """The density ratio of independent coordinates.

    Attributes:
        best_word: The word of the largest ratio, [dim].
        unimodal: Whether the ratio falls all the way on either side of the best word, [dim].

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.distributions import DensityRatio, Normal, density_ratio
        >>> q = Normal(jnp.array([0.0]), jnp.array([0.5]))
        >>> ratio = density_ratio(q, Normal(jnp.zeros(1), jnp.ones(1)))
        >>> isinstance(ratio, DensityRatio), ratio.unimodal.tolist()
        (True, [True])
        >>> round(float(ratio.log_ratio(jnp.array([2**22], jnp.uint32))[0]), 2)
        -0.68
    """

    best_word: Any
    unimodal: Any

    @property
    def bound(self) -> "DensityRatio":
        """This ratio, as its coordinates are independent."""
        return self

    @property
    def marginal(self) -> "DensityRatio":
        """This ratio, as its coordinates are independent."""
        return self

    def block_log_ratio(self, words: UInt32[Array, "dim n"]) -> Float[Array, " n"]:
        """Computes log r of blocks less its largest value.

        Args:
            words: Words of the blocks' coordinates, [dim, n].

        Returns:
            Log ratios [n] in nats, at most 0 but for rounding.
        """
        return jnp.sum(self.over_words().log_ratio(words), axis=0)

    def scalar(self: Own) -> Own:
        """Returns the ratio of the first coordinate, without the axis of coordinates."""
        return jax.tree.map(lambda field: field[0], self)

    def over_words(self: Own) -> Own:
        """Returns the ratio with one more axis, for arrays of words [dim, n]."""
        return jax.tree.map(lambda field: field[:, None], self)

    @abstractmethod
    def log_ratio(self, word: UInt32[Array, "*word"]) -> Float[Array, "*m"]:
        """Computes log r(w) - max log r, per coordinate.

        Args:
            word: Words, broadcast against the coordinates.

        Returns:
            Log ratios in nats, at most 0 but for rounding.
        """

    @abstractmethod
    def log_supremum(self, first: UInt32[Array, "*#word"], last: UInt32[Array, "*#word"]) -> Float[Array, "*m"]:
        """Computes the largest log r(w) - max log r over ranges of words, per coordinate.

        Args:
            first: First words of the ranges, broadcast against the coordinates.
            last: Last words of the ranges.

        Returns:
            Log ratios in nats.
        """

    @abstractmethod
    def mass_to(self, word: UInt32[Array, "*word"]) -> Float[Array, "*m"]:
        """Computes the continuous target's mass below the value of a word, per coordinate.

        Args:
            word: Words, broadcast against the coordinates.

        Returns:
            Probabilities in [0, 1].
        """

    @abstractmethod
    def log_maximum(self) -> Float[Array, "*n"]:
        """Returns the largest log q(z_w) / p(z_w) over all words, per coordinate, in nats."""
