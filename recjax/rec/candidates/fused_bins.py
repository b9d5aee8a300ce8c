"""Draws and scores candidates of a space partition in few passes over memory, for normal targets.

The draws are those of `partition.py`, from which the decoder reads them. XLA:CPU makes a loop for each array that a
computation returns, and would compute the cipher again in each. So intervals are packed four to a word, and two words
that one loop must return together become one complex number, whose parts can hold any bits.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex64, Float, UInt32

from recjax import grid, randomness
from recjax.distributions.normal_ratio import NormalRatio
from recjax.rec.candidates import fused_scores
from recjax.rec.candidates.partition import WEIGHT_SUM, BinWeights

MAX_CAPACITY = 32
"""Largest number of intervals per dimension here: each draw is compared with all, which is quick if they are few."""

_PACKED = 4
_BITS = 8
_MASK = (1 << _BITS) - 1


def supports(weights: BinWeights) -> bool:
    """Tells whether these functions can be used.

    Args:
        weights: Weights of the bins.

    Returns:
        True if there is a dimension and no dimension has more than `MAX_CAPACITY` intervals.
    """
    dim, capacity = weights.upper.shape
    return dim > 0 and capacity <= MAX_CAPACITY


def draw(
    private_key: randomness.Key, step: UInt32[Array, " n"], weights: BinWeights
) -> tuple[UInt32[Array, "words n"], Float[Array, " n"]]:
    """Draws a bin at each step, as `partition.draw_intervals` does, with packed intervals.

    Args:
        private_key: Randomness of the encoder.
        step: Steps of the search, from 0.
        weights: Weights of the bins.

    Returns:
        The intervals, of 8 bits each, four dimensions to a word, the first in the lowest bits; and log(J pi) of the
        bins, in nats.
    """
    stream = randomness.stream(private_key, randomness.BIN)
    dim, capacity = weights.upper.shape
    words = -(-dim // _PACKED)
    padding = ((0, words * _PACKED - dim), (0, 0))
    upper = jnp.pad(weights.upper, padding, constant_values=WEIGHT_SUM).reshape(words, _PACKED, capacity)
    gains = jnp.pad(weights.log_gain, padding).reshape(words, _PACKED, capacity)

    def draw_word(step, block, upper, gains):
        drawn = randomness.threefry2x32((stream.first, stream.second), (step, block))
        packed, total = jnp.zeros_like(step), jnp.zeros(step.shape, jnp.float32)
        for place in range(_PACKED):
            share = drawn[place // 2] >> 16 if place % 2 else drawn[place // 2] & jnp.uint32(0xFFFF)
            interval, gain = jnp.zeros_like(step), gains[place, 0]
            for k in range(capacity - 1):
                beyond = upper[place, k] <= share
                interval = jnp.where(beyond, jnp.uint32(k + 1), interval)
                gain = jnp.where(beyond, gains[place, k + 1], gain)
            packed = packed | (interval << (_BITS * place))
            total = total + gain
        return _one_number(packed, jax.lax.bitcast_convert_type(total, jnp.uint32))

    blocks = jnp.arange(words, dtype=jnp.uint32)
    if words > 1:
        drawn = jax.lax.map(lambda table: draw_word(step, *table), (blocks, upper, gains))
    else:
        first = blocks[0], upper[0], gains[0]
        drawn = fused_scores.in_halves(lambda step: draw_word(step, *first), step, len(step))[None]
    packed, bits = _two_words(drawn)
    return packed, jnp.sum(jax.lax.bitcast_convert_type(bits, jnp.float32), axis=0)


def unpack(packed: UInt32[Array, "words *n"], dim: int) -> UInt32[Array, "dim *n"]:
    """Unpacks the interval of each dimension.

    Args:
        packed: Intervals, four to a word.
        dim: Number of dimensions.

    Returns:
        The intervals.
    """
    parts = jnp.stack([_part(packed, place) for place in range(_PACKED)], axis=1)
    return parts.reshape(-1, *packed.shape[1:])[:dim]


def streams(key: randomness.Key, packed: UInt32[Array, "words n"], dim: int) -> randomness.Stream:
    """Returns the streams of candidates of bins, as `partition.bin_stream` does.

    Args:
        key: Shared randomness.
        packed: Intervals, four to a word.
        dim: Number of dimensions.

    Returns:
        The stream of each bin.
    """
    start = randomness.stream_start(key, randomness.CANDIDATE, dim)
    whole = dim // _PACKED + (dim % _PACKED > 2)

    def absorb(carry, word):
        words = randomness.threefry2x32(_two_words(carry), (_part(word, 0), _part(word, 1)))
        return _one_number(*randomness.threefry2x32(words, (_part(word, 2), _part(word, 3)))), None

    carry = _one_number(*(jnp.broadcast_to(word, packed.shape[1:]) for word in start))
    words = _two_words(jax.lax.scan(absorb, carry, packed[:whole])[0])
    if whole < len(packed):
        words = randomness.threefry2x32(words, (_part(packed[-1], 0), _part(packed[-1], 1)))
    return randomness.Stream(*words)


def log_ratios(
    stream: randomness.Stream,
    packed: UInt32[Array, "words n"],
    ratio: NormalRatio,
    intervals: UInt32[Array, " dim"],
    index: UInt32[Array, " n"],
) -> Float[Array, " n"]:
    """Scores candidates of bins.

    The result is about `ratio.block_log_ratio(partition.words_in_bin(stream, interval, intervals, index))`.

    Args:
        stream: Streams of the bins.
        packed: Intervals of the bins, four to a word.
        ratio: The density ratio of the block.
        intervals: Number of intervals of each dimension.
        index: Index of each candidate in its bin, from 1.

    Returns:
        Log ratios, in nats, less their largest.
    """
    words = len(packed)
    of_group = min(words, 2 * fused_scores.MOST_PAIRS // _PACKED)
    groups = -(-words // of_group)
    pairs = of_group * _PACKED // 2
    packed = jnp.pad(packed, ((0, groups * of_group - words), (0, 0)))
    # Whole numbers up to 2^24, which float32 holds exactly.
    whole, rest = (
        part.astype(jnp.float32)
        for part in (jnp.uint32(1 << grid.BITS) // intervals, jnp.uint32(1 << grid.BITS) % intervals)
    )
    inputs = _one_number(stream.first, stream.second), index

    def cells_of(group, pair, fields, inputs, packed):
        key, index = inputs
        drawn = randomness.threefry2x32(_two_words(key), (index, group * pairs + pair))
        cells = []
        for place, word in enumerate(drawn, 2 * pair):
            whole, rest, inverse = (field[place] for field in fields)
            k = fused_scores.to_float(_part(packed[place // _PACKED], place % _PACKED))
            uniform = fused_scores.to_float(word >> (32 - grid.BITS))
            # As `grid.word_in_interval`, except that the quotient may be one off; a cell beyond the last becomes the
            # last.
            beyond = jnp.floor((k * rest + uniform) * inverse)
            cells.append(jnp.minimum(k * whole - fused_scores.HALF + beyond, fused_scores.HALF - 1))
        return cells

    more = (whole, rest, 1 / intervals.astype(jnp.float32))
    return fused_scores.over_groups(
        cells_of, ratio, groups, pairs, inputs, more, [packed[k::of_group] for k in range(of_group)]
    )


def _part(packed: Any, place: int) -> Any:
    return packed >> (_BITS * place) & jnp.uint32(_MASK)


def _one_number(first: randomness.Words, second: randomness.Words) -> Complex64[Array, "*n"]:
    return jax.lax.complex(*(jax.lax.bitcast_convert_type(word, jnp.float32) for word in (first, second)))


def _two_words(number: Complex64[Array, "*n"]) -> tuple[UInt32[Array, "*n"], UInt32[Array, "*n"]]:
    first, second = (jax.lax.bitcast_convert_type(x, jnp.uint32) for x in (number.real, number.imag))
    return first, second
