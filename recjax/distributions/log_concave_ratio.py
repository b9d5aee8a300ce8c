"""The density ratio of two distributions that are smooth and log-concave except for a few kinks.

Its turning points are computed when it is made (see `turning_points.py`). The largest ratio over an interval of words
is then at one of its ends or at a turning point.
"""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32, UInt32

from recjax import grid, quantiles
from recjax.distributions.base import CodingDistribution, Coordinatewise
from recjax.distributions.ratio import DensityRatio, is_on_grid
from recjax.distributions.turning_points import LogRatio, log_ratio, turning_points
from recjax.numerics import LOG2
from recjax.pytrees import pytree

# Rounding error of a log ratio, in nats.
_ROUNDING = 1e-4


@pytree
class LogConcaveRatio(DensityRatio):
    """The density ratio of each coordinate, with the words between which it is monotone.

    Attributes:
        plain: The log ratio, not normalised.
        log_best: The largest log r in nats, [dim].
        best_word: The word of the largest ratio, [dim].
        words: Kinks, peaks and valleys as words in ascending order, [dim, turns].
        heights: log r - max log r at `words`, in nats, [dim, turns].
        lone: True where the target's density is 0 at every word, as it lies between the values of two words; all of it
            then counts as on the nearest word, `best_word`; [dim].
        valid: As in `BlockRatio`, [dim].
        covered: As in `BlockRatio`, [dim].
        unimodal: As in `DensityRatio`, [dim].
    """

    plain: LogRatio
    log_best: Any
    best_word: Any
    words: Any
    heights: Any
    lone: Any
    valid: Any
    covered: Any
    unimodal: Any

    def log_ratio(self, word: UInt32[Array, "*word"]) -> Float[Array, "*m"]:
        """Computes log r(w) - max log r, per coordinate.

        Args:
            word: Words, broadcast against the coordinates.

        Returns:
            Log ratios in nats, at most 0 but for rounding.
        """
        log_ratio = jnp.where(self.lone, -jnp.inf, self.plain.at(word) - self.log_best)
        return jnp.where(~self.valid | (self.lone & (word == self.best_word)), 0.0, log_ratio)

    def log_supremum(self, first: UInt32[Array, "*#word"], last: UInt32[Array, "*#word"]) -> Float[Array, "*m"]:
        """Computes the largest log r(w) - max log r over ranges of words, per coordinate.

        Args:
            first: First words of the ranges, broadcast against the coordinates.
            last: Last words of the ranges.

        Returns:
            Log ratios in nats.
        """
        inside = (self.words >= first[..., None]) & (self.words <= last[..., None])
        inner = jnp.max(jnp.where(inside, self.heights, -jnp.inf), axis=-1)
        inner = jnp.where((self.best_word >= first) & (self.best_word <= last), 0.0, inner)
        return jnp.maximum(jnp.maximum(self.log_ratio(first), self.log_ratio(last)), inner)

    def mass_to(self, word: UInt32[Array, "*word"]) -> Float[Array, "*m"]:
        """Computes the continuous target's mass below the value of a word, per coordinate.

        Args:
            word: Words, broadcast against the coordinates.

        Returns:
            Probabilities in [0, 1].
        """
        z = grid.to_float(grid.value_fixed(word, form=self.plain.coding.form))
        own = (word + 1).astype(jnp.float32) * jnp.float32(2.0**-grid.BITS)
        return jnp.where(self.valid, self.plain.target.cdf(z), own)

    def log_maximum(self) -> Float[Array, "*n"]:
        """Returns the largest log q(z_w) / p(z_w) over all words, per coordinate, in nats."""
        return self.log_best


def log_concave_ratio(q: Coordinatewise, p: CodingDistribution) -> LogConcaveRatio:
    """Computes the density ratio of independent coordinates, for any target and coding distribution of this package.

    Args:
        q: Target [dim].
        p: Coding distribution [dim].

    Returns:
        The ratio, per coordinate.
    """
    plain = log_ratio(q, p)
    target = plain.target
    valid = target.is_valid() & (jnp.asarray(p.scale) > 0) & jnp.isfinite(p.scale)
    words = turning_points(plain)
    heights = plain.over_words().at(words)
    best = jnp.argmax(heights, axis=-1, keepdims=True)
    log_best = jnp.take_along_axis(heights, best, axis=-1)
    lone = valid & (log_best[..., 0] == -jnp.inf)
    heights = jnp.where(lone[..., None], -jnp.inf, heights - log_best)
    log_best = jnp.where(lone, grid.BITS * LOG2, log_best[..., 0])
    nearest = grid.cell_of_fixed(grid.to_fixed(target.mode()), form=p.form)
    covered = is_on_grid(_beyond(plain), jnp.maximum(log_best, _log_ratio_at_mode(plain)))
    return LogConcaveRatio(
        plain=plain,
        log_best=jnp.where(valid, log_best, 0.0),
        best_word=jnp.where(lone, nearest, jnp.take_along_axis(words, best, axis=-1)[..., 0]),
        words=words,
        heights=jnp.where(valid[..., None], heights, 0.0),
        lone=lone,
        valid=valid,
        covered=covered | ~valid,
        unimodal=_is_unimodal(heights, best) | ~valid,
    )


def _last_value(plain: LogRatio) -> Float[Array, ""]:
    """Returns the value of the last word; that of the first word is its negative."""
    return grid.to_float(jnp.int32(quantiles.knots(plain.coding.form)[0]))


def _beyond(plain: LogRatio) -> Float[Array, "*n"]:
    """Computes the part of the target that lies beyond the outermost values."""
    last = _last_value(plain)
    return plain.target.cdf(-last) + (1 - plain.target.cdf(last))


def _log_ratio_at_mode(plain: LogRatio) -> Float[Array, "*n"]:
    """Computes log q / p at the target's mode, in nats, with p's density taken at the nearest value of the grid."""
    last, mode = _last_value(plain), plain.target.mode()
    return plain.target.log_prob(mode) - plain.standard().log_prob(jnp.clip(mode, -last, last))


def _is_unimodal(heights: Float[Array, "*n words"], best: Int32[Array, "*n 1"]) -> Bool[Array, "*n"]:
    place = jnp.arange(heights.shape[-1] - 1)
    left, right = heights[..., :-1], heights[..., 1:]
    in_order = jnp.where(place < best, right >= left - _ROUNDING, left >= right - _ROUNDING)
    return jnp.all(in_order, axis=-1)
