"""The equal-mass grid: a word of P bits names one of 2^P cells of equal mass of a coding distribution, and a value.

The value of word w is the quantile at the middle of its cell, (w + 1/2) / 2^P, as an integer in units of 2^-26. It
*is* the entry of a table (see `quantiles.py`), interpolated in integers: every machine reads the same integer, and the
law of a sample is a law on words. It differs from the true quantile by less than MAX_ERROR; the outermost cells are
unbounded, and their value is a quantile like any other. Where no law is named, it is the standard normal.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32, Int32, UInt32

from recjax import quantiles
from recjax.numerics import of_one_rank
from recjax.quantiles import FRACTION_BITS, KNOTS_LOG2, NORMAL, QuantileLaw

BITS = 24
LAST_WORD = (1 << BITS) - 1
LAST_VALUE = 5.42
"""No word of the normal law has a larger value, and its last hardly a smaller one."""
MAX_ERROR = 3e-7
MAX_INTERVALS = 1 << 15
OUTER_EDGE = 1 << 30

_MANTISSA_LOG2 = 23
_FRACTION_LOG2 = _MANTISSA_LOG2 - KNOTS_LOG2
_FIRST_KNOT = 127 << KNOTS_LOG2


def _magnitude_fixed(tail: UInt32[Array, "*n"], law: QuantileLaw) -> Int32[Array, "*n"]:
    """|quantile| at tail mass tail * 2^-25, for tail in [1, 2^24)."""
    knots, steps = quantiles.tables(law)
    # An integer below 2^24 is a float32 exactly, whose exponent and mantissa are the octave and the place in it.
    bits = jax.lax.bitcast_convert_type(tail.astype(jnp.float32), jnp.uint32)
    index = (bits >> _FRACTION_LOG2) - jnp.uint32(_FIRST_KNOT)
    fraction = bits & jnp.uint32((1 << _FRACTION_LOG2) - 1)
    step = jnp.asarray(steps)[index] * fraction
    return (jnp.asarray(knots)[index] - ((step + (1 << (_FRACTION_LOG2 - 1))) >> _FRACTION_LOG2)).astype(jnp.int32)


def value_fixed(
    word: UInt32[Array | np.ndarray, "*n"], bits: int = BITS, law: QuantileLaw = NORMAL
) -> Int32[Array, "*n"]:
    """z of a word, in units of 2^-26: strictly symmetric, never decreasing, |z| < 5.5. Of other laws, z / law.unit."""
    mirrored = (jnp.uint32((1 << bits) - 1)) - word
    lower_half = word < jnp.uint32(1 << (bits - 1))
    cell = jnp.where(lower_half, word, mirrored)
    magnitude = _magnitude_fixed((2 * cell + 1) << (BITS - bits), law)
    return jnp.where(lower_half, -magnitude, magnitude)


def value(word: UInt32[Array | np.ndarray, "*n"], bits: int = BITS) -> Float32[Array, "*n"]:
    """z of a word as the nearest float32."""
    return to_float(value_fixed(word, bits))


def to_float(fixed: Int32[Array, "*n"]) -> Float32[Array, "*n"]:
    """Units of 2^-26 to float32: a conversion and a power of two, both the same everywhere."""
    return fixed.astype(jnp.float32) * jnp.float32(2.0**-FRACTION_BITS)


def edge_fixed(k: UInt32[Array, "*n"], bits: int = BITS) -> Int32[Array, "*n"]:
    """Lower edge of cell k in [0, 2^bits], in units of 2^-26; the outermost edges are -+ OUTER_EDGE, which is 16."""
    count, half = 1 << bits, 1 << (bits - 1)
    k = k.astype(jnp.uint32)
    tail = jnp.minimum(k, jnp.uint32(count) - k)
    inner = (tail > 0) & (tail < half)
    magnitude = _magnitude_fixed(jnp.where(inner, tail << (BITS + 1 - bits), 1), NORMAL)
    magnitude = jnp.where(tail == half, 0, jnp.where(tail == 0, OUTER_EDGE, magnitude))
    return jnp.where(k < half, -magnitude, magnitude)


def cell(z: Float32[Array, "*n"], bits: int = BITS) -> UInt32[Array, "*n"]:
    """The last word whose value is at most z (the first word where there is none); z may be infinite.

    NaN gives the first.
    """
    return cell_of_fixed(to_fixed(z), bits)


def to_fixed(z: Float32[Array, "*n"]) -> Int32[Array, "*n"]:
    """z in units of 2^-26, rounded down, of -8 ... 8; what is beyond counts as the end, and NaN as -8."""
    clipped = jnp.clip(jnp.nan_to_num(z, nan=-8.0, posinf=8.0, neginf=-8.0), -8.0, 8.0)
    return jnp.floor(clipped * jnp.float32(2.0**FRACTION_BITS)).astype(jnp.int32)


def cell_of_fixed(z: Int32[Array, "*n"], bits: int = BITS, law: QuantileLaw = NORMAL) -> UInt32[Array, "*n"]:
    """`cell` of a value in units of 2^-26, on the grid of any law.

    A bisection on the integer values, so that the answer agrees with `value_fixed` at every word.
    """

    def refine(step, word):
        trial = word | (jnp.uint32(1 << (bits - 1)) >> jnp.asarray(step, jnp.uint32))
        return jnp.where(value_fixed(trial, bits, law) <= z, trial, word)

    return jax.lax.fori_loop(0, bits, refine, jnp.zeros(jnp.shape(z), jnp.uint32))


def word_in_interval(
    k: UInt32[Array, "*#n"], u: UInt32[Array, "*#n"], intervals: UInt32[Array, "*#n"], bits: int = BITS
) -> UInt32[Array, "*n"]:
    """Word (k 2^P + u) // J of interval k of J, for u uniform on P bits: the mixture over uniform k is exactly uniform.

    An interval has mass exactly 1/J for any J in [1, MAX_INTERVALS]: the words that two intervals share belong to each
    in the right proportion.
    """
    # k 2^P + u exceeds 32 bits; with 2^P = a J + r its quotient is k a + (k r + u) // J, and k r + u < 2^31.
    whole, rest = jnp.uint32(1 << bits) // intervals, jnp.uint32(1 << bits) % intervals
    return k * whole + _divide(k * rest + u, intervals)


def word_between(
    first: UInt32[Array, "*#n"], count: UInt32[Array, "*#n"], draw: tuple[UInt32[Array, "*#n"], UInt32[Array, "*#n"]]
) -> UInt32[Array, "*n"]:
    """A uniform word of first ... first + count - 1, from two random words; each has its mass to 2^-64 count."""
    high, low = draw
    # The upper word of (high 2^32 + low) count / 2^32: 64 bits, as 32 would favour some words by up to count / 2^32.
    carried = high * count + _multiply_high(low, count)
    return first + _multiply_high(high, count) + (carried < high * count).astype(jnp.uint32)


def interval_words(
    k: UInt32[Array, "*#n"], intervals: UInt32[Array, "*#n"], bits: int = BITS
) -> tuple[UInt32[Array, "*n"], UInt32[Array, "*n"]]:
    """First and last word of interval k of J."""
    first = word_in_interval(k, jnp.zeros_like(k), intervals, bits)
    return first, word_in_interval(k, jnp.full_like(k, (1 << bits) - 1), intervals, bits)


def interval_of(word: UInt32[Array, "*#n"], intervals: UInt32[Array, "*#n"], bits: int = BITS) -> UInt32[Array, "*n"]:
    """The interval of J that holds the middle of a word's cell."""
    # floor((2 w + 1) J / 2^(P+1)) in two halves of the word, as the product may have 40 bits.
    doubled = 2 * word + 1
    high, low = doubled >> 12, doubled & jnp.uint32(0xFFF)
    return (high * intervals + ((low * intervals) >> 12)) >> (bits + 1 - 12)


def dyadic_words(heap_index: UInt32[Array, "*n"], bits: int = BITS) -> tuple[UInt32[Array, "*n"], UInt32[Array, "*n"]]:
    """First and last word of the dyadic interval of a heap index (root 1, children 2h and 2h + 1), of depth <= bits."""
    depth = jnp.uint32(31) - jax.lax.clz(heap_index)
    size = jnp.uint32(bits) - depth
    first = (heap_index << size) - jnp.uint32(1 << bits)
    return first, first + (jnp.uint32(1) << size) - 1


def affine(
    fixed: Int32[Array, "*#n"], loc: Float32[Array, "*#n"], scale: Float32[Array, "*#n"]
) -> Float32[Array, "*n"]:
    """loc + scale z for z in units of 2^-26, in fixed point: the same float32 on every machine.

    Beside the rounding to float32, the error is below 2^-26 of the larger of |loc| and scale, or 2^-125. (In floats, a
    compiler may or may not fuse the product and the sum.)
    """
    fixed, loc, scale = of_one_rank(fixed, *jnp.broadcast_arrays(loc.astype(jnp.float32), scale.astype(jnp.float32)))
    loc_mantissa, loc_exponent = _decompose(loc)
    scale_mantissa, scale_exponent = _decompose(scale)
    # |z| < 2^29 times a mantissa < 2^24, less 22 bits: below 1.5e9 in units of 2^(scale_exponent - 27).
    product = _multiply_high(jnp.abs(fixed).astype(jnp.uint32) << 2, scale_mantissa << 8)
    # Not below 2^-126: smaller powers are no normal float32, and machines differ in what they do with those.
    unit = jnp.maximum(jnp.maximum(scale_exponent - 27, loc_exponent - 28), -126)
    moved = _shift_right(product, unit - scale_exponent + 27)
    offset = _shift_right(loc_mantissa << 5, unit - loc_exponent + 28)
    total = jnp.where(fixed < 0, -moved, moved) + jnp.where(loc < 0, -offset, offset)
    power = jax.lax.bitcast_convert_type((unit + 127) << 23, jnp.float32)
    return total.astype(jnp.float32) * power


def _decompose(x: Float32[Array, "*n"]) -> tuple[UInt32[Array, "*n"], Int32[Array, "*n"]]:
    bits = jax.lax.bitcast_convert_type(x, jnp.uint32)
    exponent = ((bits >> 23) & 0xFF).astype(jnp.int32)
    mantissa = jnp.where(exponent > 0, (bits & 0x7FFFFF) | 0x800000, 0)
    return mantissa, exponent - 127


def _shift_right(x: UInt32[Array, "*#n"], by: Int32[Array, "*#n"]) -> Int32[Array, "*n"]:
    return jnp.where(by > 31, 0, x >> jnp.clip(by, 0, 31).astype(jnp.uint32)).astype(jnp.int32)


def _multiply_high(x: UInt32[Array, "*#n"], y: UInt32[Array, "*#n"]) -> UInt32[Array, "*n"]:
    """The upper 32 of the 64 bits of x y."""
    low = jnp.uint32(0xFFFF)
    x1, x0, y1, y0 = x >> 16, x & low, y >> 16, y & low
    cross = x1 * y0 + ((x0 * y0) >> 16)
    return x1 * y1 + (cross >> 16) + ((x0 * y1 + (cross & low)) >> 16)


def _divide(x: UInt32[Array, "*#n"], by: UInt32[Array, "*#n"]) -> UInt32[Array, "*n"]:
    """x // by through a reciprocal, as vector units divide no integers; exact, the quotient is at most one short."""
    quotient = _multiply_high(x, jnp.uint32(0xFFFFFFFF) // by)
    return quotient + (x - quotient * by >= by).astype(jnp.uint32)
