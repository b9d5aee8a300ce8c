"""Candidates of a space partition, drawn and scored in few passes over memory, for normal targets.

The same draws as `partition.py` makes, where a decoder and a slow search read them. XLA:CPU fuses a pass for each
array that leaves it, and would encipher again for every one: so intervals are packed four to a word, and what must
leave a pass together is a complex number, whose parts are two words of any bits.
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
"""Up to so many intervals of a dimension, comparing with all of them is quick."""

_PACKED = 4
_BITS = 8
_MASK = (1 << _BITS) - 1


def supports(weights: BinWeights) -> bool:
    """Whether there are few enough intervals, and any."""
    dim, capacity = weights.upper.shape
    return dim > 0 and capacity <= MAX_CAPACITY


def draw(
    private_key: randomness.Key, step: UInt32[Array, " n"], weights: BinWeights
) -> tuple[UInt32[Array, "words n"], Float[Array, " n"]]:
    """`partition.draw_intervals`, packed; and log(J pi) of the bins, in nats."""
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
    """The interval of each dimension."""
    parts = jnp.stack([_part(packed, place) for place in range(_PACKED)], axis=1)
    return parts.reshape(-1, *packed.shape[1:])[:dim]


def streams(key: randomness.Key, packed: UInt32[Array, "words n"], dim: int) -> randomness.Stream:
    """`partition.bin_stream` of packed intervals."""
    start = randomness.stream_start(key, randomness.CANDIDATE, dim)
    whole = dim // _PACKED + (dim % _PACKED > 2)

    def absorb(carry, word):
        found = randomness.threefry2x32(_two_words(carry), (_part(word, 0), _part(word, 1)))
        return _one_number(*randomness.threefry2x32(found, (_part(word, 2), _part(word, 3)))), None

    carry = _one_number(*(jnp.broadcast_to(word, packed.shape[1:]) for word in start))
    found = _two_words(jax.lax.scan(absorb, carry, packed[:whole])[0])
    if whole < len(packed):
        found = randomness.threefry2x32(found, (_part(packed[-1], 0), _part(packed[-1], 1)))
    return randomness.Stream(*found)


def log_ratios(
    stream: randomness.Stream,
    packed: UInt32[Array, "words n"],
    ratio: NormalRatio,
    intervals: UInt32[Array, " dim"],
    index: UInt32[Array, " n"],
) -> Float[Array, " n"]:
    """About `ratio.block_log_ratio(partition.words_in_bin(stream, interval, intervals, index))`, in nats."""
    words = len(packed)
    of_group = min(words, 2 * fused_scores.MOST_PAIRS // _PACKED)
    groups = -(-words // of_group)
    pairs = of_group * _PACKED // 2
    packed = jnp.pad(packed, ((0, groups * of_group - words), (0, 0)))
    # Whole numbers up to 2^24, as floats.
    whole, rest = (
        part.astype(jnp.float32)
        for part in (jnp.uint32(1 << grid.BITS) // intervals, jnp.uint32(1 << grid.BITS) % intervals)
    )
    inputs = _one_number(stream.first, stream.second), index

    def cells_of(group, pair, fields, inputs, packed):
        key, index = inputs
        drawn = randomness.threefry2x32(_two_words(key), (index, group * pairs + pair))
        found = []
        for place, word in enumerate(drawn, 2 * pair):
            whole, rest, inverse = (field[place] for field in fields)
            k = fused_scores.to_float(_part(packed[place // _PACKED], place % _PACKED))
            uniform = fused_scores.to_float(word >> (32 - grid.BITS))
            # As `grid.word_in_interval`, but that the quotient may be one off, and no cell lies beyond the last.
            beyond = jnp.floor((k * rest + uniform) * inverse)
            found.append(jnp.minimum(k * whole - fused_scores.HALF + beyond, fused_scores.HALF - 1))
        return found

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
