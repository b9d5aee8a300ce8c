"""Finds the words at which the density ratio of two distributions turns from rising to falling, or back.

The distributions are smooth and log-concave except for a few kinks. Between kinks, and on one side of either mode, the
logarithm of their ratio turns at most twice. Each of these segments is cut into pieces, and the sign change of the
slope within a piece is bisected to a word. Two turns within one piece are missed; among all pairs of this package, that
costs a normal target in a logistic distribution the most, 3e-4 nats.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32, UInt32

from recjax import grid
from recjax.distributions.base import CodingDistribution, Coordinatewise
from recjax.pytrees import pytree, static_field
from recjax.quantiles import StandardForm

_PIECES = 8


@pytree
class LogRatio:
    """The log ratio log q/p of each coordinate, not normalised, in units of the coding distribution and of `form.unit`.

    Attributes:
        target: q in these units, [dim].
        mean_fixed: Location of the target in units of 2^-26, [dim].
        rest: What rounding the location to those units left over, [dim].
        coding: Class of the coding distribution.
    """

    target: Any
    mean_fixed: Any
    rest: Any
    coding: type[CodingDistribution] = static_field()

    def over_words(self) -> "LogRatio":
        """Returns the ratio with one more axis, for arrays of words [dim, n]."""
        return jax.tree.map(lambda leaf: leaf[..., None], self)

    def standard(self) -> CodingDistribution:
        """Returns the coding distribution in its own units."""
        return self.coding(0.0, 1 / self.coding.form.unit)

    def at(self, word: UInt32[Array, "*word"], step: Any = 0.0) -> Float[Array, "*m"]:
        """Computes log q(z + step) / p(z + step) at the value z of a word.

        Args:
            word: Words, broadcast against the coordinates.
            step: Offset from the word's value.

        Returns:
            Log ratios in nats.
        """
        z = grid.value_fixed(word, form=self.coding.form)
        # A difference of integers keeps all digits, also for targets far narrower than the coding distribution.
        offset = grid.to_float(z - self.mean_fixed) - self.rest
        return self.target.log_density(offset + step) - self.standard().log_density(grid.to_float(z) + step)

    def rises(self, word: UInt32[Array, "*word"]) -> Bool[Array, "*m"]:
        """Tells whether the ratio grows with z at the value of a word.

        Args:
            word: Words, broadcast against the coordinates.

        Returns:
            Booleans.
        """
        step = jnp.zeros(word.shape)
        return jax.jvp(lambda by: self.at(word, by), (step,), (jnp.ones_like(step),))[1] > 0


def log_ratio(q: Coordinatewise, p: CodingDistribution) -> LogRatio:
    """Makes the log ratio of a target and a coding distribution.

    Args:
        q: Target [dim].
        p: Coding distribution [dim].

    Returns:
        The log ratio, per coordinate.
    """
    target = q.moved(p.loc, jnp.asarray(p.scale, jnp.float32) * jnp.float32(p.form.unit))
    target = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, jnp.broadcast_shapes(q.shape, p.shape)), target)
    mean_fixed = grid.to_fixed(target.loc)
    return LogRatio(target, mean_fixed, target.loc - grid.to_float(mean_fixed), type(p))


def turning_points(ratio: LogRatio) -> UInt32[Array, "*n words"]:
    """Finds the words between which a ratio is monotone.

    Args:
        ratio: The log ratio, [dim].

    Returns:
        Words [dim, turns], uint32, in ascending order.
    """
    form = ratio.coding.form
    own = [_kink(ratio, jnp.asarray(offset)) for offset in ratio.target.kinks()]
    others = [jnp.broadcast_to(grid.to_fixed(kink), own[0].shape) for kink in ratio.standard().kinks()]
    cells = jnp.sort(grid.cell_of_fixed(jnp.stack([*own, *others], axis=-1), form=form), axis=-1).astype(jnp.int32)
    # Rounding may move a kink to a neighbouring word.
    around = jnp.clip(cells[..., None] + jnp.arange(-1, 3), 0, grid.LAST_WORD).reshape(*cells.shape[:-1], -1)
    ends = jnp.zeros_like(cells[..., :1])
    first = jnp.minimum(jnp.concatenate([ends, cells + 2], axis=-1), grid.LAST_WORD)
    last = jnp.maximum(jnp.concatenate([cells - 1, ends + grid.LAST_WORD], axis=-1), first)
    low, high = _pieces(form, first.astype(jnp.uint32), last.astype(jnp.uint32))
    turns = [_turn(ratio.over_words(), low, high, down) for down in (False, True)]
    return jnp.sort(jnp.concatenate([around.astype(jnp.uint32), *turns], axis=-1), axis=-1)


def _kink(ratio: LogRatio, offset: Float[Array, "*n"]) -> Int32[Array, "*n"]:
    """Returns the place of a kink in units of 2^-26, given its offset from the target's location."""
    near = offset + ratio.rest
    # In integers, as in `LogRatio.at`, where the kink is near the location; kinks far away need fewer digits.
    fine = grid.to_fixed(near) + ratio.mean_fixed
    return jnp.where(jnp.abs(near) < 8, fine, grid.to_fixed(ratio.target.loc + offset))


def _pieces(
    form: StandardForm, first: UInt32[Array, "*n segment"], last: UInt32[Array, "*n segment"]
) -> tuple[UInt32[Array, "*n piece"], UInt32[Array, "*n piece"]]:
    """Cuts the segments first..last into pieces of equal width in z.

    Returns:
        First and last words of the pieces; neighbouring pieces share a word.
    """
    left, right = grid.value_fixed(first, form=form), grid.value_fixed(last, form=form)
    inner = left[..., None] + (right - left)[..., None] // _PIECES * jnp.arange(1, _PIECES)
    inner = jnp.clip(grid.cell_of_fixed(inner, form=form), first[..., None], last[..., None])
    edges = jnp.concatenate([first[..., None], inner, last[..., None]], axis=-1)
    low, high = (side.reshape(*first.shape[:-1], -1) for side in (edges[..., :-1], edges[..., 1:]))
    return low, high


def _turn(
    ratio: LogRatio, low: UInt32[Array, "*n piece"], high: UInt32[Array, "*n piece"], down: bool
) -> UInt32[Array, "*n piece"]:
    """Finds the word at which the ratio turns within each piece.

    Returns:
        The word of the largest ratio of a piece, or of the smallest if `down`; an end of the piece if it does not turn.
    """

    def halve(_, piece):
        low, high = piece
        middle = low + (high - low) // 2
        before = ratio.rises(middle) != down
        return jnp.where(before, middle, low), jnp.where(before, high, middle)

    low, high = jax.lax.fori_loop(0, grid.BITS, halve, (low, high))
    return jnp.where((ratio.at(high) > ratio.at(low)) != down, high, low)
