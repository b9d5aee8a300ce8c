"""Scores candidates of normal targets in one loop without tables: a polynomial turns words into values.

A score decides which candidate an encoder sends, never what a code decodes to, so it may be approximate. Differences
are taken from the polynomial's own value of the best word, so that errors which are smooth in z cancel: even for a
target as narrow as 1e-5 of its prior, samples still follow the distribution on the grid (tested).
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeGuard

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

from recjax import grid, randomness
from recjax.distributions.normal_ratio import NormalRatio
from recjax.distributions.ratio import BlockRatio
from recjax.numerics import quick_normal

HALF = float(1 << (grid.BITS - 1))
"""Half the number of words of the grid."""

MOST_PAIRS = 4
"""Most pairs of coordinates in the body of the loop: enough to keep a CPU busy, few enough to compile quickly."""


def supports(ratio: BlockRatio) -> TypeGuard[NormalRatio]:
    """Tells whether quick scores exist for a ratio.

    Args:
        ratio: The density ratio of a block.

    Returns:
        True if it is that of independent normals.
    """
    return isinstance(ratio, NormalRatio)


def best_values(ratio: NormalRatio) -> Float[Array, " dim"]:
    """Returns the values of the best words, as the polynomial gives them.

    Args:
        ratio: The density ratio of a block.

    Returns:
        Values in units of the coding distribution.
    """
    return quick_normal(ratio.best_word.astype(jnp.float32) - HALF)


def anywhere(key: randomness.Key, ratio: NormalRatio, index: UInt32[Array, " n"]) -> Float[Array, " n"]:
    """Scores candidates of the unpartitioned space.

    The result is about `ratio.block_log_ratio(partition.words_anywhere(key, dim, index))`.

    Args:
        key: Shared randomness.
        ratio: The density ratio of the block.
        index: Index of each candidate, from 1.

    Returns:
        Log ratios, in nats, less their largest.
    """
    stream = randomness.stream(key, randomness.CANDIDATE)
    dim = ratio.valid.shape[0]
    groups = max(-(-dim // (2 * MOST_PAIRS)), 1)
    pairs = max(-(-dim // (2 * groups)), 1)

    def cells_of(group, pair, _, index, __):
        drawn = randomness.threefry2x32((stream.first, stream.second), (index, group * pairs + pair))
        return [to_float((word ^ jnp.uint32(1 << 31)).astype(jnp.int32) >> (32 - grid.BITS)) for word in drawn]

    return over_groups(cells_of, ratio, groups, pairs, index)


def over_groups(
    cells_of: Callable[[Any, int, Any, Any, Any], Sequence[Float[Array, "*n"]]],
    ratio: NormalRatio,
    groups: int,
    pairs: int,
    inputs: Any,
    more: Sequence[Float[Array, " dim"]] = (),
    extras: Any = None,
) -> Float[Array, " n"]:
    """Sums the log ratios of coordinates, group by group, each of `pairs` pairs of coordinates.

    Args:
        cells_of: Called as cells_of(group, pair, more, inputs, extra), returns the cells of two coordinates as whole
            numbers less `HALF`.
        ratio: The density ratio of the block.
        groups: Number of groups.
        pairs: Number of pairs of a group.
        inputs: A pytree of arrays [n], passed to `cells_of`.
        more: Further arrays of numbers of each coordinate, passed to `cells_of` in the part of its group.
        extras: A pytree of arrays [group, n], passed to `cells_of` in the part of its group.

    Returns:
        Log ratios, in nats, less their largest.
    """
    best = best_values(ratio)
    fields = jnp.stack([best, ratio.slope, ratio.curvature, *more])
    fields = jnp.pad(fields, ((0, 0), (0, 2 * groups * pairs - len(best))))
    # Stacked in one array, as XLA:CPU does not vectorise loops that read from many.
    fields = fields.reshape(-1, groups, 2 * pairs).swapaxes(0, 1)

    def add(total, group, inputs):
        number, (best, slope, curvature, *more), extra = group
        for pair in range(pairs):
            for place, cell in enumerate(cells_of(number, pair, more, inputs, extra), 2 * pair):
                delta = quick_normal(cell) - best[place]
                total = total + delta * (slope[place] - curvature[place] * delta)
        return total

    numbers = jnp.arange(groups, dtype=jnp.uint32)
    size = jax.tree.leaves(inputs)[0].shape[0]
    if groups > 1:
        start = jnp.zeros((size,), jnp.float32)
        return jax.lax.scan(lambda t, group: (add(t, group, inputs), None), start, (numbers, fields, extras))[0]
    only = jax.tree.map(lambda leaf: leaf[0], extras)
    return in_halves(lambda x: add(jnp.float32(0), (numbers[0], fields[0], x[1]), x[0]), (inputs, only), size)


def in_halves(function: Callable[[Any], Any], inputs: Any, size: int) -> Any:
    """Applies a function to one half of arrays after the other.

    The loop makes XLA store the result. Otherwise the computation would be compiled into each of its uses, and the
    choice of the best score has two, with loops that LLVM may take many minutes to unroll.

    Args:
        function: A function of arrays [m] that works element by element.
        inputs: A pytree of arrays [size].
        size: Their length.

    Returns:
        The results, arrays [size].
    """
    if size == 1:
        return function(inputs)
    halves = jax.tree.map(lambda leaf: jnp.pad(leaf, (0, size % 2)).reshape(2, -1), inputs)
    return jax.tree.map(lambda leaf: leaf.reshape(-1)[:size], jax.lax.map(function, halves))


def to_float(number: Any) -> Float[Array, "*n"]:
    """Converts whole numbers below 2^31 to floats, by way of signed integers, which CPUs convert in one instruction.

    Args:
        number: Integers of 32 bits, signed or not.

    Returns:
        The numbers as float32.
    """
    return jax.lax.bitcast_convert_type(number, jnp.int32).astype(jnp.float32)
