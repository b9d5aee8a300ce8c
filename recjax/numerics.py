"""Scalar functions that need care in float32, each tested against float64."""

from math import factorial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import log_ndtr, ndtr
from jaxtyping import Array, Float, UInt32

LOG2 = 0.6931471805599453
HALF_LOG_TAU = 0.9189385332046727


def log_sub_exp(big: Float[Array, "*#n"], small: Float[Array, "*#n"]) -> Float[Array, "*n"]:
    """Computes log(exp(big) - exp(small)) without overflow or cancellation.

    Args:
        big: Logarithms, at least `small`.
        small: Logarithms, broadcast against `big`.

    Returns:
        The logarithm of the difference; -inf where the arguments are equal or both -inf.
    """
    # log1p(-exp(d)) loses all digits as d approaches 0, log(-expm1(d)) as d approaches -inf: switch at d = -log 2.
    gap = jnp.where(big == -jnp.inf, -jnp.inf, small - big)
    near = jnp.log(-jnp.expm1(jnp.maximum(gap, -2 * LOG2)))
    far = jnp.log1p(-jnp.exp(jnp.minimum(gap, -LOG2 / 2)))
    return big + jnp.where(gap > -LOG2, near, far)


def normal_mass(lower: Float[Array, "*#n"], upper: Float[Array, "*#n"]) -> Float[Array, "*n"]:
    """Computes Phi(upper) - Phi(lower), in the tail where both are small.

    Args:
        lower: Lower ends, at most `upper`; infinities are allowed.
        upper: Upper ends, broadcast against `lower`.

    Returns:
        Probabilities of the intervals under a standard normal distribution.
    """
    flip = lower + upper > 0
    near, far = jnp.where(flip, -upper, lower), jnp.where(flip, -lower, upper)
    return jnp.maximum(ndtr(far) - ndtr(near), 0.0)


def log_normal_mass(lower: Float[Array, "*#n"], upper: Float[Array, "*#n"]) -> Float[Array, "*n"]:
    """Computes the natural logarithm of `normal_mass`, finite also 40 standard deviations from 0.

    Args:
        lower: Lower ends, at most `upper`; infinities are allowed.
        upper: Upper ends, broadcast against `lower`.

    Returns:
        Log probabilities of the intervals, in nats.
    """
    flip = lower + upper > 0
    near, far = jnp.where(flip, -upper, lower), jnp.where(flip, -lower, upper)
    return log_sub_exp(log_ndtr(far), log_ndtr(near))


def unit_exponential(word: UInt32[Array, "*n"]) -> Float[Array, "*n"]:
    """Turns uniform words into variables of the exponential distribution with mean 1.

    Args:
        word: Uniform 32-bit words, of which the upper 23 bits are used.

    Returns:
        Positive and finite float32, for every word.
    """
    # The middles of 2^23 cells are exact in float32; with 2^24 cells, the last middle would round to 1.
    return -jnp.log((word >> 9).astype(jnp.float32) * jnp.float32(2.0**-23) + jnp.float32(2.0**-24))


# Chebyshev interpolants, lowest power first: of log x as a polynomial in x - 1.5 on [1, 2), with an error of 2e-7; and
# of Phi^-1(p) / (2 p - 1) in t with -log(4 p (1 - p)) = 8 + 8 t, for p down to 2^-25, with an error of 6e-6.
_LOG = (
    0.405465292, 0.666666166, -0.222245397, 0.0987917516, -0.0489290347, 0.0259673295, -0.0174140775, 0.0102438286,
)  # fmt: skip
_QUANTILE = (
    3.76384084, 1.99529107, -0.457470132, 0.176834362, -0.0521734652, -0.0151253313,
    0.0587598741, -0.0862811595, 0.0582690374, 0.00739261556, -0.0294359965, 0.0103716942,
)  # fmt: skip


def _polynomial(coefficients: tuple[float, ...], x: Float[Array, "*n"]) -> Float[Array, "*n"]:
    total = jnp.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = total * x + jnp.float32(coefficient)
    return total


def quick_log(x: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Computes natural logarithms with operations that every compiler vectorises.

    Args:
        x: Positive normal float32.

    Returns:
        log x, with an error of at most 3e-7 or one rounding.
    """
    bits = jax.lax.bitcast_convert_type(x, jnp.int32)
    exponent = (bits >> 23) - 127
    mantissa = jax.lax.bitcast_convert_type((bits & 0x7FFFFF) | 0x3F800000, jnp.float32)
    return exponent.astype(jnp.float32) * jnp.float32(LOG2) + _polynomial(_LOG, mantissa - 1.5)


def quick_normal(cell: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Computes quantiles of the standard normal distribution at the middles of 2^24 equal-mass cells, by a polynomial.

    The grid has a table for this (`grid.value`), but compilers vectorise no table look-ups.

    Args:
        cell: k - 2^23 for cell k in [0, 2^24), whole numbers as float32.

    Returns:
        Phi^-1((k + 1/2) / 2^24), with an error of at most 7e-6; smooth and strictly symmetric. Differences of two
        values are more accurate: to 1e-4 of their size and two roundings.
    """
    twice = (cell + 0.5) * jnp.float32(2.0**-23)
    side = jnp.abs(twice)
    place = -0.125 * quick_log((1 - side) * (1 + side)) - 1
    return twice * _polynomial(_QUANTILE, place)


def first_minimum(x: Float[Array, " n"]) -> tuple[UInt32[Array, ""], Float[Array, ""]]:
    """Finds the first smallest element of a vector; on CPUs this is faster than `argmin`.

    Args:
        x: Vector [n], n > 0.

    Returns:
        The place of the element, uint32, and its value.
    """
    lowest = jnp.min(x)
    place = jnp.min(jnp.where(x == lowest, jnp.arange(x.shape[0], dtype=jnp.uint32), jnp.uint32(x.shape[0] - 1)))
    return place, lowest


# Newton steps, and 1/k! for k = 9 down to 2: enough for float32 over the whole range.
_W0_STEPS = 3
_INVERSE_FACTORIALS = tuple(1.0 / factorial(k) for k in range(9, 1, -1))


@jax.custom_jvp
def minus_log_w0(excess: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Solves s - ln s = 1 + excess for s in (0, 1], and returns -ln s.

    The solution is s = -W0(-exp(-1 - excess)), with W0 the principal branch of Lambert's function. Taking the excess as
    the argument keeps all digits near the branch point, where s is about 1 - sqrt(2 excess); returning the logarithm
    keeps them where s underflows. Differentiable; at the branch point, where the derivative is infinite, a large finite
    one is returned.

    Args:
        excess: Numbers of at least 0.

    Returns:
        -ln s, at least 0.
    """
    # t = -ln s solves t + expm1(-t) = excess, whose left side is convex and increasing in t: Newton steps converge.
    root = jnp.sqrt(2 * excess)
    t = jnp.where(excess < 1.5, root + excess / 3, excess + 1)
    for _ in range(_W0_STEPS):
        t = t - (_w0_excess(t) - excess) / _w0_slope(t)
    return t


@minus_log_w0.defjvp
def _minus_log_w0_jvp(primals, tangents):
    t = minus_log_w0(*primals)
    return t, tangents[0] / _w0_slope(t)


def _w0_excess(t: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Computes t + expm1(-t) >= 0, by its series where the terms would cancel."""
    near = jnp.minimum(t, 0.5)
    series = jnp.zeros_like(t)
    for coefficient in _INVERSE_FACTORIALS:
        series = coefficient - near * series
    return jnp.where(t < 0.5, near * near * series, t + jnp.expm1(-t))


def _w0_slope(t: Float[Array, "*n"]) -> Float[Array, "*n"]:
    # The slope is 0 at the branch point, where the derivative of t is infinite; the bound keeps it finite.
    return jnp.maximum(-jnp.expm1(-t), 1e-6)


# Taylor coefficients, accurate on |x| <= pi / 2. Pi comes in two parts; multiples of the first, of few bits, are exact.
_PI_HIGH, _PI_LOW = 3.140625, np.pi - 3.140625
_SINE = tuple((-1) ** k / factorial(2 * k + 1) for k in range(5, 0, -1))


def sine(x: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Computes sines by range reduction and a polynomial, with operations that compilers vectorise.

    Args:
        x: Angles in radians, up to some hundreds in size.

    Returns:
        sin x, with an error of at most 1e-6.
    """
    turns = jnp.round(x * jnp.float32(1.0 / np.pi))
    rest = (x - turns * jnp.float32(_PI_HIGH)) - turns * jnp.float32(_PI_LOW)
    square = rest * rest
    series = jnp.zeros_like(x)
    for coefficient in _SINE:
        series = (series + jnp.float32(coefficient)) * square
    even = (turns.astype(jnp.int32) & 1) == 0
    return jnp.where(even, rest, -rest) * (1 + series)


def of_one_rank(*arrays: Any) -> list[Any]:
    """Gives arrays the same number of axes, by axes of size 1 in front; scalars stay as they are.

    JAX can be configured to raise an error where arrays of different ranks broadcast.

    Args:
        *arrays: Arrays and scalars of NumPy or JAX, or Python numbers.

    Returns:
        The arrays in the same order.
    """
    rank = max(map(np.ndim, arrays), default=0)
    return [
        array if np.ndim(array) in (0, rank) else array.reshape((1,) * (rank - array.ndim) + array.shape)
        for array in arrays
    ]
