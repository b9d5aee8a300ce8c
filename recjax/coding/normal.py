"""The bits-back posterior: a normal distribution on the equal-mass cells of the standard normal prior, in integers.

The mass of a cell is a difference of one integer cdf at the cell's edges (the discretisation of BB-ANS,
arXiv:1901.04866, section 2.5.1), so the masses sum to 2^16 by construction and may be 0: only what was popped is pushed
back. The decoder evaluates it too, hence integers: 1/sigma from a table of 2^(j/256), Phi from a table with linear
interpolation, both computed here in integers of unbounded size.
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
    """Words of `bits` bits, each with the mass that N(mean, 2^log2_scale) gives to that cell of the standard normal.

    mean is in units of 2^-12, clipped to +-16; log2_scale in units of 2^-8, clipped to +-16. With at most 12 bits the
    masses lose less than 0.1%.
    """
    return interval(*_bounds_and_lookup(mean, log2_scale, bits), local=True)


def quantised_normal(
    mean: Int32[Array, "*batch lanes"], log2_scale: Int32[Array, "*batch lanes"], bits: int = 8
) -> Codec:
    """Integers in [-2^(bits - 1), 2^(bits - 1)), each with the mass that N(mean, 2^log2_scale) gives to it +- 1/2.

    Symbols are uint32 as everywhere: the integer plus 2^(bits - 1). The ends have all that lies beyond them, and every
    integer has at least one unit of mass. bits: 1 to 12. mean is in units of 2^-(17 - bits) of an integer, clipped to
    where the integers are; log2_scale in units of 2^-8, for masses within 2 units at least bits - 13.
    """
    if not 1 <= bits <= 12:
        raise ValueError(f"a quantised normal has integers of 1 to 12 bits, got {bits}.")
    cells = 1 << bits
    # The integers lie on [-16, 16), as the cdf wants them; in 30 bits, as its edges have 26 after the point.
    shift = grid.FRACTION_BITS + 5 - bits
    law = (jnp.asarray(mean), jnp.asarray(log2_scale) + ((5 - bits) << LOG2_SCALE_BITS))

    def cumulative(k):
        edge = (2 * k.astype(jnp.int32) - (cells + 1)) << (shift - 1)
        share = cdf(edge, *law)
        share = jnp.where(k == 0, 0, jnp.where(k == cells, TOTAL_MASS, share))
        return ((share * (TOTAL_MASS - cells)) >> MASS_BITS) + k

    return interval(*by_cdf(cumulative, cells), local=True)


def inverse_cdf(
    value: UInt32[Array, "*n"], mean: Int32[Array, "*n"], log2_scale: Int32[Array, "*n"], bits: int = 10
) -> tuple[UInt32[Array, "*n"], UInt32[Array, "*n"]]:
    """The word whose interval holds a value of 16 bits, and its mass in units of 2^-16: a draw, for a uniform value."""
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
    """Phi((edge - mean) / sigma) in units of 2^-16, never decreasing in the edge, which is in units of 2^-26.

    Within 1 unit for sigma >= 2^-8; the error of t itself is 2^-15 relative.
    """
    # Less than 16, as edges are up to 16 and the difference must fit 31 bits.
    limit = _MAX_MEAN - 1
    distance = edge - (jnp.clip(mean, -limit, limit).astype(jnp.int32) << (grid.FRACTION_BITS - MEAN_BITS))
    tail = _upper_tail(_standardise(jnp.abs(distance).astype(jnp.uint32), log2_scale))
    return jnp.where(distance < 0, tail, TOTAL_MASS - tail)


def _standardise(distance: UInt32[Array, "*n"], log2_scale: Int32[Array, "*n"]) -> UInt32[Array, "*n"]:
    """distance / sigma with 20 fraction bits, at most 6, for a distance below 2^31 with 26."""
    precision = -jnp.clip(log2_scale, -_MAX_LOG2_SCALE, _MAX_LOG2_SCALE).astype(jnp.int32)
    octave, step = precision >> LOG2_SCALE_BITS, precision & ((1 << LOG2_SCALE_BITS) - 1)
    mantissa = jnp.asarray(_exp2_table()).at[step].get(mode="promise_in_bounds")
    # distance * mantissa / 2^16 in two halves of the distance, as the product has 47 bits: distance 2^(step/256) / 2.
    product = (distance >> 16) * mantissa + (((distance & 0xFFFF) * mantissa) >> 16)
    shift = octave + 1 - (grid.FRACTION_BITS - _T_BITS)
    left, right = jnp.maximum(shift, 0).astype(jnp.uint32), jnp.maximum(-shift, 0).astype(jnp.uint32)
    return jnp.minimum(product >> right, jnp.uint32(_T_MAX) >> left) << left


def _upper_tail(t: UInt32[Array, "*n"]) -> UInt32[Array, "*n"]:
    """Phi(-t) in units of 2^-16, rounded."""
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
    """2^(j/256) in units of 2^-15, for j in [0, 256)."""
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
    """Phi(-t) in units of 2^-24 at t = 0, 2^-8, ..., 6, and once more at the end for the interpolation.

    The Taylor series of Phi at 0 in units of 2^-128: its largest terms are e^18, which leaves 100 correct bits.
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
