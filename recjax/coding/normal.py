"""Integer codecs of normal distributions: bits-back posteriors on the prior's equal-mass cells, and rounded integers.

The mass of a cell is a difference of one integer cdf at the cell's edges (the discretisation of BB-ANS,
arXiv:1901.04866, section 2.5.1), so the masses sum to 2^16 by construction and may be 0, as only what was popped is
pushed back. The decoder evaluates them, too, hence integers: 1/sigma comes from a table of 2^(j/256), and Phi from a
table with linear interpolation, both computed here in integers of unbounded size.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32, UInt32

from recjax import grid
from recjax.coding.codec import Codec, by_cdf, interval
from recjax.coding.rans import MASS_BITS, TOTAL_MASS

MEAN_BITS = 12
LOG2_SCALE_BITS = 8
"""Fraction bits of means and of base-2 logarithms of standard deviations."""

# t = (edge - mean) / sigma has 20 fraction bits; Phi(-t) has a knot every 2^-8 and is below 2^-30 from t = 6 on.
_T_BITS = 20
_KNOT_BITS = 8
_T_MAX = 6 << _T_BITS
_TAIL_BITS = 24
_MAX_MEAN = 16 << MEAN_BITS
_MAX_LOG2_SCALE = 16 << LOG2_SCALE_BITS
_ONE_OVER_SQRT_2PI = 39894228040143267793994605993438186848  # in units of 10^-38


def discretised_normal(
    mean: Int32[Array, "*batch lanes"], log2_scale: Int32[Array, "*batch lanes"], bits: int = 10
) -> Codec:
    """Makes a codec of words, each with the mass that N(mean, 2^log2_scale) gives to its cell of the standard normal.

    Args:
        mean: Means in units of 2^-12, clipped to [-16, 16].
        log2_scale: Base-2 logarithms of the standard deviations in units of 2^-8, clipped to [-16, 16].
        bits: Number of bits of a word. Up to 12, rounding the masses costs less than 0.1% of the net code length.

    Returns:
        Codec of uint32 words in [0, 2^bits), one per lane.
    """
    return interval(*_bounds_and_lookup(mean, log2_scale, bits), local=True)


def quantised_normal(
    mean: Int32[Array, "*batch lanes"], log2_scale: Int32[Array, "*batch lanes"], bits: int = 8
) -> Codec:
    """Makes a codec of integers, each with the mass that N(mean, 2^log2_scale) gives to the integer +- 1/2.

    The smallest and the largest integer also have all mass beyond them, and every integer has at least one unit of
    2^-16.

    Args:
        mean: Means in units of 2^-(17 - bits), clipped to the range of the integers.
        log2_scale: Base-2 logarithms of the standard deviations in units of 2^-8. For deviations of at least
            2^(bits - 13), the masses are within 2 units of 2^-16 of the exact ones.
        bits: Number of bits of an integer, 1 to 12.

    Returns:
        Codec of integers in [-2^(bits - 1), 2^(bits - 1)), one per lane, as uint32: the integer plus 2^(bits - 1).

    Raises:
        ValueError: If `bits` is out of range.
    """
    if not 1 <= bits <= 12:
        raise ValueError(f"a quantised normal has integers of 1 to 12 bits, got {bits}.")
    cells = 1 << bits
    # Scaled to [-16, 16), the range of the cdf. Its edges have 26 fraction bits, so this range has 2^31 units.
    shift = grid.FRACTION_BITS + 5 - bits
    parameters = (jnp.asarray(mean), jnp.asarray(log2_scale) + ((5 - bits) << LOG2_SCALE_BITS))

    def cumulative(k):
        edge = (2 * k.astype(jnp.int32) - (cells + 1)) << (shift - 1)
        share = cdf(edge, *parameters)
        share = jnp.where(k == 0, 0, jnp.where(k == cells, TOTAL_MASS, share))
        return ((share * (TOTAL_MASS - cells)) >> MASS_BITS) + k

    return interval(*by_cdf(cumulative, cells), local=True)


def inverse_cdf(
    value: UInt32[Array, "*n"], mean: Int32[Array, "*n"], log2_scale: Int32[Array, "*n"], bits: int = 10
) -> tuple[UInt32[Array, "*n"], UInt32[Array, "*n"]]:
    """Finds the word whose interval of masses holds a value, which for a uniform value is a draw.

    Args:
        value: Values in [0, 2^16).
        mean: Means; see `discretised_normal`.
        log2_scale: Logarithms of the standard deviations; see `discretised_normal`.
        bits: Number of bits of a word.

    Returns:
        Words in [0, 2^bits), and their masses in units of 2^-16; uint32.
    """
    bounds, lookup = _bounds_and_lookup(mean, log2_scale, bits)
    word = lookup(value)
    return word, bounds(word)[1]


def _bounds_and_lookup(mean, log2_scale, bits):
    cells = 1 << bits
    edges = jnp.asarray(_edges(bits))

    def cumulative(k):
        inner = cdf(edges.at[k].get(mode="clip"), mean, log2_scale)
        return jnp.where(k == 0, 0, jnp.where(k == cells, TOTAL_MASS, inner))

    return by_cdf(cumulative, cells)


def cdf(edge: Int32[Array, "*n"], mean: Int32[Array, "*n"], log2_scale: Int32[Array, "*n"]) -> UInt32[Array, "*n"]:
    """Computes Phi((edge - mean) / sigma) in integers.

    Args:
        edge: Points in units of 2^-26, in [-16, 16].
        mean: Means in units of 2^-12, clipped to just below 16 in size.
        log2_scale: Base-2 logarithms of sigma in units of 2^-8, clipped to [-16, 16].

    Returns:
        Probabilities in units of 2^-16, uint32, never decreasing in the edge; within 1 unit for sigma >= 2^-8. The
        relative error of (edge - mean) / sigma is 2^-15.
    """
    # Less than 16, as edges go up to 16 and the difference must fit 31 bits.
    limit = _MAX_MEAN - 1
    distance = edge - (jnp.clip(mean, -limit, limit).astype(jnp.int32) << (grid.FRACTION_BITS - MEAN_BITS))
    tail = _upper_tail(_standardise(jnp.abs(distance).astype(jnp.uint32), log2_scale))
    return jnp.where(distance < 0, tail, TOTAL_MASS - tail)


def _standardise(distance: UInt32[Array, "*n"], log2_scale: Int32[Array, "*n"]) -> UInt32[Array, "*n"]:
    """Computes distance / sigma with 20 fraction bits, at most 6, from a distance below 2^31 with 26."""
    precision = -jnp.clip(log2_scale, -_MAX_LOG2_SCALE, _MAX_LOG2_SCALE).astype(jnp.int32)
    octave, step = precision >> LOG2_SCALE_BITS, precision & ((1 << LOG2_SCALE_BITS) - 1)
    mantissa = jnp.asarray(_exp2_table()).at[step].get(mode="promise_in_bounds")
    # distance 2^(step/256) / 2 = distance * mantissa / 2^16, in two halves of the distance: the product has 47 bits.
    product = (distance >> 16) * mantissa + (((distance & 0xFFFF) * mantissa) >> 16)
    shift = octave + 1 - (grid.FRACTION_BITS - _T_BITS)
    left, right = jnp.maximum(shift, 0).astype(jnp.uint32), jnp.maximum(-shift, 0).astype(jnp.uint32)
    return jnp.minimum(product >> right, jnp.uint32(_T_MAX) >> left) << left


def _upper_tail(t: UInt32[Array, "*n"]) -> UInt32[Array, "*n"]:
    """Computes Phi(-t) in units of 2^-16, rounded."""
    fraction_bits = _T_BITS - _KNOT_BITS
    knots = jnp.asarray(_tail_table())
    knot, fraction = t >> fraction_bits, t & ((1 << fraction_bits) - 1)
    here, there = (knots.at[knot + i].get(mode="promise_in_bounds") for i in (0, 1))
    fine = here - (((here - there) * fraction) >> fraction_bits)
    return (fine + (1 << (_TAIL_BITS - MASS_BITS - 1))) >> (_TAIL_BITS - MASS_BITS)


@functools.cache
def _edges(bits: int) -> np.ndarray:
    with jax.ensure_compile_time_eval():
        return np.asarray(jax.jit(grid.edge_fixed, static_argnums=1)(np.arange((1 << bits) + 1, dtype=np.uint32), bits))


@functools.cache
def _exp2_table() -> np.ndarray:
    """Computes 2^(j/256) in units of 2^-15, for j in [0, 256)."""
    one = 1 << 128
    root = 2 * one
    for _ in range(LOG2_SCALE_BITS):
        root = math.isqrt(root * one)
    table, power = [], one
    for _ in range(1 << LOG2_SCALE_BITS):
        table.append((power + (1 << 112)) >> 113)
        power = power * root // one
    return np.array(table, np.uint32)


@functools.cache
def _tail_table() -> np.ndarray:
    """Computes Phi(-t) in units of 2^-24 at t = 0, 2^-8, ..., 6, and repeats the last one for the interpolation.

    It sums the Taylor series of Phi at 0 in units of 2^-128, whose largest terms are e^18, which leaves 100 correct
    bits.
    """
    unit = 1 << 128
    density = _ONE_OVER_SQRT_2PI * unit // 10**38
    table = []
    for knot in range((6 << _KNOT_BITS) + 1):
        t = knot * unit >> _KNOT_BITS
        magnitude, total, order = t, 0, 1
        while magnitude:
            total += (magnitude // order) * (1 if order % 4 == 1 else -1)
            magnitude = magnitude * knot * knot // ((order + 1) << (2 * _KNOT_BITS))
            order += 2
        tail = unit // 2 - density * total // unit
        table.append((tail + (1 << 103)) >> 104)
    return np.array([*table, table[-1]], np.uint32)
