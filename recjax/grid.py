"""The equal-mass grid: a word of P bits names one of 2^P cells of equal mass of a coding distribution.

The value of word w is the quantile at the middle of its cell, (w + 1/2) / 2^P, as an integer in units of 2^-26. It is
read from a table (see `quantiles.py`) and interpolated in integers, so that every machine gets the same integer. The
distribution of a coded sample is a mass function on words. A value differs from the true quantile by less than
MAX_ERROR; the outermost cells are unbounded, and their values are quantiles like all others. Functions of values that
have no argument `form` are for the standard normal distribution.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32, Int32, UInt32

from recjax import quantiles
from recjax.numerics import of_one_rank
from recjax.quantiles import FRACTION_BITS, KNOTS_LOG2, NORMAL, StandardForm

BITS = 24
"""P where it is not given: the number of bits of a word."""

LAST_WORD = (1 << BITS) - 1
LAST_VALUE = 5.42
"""An upper bound on the values of the normal grid, hardly above that of its last word."""

MAX_ERROR = 3e-7
"""Bound on the difference between a value and the true quantile, in units of `form.unit`."""

MAX_INTERVALS = 1 << 15
"""Largest number of equal-mass intervals into which a coordinate can be cut."""

OUTER_EDGE = 1 << 30
"""Stands for the infinite edges of the outermost cells, in units of 2^-26."""

_MANTISSA_LOG2 = 23
_FRACTION_LOG2 = _MANTISSA_LOG2 - KNOTS_LOG2
_FIRST_KNOT = 127 << KNOTS_LOG2


def _magnitude_fixed(tail: UInt32[Array, "*n"], form: StandardForm) -> Int32[Array, "*n"]:
    """Returns |quantile| in units of 2^-26 at the tail mass tail * 2^-25, for tail in [1, 2^24)."""
    knots, steps = quantiles.tables(form)
    # Integers below 2^24 are exact in float32: the exponent gives the octave, and the mantissa the place within it.
    bits = jax.lax.bitcast_convert_type(tail.astype(jnp.float32), jnp.uint32)
    index = (bits >> _FRACTION_LOG2) - jnp.uint32(_FIRST_KNOT)
    fraction = bits & jnp.uint32((1 << _FRACTION_LOG2) - 1)
    step = jnp.asarray(steps)[index] * fraction
    return (jnp.asarray(knots)[index] - ((step + (1 << (_FRACTION_LOG2 - 1))) >> _FRACTION_LOG2)).astype(jnp.int32)


def value_fixed(
    word: UInt32[Array | np.ndarray, "*n"], bits: int = BITS, form: StandardForm = NORMAL
) -> Int32[Array, "*n"]:
    """Returns the values of words, in units of 2^-26.

    The values never decrease from word to word, and are strictly symmetric around 0.

    Args:
        word: Words in [0, 2^P), of any shape.
        bits: P, the number of bits of a word, at most 24.
        form: The standard form of the coding distribution.

    Returns:
        int32: z, with |z| < 5.5 for the normal distribution; z / form.unit for others.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax import grid
        >>> z = grid.value_fixed(jnp.array([0, 2**23, 2**24 - 1], jnp.uint32))
        >>> bool(z[0] == -z[2]), round(float(z[2]) / 2**26, 2)
        (True, 5.42)
    """
    mirrored = (jnp.uint32((1 << bits) - 1)) - word
    lower_half = word < jnp.uint32(1 << (bits - 1))
    cell = jnp.where(lower_half, word, mirrored)
    magnitude = _magnitude_fixed((2 * cell + 1) << (BITS - bits), form)
    return jnp.where(lower_half, -magnitude, magnitude)


def value(word: UInt32[Array | np.ndarray, "*n"], bits: int = BITS) -> Float32[Array, "*n"]:
    """Returns the values of words on the normal grid as the nearest float32.

    Args:
        word: Words in [0, 2^P), of any shape.
        bits: P, the number of bits of a word, at most 24.

    Returns:
        float32 values of the words' shape, the same on every machine.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax import grid
        >>> [round(float(z), 3) for z in grid.value(jnp.arange(4, dtype=jnp.uint32), bits=2)]
        [-1.15, -0.319, 0.319, 1.15]
    """
    return to_float(value_fixed(word, bits))


def to_float(fixed: Int32[Array, "*n"]) -> Float32[Array, "*n"]:
    """Converts units of 2^-26 to float32, with the same rounding on every machine.

    Args:
        fixed: Numbers in units of 2^-26.

    Returns:
        The nearest float32.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax import grid
        >>> grid.to_float(jnp.array([2**26, -(2**25)], jnp.int32)).tolist()
        [1.0, -0.5]
    """
    return fixed.astype(jnp.float32) * jnp.float32(2.0**-FRACTION_BITS)


def edge_fixed(k: UInt32[Array, "*n"], bits: int = BITS) -> Int32[Array, "*n"]:
    """Returns the lower edges of cells of the normal grid, in units of 2^-26.

    Args:
        k: Numbers of the cells, in [0, 2^P]; 2^P gives the upper edge of the last cell.
        bits: P, the number of bits of a word, at most 24.

    Returns:
        int32 quantiles at k / 2^P; the outermost edges are -OUTER_EDGE and OUTER_EDGE, which stands for 16.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax import grid
        >>> edges = grid.edge_fixed(jnp.arange(5, dtype=jnp.uint32), bits=2)
        >>> [round(float(edge) / 2**26, 3) for edge in edges]
        [-16.0, -0.674, 0.0, 0.674, 16.0]
    """
    count, half = 1 << bits, 1 << (bits - 1)
    k = k.astype(jnp.uint32)
    tail = jnp.minimum(k, jnp.uint32(count) - k)
    inner = (tail > 0) & (tail < half)
    magnitude = _magnitude_fixed(jnp.where(inner, tail << (BITS + 1 - bits), 1), NORMAL)
    magnitude = jnp.where(tail == half, 0, jnp.where(tail == 0, OUTER_EDGE, magnitude))
    return jnp.where(k < half, -magnitude, magnitude)


def cell(z: Float32[Array, "*n"], bits: int = BITS) -> UInt32[Array, "*n"]:
    """Finds the last word whose value is at most z, on the normal grid.

    Args:
        z: Numbers of any shape, which may be infinite.
        bits: P, the number of bits of a word, at most 24.

    Returns:
        Words of z's shape, uint32; 0 where no word has so small a value, and for NaN.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax import grid
        >>> grid.cell(jnp.array([-jnp.inf, 0.0, 0.5, jnp.inf]), bits=2).tolist()
        [0, 1, 2, 3]
    """
    return cell_of_fixed(to_fixed(z), bits)


def to_fixed(z: Float32[Array, "*n"]) -> Int32[Array, "*n"]:
    """Converts floats to units of 2^-26, rounding down.

    Args:
        z: Numbers of any shape; they are clipped to [-8, 8], and NaN counts as -8.

    Returns:
        int32 of z's shape.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax import grid
        >>> (grid.to_fixed(jnp.array([0.5, 100.0, jnp.nan])) // 2**25).tolist()
        [1, 16, -16]
    """
    clipped = jnp.clip(jnp.nan_to_num(z, nan=-8.0, posinf=8.0, neginf=-8.0), -8.0, 8.0)
    return jnp.floor(clipped * jnp.float32(2.0**FRACTION_BITS)).astype(jnp.int32)


def cell_of_fixed(z: Int32[Array, "*n"], bits: int = BITS, form: StandardForm = NORMAL) -> UInt32[Array, "*n"]:
    """Finds the last word whose value is at most z, on the grid of any coding distribution.

    It bisects the integer values, so that the result agrees with `value_fixed` at every word.

    Args:
        z: Numbers in units of 2^-26, and of `form.unit`, as `value_fixed` returns them.
        bits: P, the number of bits of a word, at most 24.
        form: The standard form of the coding distribution.

    Returns:
        Words of z's shape, uint32; 0 where no word has so small a value.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax import grid
        >>> word = jnp.array([3, 200], jnp.uint32)
        >>> grid.cell_of_fixed(grid.value_fixed(word, bits=8), bits=8).tolist()
        [3, 200]
    """

    def refine(step, word):
        trial = word | (jnp.uint32(1 << (bits - 1)) >> jnp.asarray(step, jnp.uint32))
        return jnp.where(value_fixed(trial, bits, form) <= z, trial, word)

    return jax.lax.fori_loop(0, bits, refine, jnp.zeros(jnp.shape(z), jnp.uint32))


def word_in_interval(
    k: UInt32[Array, "*#n"], u: UInt32[Array, "*#n"], intervals: UInt32[Array, "*#n"], bits: int = BITS
) -> UInt32[Array, "*n"]:
    """Picks a word of interval k of J equal-mass intervals: (k 2^P + u) // J.

    For u uniform on P bits, each interval has mass exactly 1/J, for any J: words on the border of two intervals belong
    to each in the right proportion. With k uniform, too, the word is exactly uniform.

    Args:
        k: Intervals in [0, J).
        u: Words in [0, 2^P).
        intervals: J, in [1, MAX_INTERVALS].
        bits: P, the number of bits of a word, at most 24.

    Returns:
        Words, uint32.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax import grid
        >>> k, u = jnp.arange(3, dtype=jnp.uint32), jnp.zeros(3, jnp.uint32)
        >>> grid.word_in_interval(k, u, jnp.full(3, 3, jnp.uint32), bits=8).tolist()
        [0, 85, 170]
    """
    # k 2^P + u exceeds 32 bits; with 2^P = a J + r its quotient is k a + (k r + u) // J, and k r + u < 2^31.
    whole, rest = jnp.uint32(1 << bits) // intervals, jnp.uint32(1 << bits) % intervals
    return k * whole + _divide(k * rest + u, intervals)


def word_between(
    first: UInt32[Array, "*#n"], count: UInt32[Array, "*#n"], draw: tuple[UInt32[Array, "*#n"], UInt32[Array, "*#n"]]
) -> UInt32[Array, "*n"]:
    """Picks a uniform word of first, ..., first + count - 1 from two random words.

    Args:
        first: Smallest words.
        count: Numbers of words, at least 1.
        draw: Two independent uniform 32-bit words.

    Returns:
        Words, uint32; each has probability 1/count, to a relative error of at most 2^-64 count.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax import grid
        >>> first, count = jnp.array([10], jnp.uint32), jnp.array([5], jnp.uint32)
        >>> high = jnp.array([2**31], jnp.uint32)
        >>> grid.word_between(first, count, (high, jnp.zeros_like(high))).tolist()
        [12]
    """
    high, low = draw
    # floor((high 2^32 + low) count / 2^64). One random word would favour some words by up to count / 2^32.
    carried = high * count + _multiply_high(low, count)
    return first + _multiply_high(high, count) + (carried < high * count).astype(jnp.uint32)


def interval_words(
    k: UInt32[Array, "*#n"], intervals: UInt32[Array, "*#n"], bits: int = BITS
) -> tuple[UInt32[Array, "*n"], UInt32[Array, "*n"]]:
    """Returns the first and the last word of interval k of J equal-mass intervals.

    Args:
        k: Intervals in [0, J).
        intervals: J, in [1, MAX_INTERVALS].
        bits: P, the number of bits of a word, at most 24.

    Returns:
        First and last words, uint32; neighbouring intervals share a word where 2^P / J is no integer.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax import grid
        >>> first, last = grid.interval_words(jnp.array([1], jnp.uint32), jnp.array([3], jnp.uint32), bits=8)
        >>> int(first[0]), int(last[0])
        (85, 170)
    """
    first = word_in_interval(k, jnp.zeros_like(k), intervals, bits)
    return first, word_in_interval(k, jnp.full_like(k, (1 << bits) - 1), intervals, bits)


def interval_of(word: UInt32[Array, "*#n"], intervals: UInt32[Array, "*#n"], bits: int = BITS) -> UInt32[Array, "*n"]:
    """Finds the interval, of J equal-mass intervals, that holds the middle of a word's cell.

    Args:
        word: Words in [0, 2^P).
        intervals: J, in [1, MAX_INTERVALS].
        bits: P, the number of bits of a word, at most 24.

    Returns:
        Intervals in [0, J), uint32.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax import grid
        >>> words = jnp.array([0, 2**23, 2**24 - 1], jnp.uint32)
        >>> grid.interval_of(words, jnp.array([3], jnp.uint32)).tolist()
        [0, 1, 2]
    """
    # floor((2 w + 1) J / 2^(P+1)) in two halves of the word, as the product may have 40 bits.
    doubled, half = 2 * word + 1, min(bits + 1, 12)
    high, low = doubled >> half, doubled & jnp.uint32((1 << half) - 1)
    return (high * intervals + ((low * intervals) >> half)) >> (bits + 1 - half)


def dyadic_words(heap_index: UInt32[Array, "*n"], bits: int = BITS) -> tuple[UInt32[Array, "*n"], UInt32[Array, "*n"]]:
    """Returns the first and the last word of a dyadic interval of the grid.

    Args:
        heap_index: Heap indices of the intervals: 1 for all words, 2h and 2h + 1 for the halves of interval h; of depth
            floor(log2 h) at most P.
        bits: P, the number of bits of a word, at most 24.

    Returns:
        First and last words, uint32.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax import grid
        >>> first, last = grid.dyadic_words(jnp.array([1, 2, 3], jnp.uint32), bits=4)
        >>> first.tolist(), last.tolist()
        ([0, 0, 8], [15, 7, 15])
    """
    depth = jnp.uint32(31) - jax.lax.clz(heap_index)
    size = jnp.uint32(bits) - depth
    first = (heap_index << size) - jnp.uint32(1 << bits)
    return first, first + (jnp.uint32(1) << size) - 1


def affine(
    fixed: Int32[Array, "*#n"], loc: Float32[Array, "*#n"], scale: Float32[Array, "*#n"]
) -> Float32[Array, "*n"]:
    """Computes loc + scale z in fixed point: the same float32 on every machine.

    In floats, a compiler may or may not fuse the product and the sum.

    Args:
        fixed: z in units of 2^-26, |z| < 8.
        loc: Locations, float32.
        scale: Positive scales, float32.

    Returns:
        float32. Beside the rounding to float32, the error is below 2^-26 of the larger of |loc| and scale, or 2^-125.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax import grid
        >>> half = jnp.array([2**25], jnp.int32)
        >>> grid.affine(half, jnp.array([3.0]), jnp.array([4.0])).tolist()
        [5.0]
    """
    fixed, loc, scale = of_one_rank(fixed, *jnp.broadcast_arrays(loc.astype(jnp.float32), scale.astype(jnp.float32)))
    loc_mantissa, loc_exponent = _decompose(loc)
    scale_mantissa, scale_exponent = _decompose(scale)
    # |z| < 2^29 times a mantissa < 2^24, less 22 bits: below 1.5e9 in units of 2^(scale_exponent - 27).
    product = _multiply_high(jnp.abs(fixed).astype(jnp.uint32) << 2, scale_mantissa << 8)
    # At least 2^-126: smaller powers are subnormal in float32, which machines treat differently.
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
    """Returns the upper 32 of the 64 bits of x y."""
    low = jnp.uint32(0xFFFF)
    x1, x0, y1, y0 = x >> 16, x & low, y >> 16, y & low
    cross = x1 * y0 + ((x0 * y0) >> 16)
    return x1 * y1 + (cross >> 16) + ((x0 * y1 + (cross & low)) >> 16)


def _divide(x: UInt32[Array, "*#n"], by: UInt32[Array, "*#n"]) -> UInt32[Array, "*n"]:
    """Divides integers through a reciprocal, exactly, as vector units have no integer division.

    The first quotient is at most 1 too small, which the last step corrects.
    """
    quotient = _multiply_high(x, jnp.uint32(0xFFFFFFFF) // by)
    return quotient + (x - quotient * by >= by).astype(jnp.uint32)
