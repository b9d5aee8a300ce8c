"""The density ratio of any two laws that are smooth and log-concave but for a few kinks.

Its turning points are found when it is made (see `turning_points.py`). The largest ratio of an interval of words is
then that of one of its ends, or of a turning point.
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

# What rounding may add to a log ratio, in nats.
_ROUNDING = 1e-4


@pytree
class LogConcaveRatio(DensityRatio):
    """log r(w) - max log r of each coordinate, with the words between which it is monotone.

    log_best: max log r in nats. words, heights: kinks, peaks and valleys in rising order, and log r - max log r there.
    lone: where no word has any of the target, as it lies between two; it is then the word nearest to it, `best_word`.
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
        log_ratio = jnp.where(self.lone, -jnp.inf, self.plain.at(word) - self.log_best)
        return jnp.where(~self.valid | (self.lone & (word == self.best_word)), 0.0, log_ratio)

    def log_supremum(self, first: UInt32[Array, "*#word"], last: UInt32[Array, "*#word"]) -> Float[Array, "*m"]:
        inside = (self.words >= first[..., None]) & (self.words <= last[..., None])
        inner = jnp.max(jnp.where(inside, self.heights, -jnp.inf), axis=-1)
        inner = jnp.where((self.best_word >= first) & (self.best_word <= last), 0.0, inner)
        return jnp.maximum(jnp.maximum(self.log_ratio(first), self.log_ratio(last)), inner)

    def mass_to(self, word: UInt32[Array, "*word"]) -> Float[Array, "*m"]:
        z = grid.to_float(grid.value_fixed(word, law=self.plain.coding.law))
        own = (word + 1).astype(jnp.float32) * jnp.float32(2.0**-grid.BITS)
        return jnp.where(self.valid, self.plain.target.cdf(z), own)

    def log_maximum(self) -> Float[Array, "*n"]:
        return self.log_best


def log_concave_ratio(q: Coordinatewise, p: CodingDistribution) -> LogConcaveRatio:
    """The ratio of target q [dim] and coding distribution p [dim]."""
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
    nearest = grid.cell_of_fixed(grid.to_fixed(target.mode()), law=p.law)
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
    """The value of the last word; the first one's is its negative."""
    return grid.to_float(jnp.int32(quantiles.knots(plain.coding.law)[0]))


def _beyond(plain: LogRatio) -> Float[Array, "*n"]:
    """How much of the target lies beyond the outermost values."""
    last = _last_value(plain)
    return plain.target.cdf(-last) + (1 - plain.target.cdf(last))


def _log_ratio_at_mode(plain: LogRatio) -> Float[Array, "*n"]:
    """The ratio at the target's mode, in nats, with the coding distribution's density at the nearest value."""
    last, mode = _last_value(plain), plain.target.mode()
    return plain.target.log_prob(mode) - plain.standard().log_prob(jnp.clip(mode, -last, last))


def _is_unimodal(heights: Float[Array, "*n words"], best: Int32[Array, "*n 1"]) -> Bool[Array, "*n"]:
    place = jnp.arange(heights.shape[-1] - 1)
    left, right = heights[..., :-1], heights[..., 1:]
    in_order = jnp.where(place < best, right >= left - _ROUNDING, left >= right - _ROUNDING)
    return jnp.all(in_order, axis=-1)
