"""The density ratio of any two laws that are smooth and log-concave but for a few kinks, by a search for its peaks.

Between kinks, and on one side of either mode, the logarithm of such a ratio rises and falls once or twice. Each of
these segments is cut into pieces, and the slope of a piece bisected to the word where it changes its sign. The largest
ratio of an interval of words is then that of one of its ends, of a kink, or of a peak.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32, UInt32

from recjax import grid
from recjax.distributions.base import CodingDistribution, Coordinatewise
from recjax.distributions.ratio import DensityRatio
from recjax.pytrees import pytree, static_field
from recjax.quantiles import QuantileLaw

_LAST_WORD = (1 << grid.BITS) - 1
_PIECES = 8
# A target less of which is on the coding distribution's support than this is cut off noticeably.
_LEAST_COVERED = 0.999
# What rounding may add to a log ratio, in nats.
_ROUNDING = 1e-4


@pytree
class _Unscaled:
    """A target in units of the coding distribution (of its law's unit), and log q/p as it comes.

    mean_fixed, rest: the target's location in units of 2^-26, and what rounding left of it.
    """

    target: Any
    mean_fixed: Any
    rest: Any
    coding: type[CodingDistribution] = static_field()

    def over_words(self) -> "_Unscaled":
        return jax.tree.map(lambda leaf: leaf[..., None], self)

    def standard(self) -> CodingDistribution:
        """The coding distribution in its own units."""
        return self.coding(0.0, 1 / self.coding.law.unit)

    def log_ratio(self, word: UInt32[Array, "*word"], step: Any = 0.0) -> Float[Array, "*m"]:
        """log q(z + step) / p(z + step) of a word's value, in nats."""
        z = grid.value_fixed(word, law=self.coding.law)
        # As a difference of integers, so that targets far narrower than the coding distribution keep their digits.
        offset = grid.to_float(z - self.mean_fixed) - self.rest
        return self.target.log_density(offset + step) - self.standard().log_density(grid.to_float(z) + step)

    def rises(self, word: UInt32[Array, "*word"]) -> Bool[Array, "*m"]:
        """Whether the ratio grows with z at a word's value."""
        step = jnp.zeros(word.shape)
        return jax.jvp(lambda by: self.log_ratio(word, by), (step,), (jnp.ones_like(step),))[1] > 0


@pytree
class LogConcaveRatio(DensityRatio):
    """log r(w) - max log r of each coordinate, with the words between which it is monotone.

    log_best: max log r in nats. words, heights: kinks, peaks and valleys in rising order, and log r - max log r there.
    """

    unscaled: _Unscaled
    log_best: Any
    best_word: Any
    words: Any
    heights: Any
    valid: Any
    covered: Any
    unimodal: Any

    def log_ratio(self, word: UInt32[Array, "*word"]) -> Float[Array, "*m"]:
        return jnp.where(self.valid, self.unscaled.log_ratio(word) - self.log_best, 0.0)

    def log_supremum(self, first: UInt32[Array, "*#word"], last: UInt32[Array, "*#word"]) -> Float[Array, "*m"]:
        inside = (self.words >= first[..., None]) & (self.words <= last[..., None])
        inner = jnp.max(jnp.where(inside, self.heights, -jnp.inf), axis=-1)
        return jnp.maximum(jnp.maximum(self.log_ratio(first), self.log_ratio(last)), inner)

    def mass_to(self, word: UInt32[Array, "*word"]) -> Float[Array, "*m"]:
        z = grid.to_float(grid.value_fixed(word, law=self.unscaled.coding.law))
        own = (word + 1).astype(jnp.float32) * jnp.float32(2.0**-grid.BITS)
        return jnp.where(self.valid, self.unscaled.target.cdf(z), own)

    def log_maximum(self) -> Float[Array, "*n"]:
        return self.log_best


def log_concave_ratio(q: Coordinatewise, p: CodingDistribution) -> LogConcaveRatio:
    """The ratio of target q [dim] and coding distribution p [dim]."""
    unit = jnp.float32(p.law.unit)
    shape = jnp.broadcast_shapes(q.shape, p.shape)
    target = q.moved(p.loc, jnp.asarray(p.scale, jnp.float32) * unit)
    target = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, shape), target)
    valid = target.is_valid() & (jnp.asarray(p.scale) > 0) & jnp.isfinite(p.scale)
    mean_fixed = grid.to_fixed(target.loc)
    rest = target.loc - grid.to_float(mean_fixed)
    unscaled = _Unscaled(target, mean_fixed, rest, type(p))
    words = _critical_words(unscaled)
    heights = unscaled.over_words().log_ratio(words)
    best = jnp.argmax(heights, axis=-1, keepdims=True)
    log_best = jnp.take_along_axis(heights, best, axis=-1)
    # Also where no word has any of the target, as where q lies beyond p's support.
    valid = valid & jnp.isfinite(log_best[..., 0])
    heights = jnp.where(valid[..., None], heights - log_best, 0.0)
    return LogConcaveRatio(
        unscaled=unscaled,
        log_best=jnp.where(valid, log_best[..., 0], 0.0),
        best_word=jnp.take_along_axis(words, best, axis=-1)[..., 0],
        words=words,
        heights=heights,
        valid=valid,
        covered=_is_covered(target, p.support / unit) | ~valid,
        unimodal=_is_unimodal(heights, best) | ~valid,
    )


def _critical_words(unscaled: _Unscaled) -> UInt32[Array, "*n words"]:
    """Words between which the ratio is monotone, in rising order."""
    law = unscaled.coding.law
    own = [grid.to_fixed(offset + unscaled.rest) + unscaled.mean_fixed for offset in unscaled.target.kinks()]
    others = [jnp.broadcast_to(grid.to_fixed(kink), own[0].shape) for kink in unscaled.standard().kinks()]
    cells = jnp.sort(grid.cell_of_fixed(jnp.stack([*own, *others], axis=-1), law=law), axis=-1).astype(jnp.int32)
    # Rounding may move a kink to the next word.
    around = jnp.clip(cells[..., None] + jnp.arange(-1, 3), 0, _LAST_WORD).reshape(*cells.shape[:-1], -1)
    ends = jnp.zeros_like(cells[..., :1])
    first = jnp.minimum(jnp.concatenate([ends, cells + 2], axis=-1), _LAST_WORD)
    last = jnp.maximum(jnp.concatenate([cells - 1, ends + _LAST_WORD], axis=-1), first)
    low, high = _pieces(law, first.astype(jnp.uint32), last.astype(jnp.uint32))
    extrema = [_turn(unscaled.over_words(), low, high, down) for down in (False, True)]
    return jnp.sort(jnp.concatenate([around.astype(jnp.uint32), *extrema], axis=-1), axis=-1)


def _pieces(
    law: QuantileLaw, first: UInt32[Array, "*n segment"], last: UInt32[Array, "*n segment"]
) -> tuple[UInt32[Array, "*n piece"], UInt32[Array, "*n piece"]]:
    """First and last words of the pieces of the segments first..last, of one width in z; neighbours share a word."""
    left, right = grid.value_fixed(first, law=law), grid.value_fixed(last, law=law)
    inner = left[..., None] + (right - left)[..., None] // _PIECES * jnp.arange(1, _PIECES)
    inner = jnp.clip(grid.cell_of_fixed(inner, law=law), first[..., None], last[..., None])
    edges = jnp.concatenate([first[..., None], inner, last[..., None]], axis=-1)
    low, high = (side.reshape(*first.shape[:-1], -1) for side in (edges[..., :-1], edges[..., 1:]))
    return low, high


def _turn(
    unscaled: _Unscaled, low: UInt32[Array, "*n piece"], high: UInt32[Array, "*n piece"], down: bool
) -> UInt32[Array, "*n piece"]:
    """The word of the largest ratio of each piece, or of the smallest, if the piece has one of them."""

    def halve(_, piece):
        low, high = piece
        middle = low + (high - low) // 2
        before = unscaled.rises(middle) != down
        return jnp.where(before, middle, low), jnp.where(before, high, middle)

    low, high = jax.lax.fori_loop(0, grid.BITS, halve, (low, high))
    return jnp.where((unscaled.log_ratio(high) > unscaled.log_ratio(low)) != down, high, low)


def _is_covered(target: Coordinatewise, support: Float[Array, ""]) -> Bool[Array, "*n"]:
    return target.cdf(support) - target.cdf(-support) >= _LEAST_COVERED


def _is_unimodal(heights: Float[Array, "*n words"], best: Int32[Array, "*n 1"]) -> Bool[Array, "*n"]:
    place = jnp.arange(heights.shape[-1] - 1)
    left, right = heights[..., :-1], heights[..., 1:]
    in_order = jnp.where(place < best, right >= left - _ROUNDING, left >= right - _ROUNDING)
    return jnp.all(in_order, axis=-1)
