"""Where the ratio of two laws that are smooth and log-concave but for a few kinks turns from rising to falling.

Between kinks, and on one side of either mode, the logarithm of such a ratio turns once or twice. Each of these segments
is cut into pieces, and the slope of a piece bisected to the word where it changes its sign. (Two turns within one piece
are missed; of all pairs here, a normal target in a logistic law lost most by that, 3e-4 nats.)
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32, UInt32

from recjax import grid
from recjax.distributions.base import CodingDistribution, Coordinatewise
from recjax.pytrees import pytree, static_field
from recjax.quantiles import QuantileLaw

_PIECES = 8


@pytree
class LogRatio:
    """log q/p of each coordinate, as it comes, in units of the coding distribution and of its law's unit.

    target: q in these units. mean_fixed, rest: its location in units of 2^-26, and what rounding left of it.
    """

    target: Any
    mean_fixed: Any
    rest: Any
    coding: type[CodingDistribution] = static_field()

    def over_words(self) -> "LogRatio":
        """For arrays of words with one axis more."""
        return jax.tree.map(lambda leaf: leaf[..., None], self)

    def standard(self) -> CodingDistribution:
        """The coding distribution in its own units."""
        return self.coding(0.0, 1 / self.coding.law.unit)

    def at(self, word: UInt32[Array, "*word"], step: Any = 0.0) -> Float[Array, "*m"]:
        """log q(z + step) / p(z + step) of a word's value, in nats."""
        z = grid.value_fixed(word, law=self.coding.law)
        # As a difference of integers, so that targets far narrower than the coding distribution keep their digits.
        offset = grid.to_float(z - self.mean_fixed) - self.rest
        return self.target.log_density(offset + step) - self.standard().log_density(grid.to_float(z) + step)

    def rises(self, word: UInt32[Array, "*word"]) -> Bool[Array, "*m"]:
        """Whether the ratio grows with z at a word's value."""
        step = jnp.zeros(word.shape)
        return jax.jvp(lambda by: self.at(word, by), (step,), (jnp.ones_like(step),))[1] > 0


def log_ratio(q: Coordinatewise, p: CodingDistribution) -> LogRatio:
    """Of target q [dim] and coding distribution p [dim]."""
    target = q.moved(p.loc, jnp.asarray(p.scale, jnp.float32) * jnp.float32(p.law.unit))
    target = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, jnp.broadcast_shapes(q.shape, p.shape)), target)
    mean_fixed = grid.to_fixed(target.loc)
    return LogRatio(target, mean_fixed, target.loc - grid.to_float(mean_fixed), type(p))


def turning_points(ratio: LogRatio) -> UInt32[Array, "*n words"]:
    """Words between which the ratio is monotone, in rising order."""
    law = ratio.coding.law
    own = [_kink(ratio, jnp.asarray(offset)) for offset in ratio.target.kinks()]
    others = [jnp.broadcast_to(grid.to_fixed(kink), own[0].shape) for kink in ratio.standard().kinks()]
    cells = jnp.sort(grid.cell_of_fixed(jnp.stack([*own, *others], axis=-1), law=law), axis=-1).astype(jnp.int32)
    # Rounding may move a kink to the next word.
    around = jnp.clip(cells[..., None] + jnp.arange(-1, 3), 0, grid.LAST_WORD).reshape(*cells.shape[:-1], -1)
    ends = jnp.zeros_like(cells[..., :1])
    first = jnp.minimum(jnp.concatenate([ends, cells + 2], axis=-1), grid.LAST_WORD)
    last = jnp.maximum(jnp.concatenate([cells - 1, ends + grid.LAST_WORD], axis=-1), first)
    low, high = _pieces(law, first.astype(jnp.uint32), last.astype(jnp.uint32))
    turns = [_turn(ratio.over_words(), low, high, down) for down in (False, True)]
    return jnp.sort(jnp.concatenate([around.astype(jnp.uint32), *turns], axis=-1), axis=-1)


def _kink(ratio: LogRatio, offset: Float[Array, "*n"]) -> Int32[Array, "*n"]:
    """The place of a kink in units of 2^-26, by its offset from the target's location."""
    near = offset + ratio.rest
    # Where the location lies on the grid, in integers as in `LogRatio.at`; far ones need no digits.
    fine = grid.to_fixed(near) + ratio.mean_fixed
    return jnp.where(jnp.abs(near) < 8, fine, grid.to_fixed(ratio.target.loc + offset))


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
    ratio: LogRatio, low: UInt32[Array, "*n piece"], high: UInt32[Array, "*n piece"], down: bool
) -> UInt32[Array, "*n piece"]:
    """The word of the largest ratio of each piece, or of the smallest, if the piece has one of them."""

    def halve(_, piece):
        low, high = piece
        middle = low + (high - low) // 2
        before = ratio.rises(middle) != down
        return jnp.where(before, middle, low), jnp.where(before, high, middle)

    low, high = jax.lax.fori_loop(0, grid.BITS, halve, (low, high))
    return jnp.where((ratio.at(high) > ratio.at(low)) != down, high, low)
