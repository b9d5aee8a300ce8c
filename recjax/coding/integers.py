"""Codes for the indices n >= 1 of relative entropy coding: a class of indices by a table of masses, then raw bits.

Classes are quarter octaves, given by the leading three bits of n: 1, 2, 3, 4, 5, 6, 7, 8-9, 10-11, 12-13, 14-15, 16-19,
...; n counts as uniform within a class, which costs some 0.002 bits for a zeta distribution. The last entry of a table
is an escape, followed by n in 32 raw bits, so that any n in [1, 2^32) can be coded.

A table is made on the host in exact arithmetic from what the model file holds, a mean of log2 n over the training set
or a histogram; never from the posterior at hand, which the decoder does not know.
"""

import functools
import itertools
from collections.abc import Sequence
from decimal import Context, Decimal, localcontext
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Integer, UInt32

from recjax.coding.codec import Codec, Lanes, family, raw_bits
from recjax.coding.rans import MASS_BITS, TOTAL_MASS

_MANTISSA_BITS = 2
_ESCAPE_BITS = 32


@jax.jit
def index_class(n: UInt32[Array, "*n"]) -> UInt32[Array, "*n"]:
    """Returns the classes of indices.

    A class k starts at `_first(k)` and has 2^`_extra_bits(k)` members.

    Args:
        n: Indices, at least 1.

    Returns:
        Classes, counted from 0, uint32.
    """
    n = jnp.asarray(n).astype(jnp.uint32)
    octave = 31 - jax.lax.clz(jnp.maximum(n, 1))
    shift = jnp.maximum(octave, _MANTISSA_BITS) - _MANTISSA_BITS
    return (shift << _MANTISSA_BITS) + (jnp.maximum(n, 1) >> shift) - 1


def num_classes(max_log2: int) -> int:
    """Counts the classes that cover the indices 1 ... 2^max_log2, without the escape.

    Args:
        max_log2: Logarithm of the largest index, in [0, 31].

    Returns:
        The number of classes.

    Raises:
        ValueError: If `max_log2` is out of range.
    """
    if not 0 <= max_log2 < 32:
        raise ValueError(f"an index code covers 1 ... 2^max_log2 for max_log2 in [0, 31], got {max_log2}")
    shift = max(max_log2 - _MANTISSA_BITS, 0)
    return (shift << _MANTISSA_BITS) + (1 << (max_log2 - shift))


@functools.lru_cache(maxsize=1024)
def zeta_masses(expected_log2_index_q: int, max_log2: int) -> np.ndarray:
    """Computes the masses of the classes under a truncated zeta distribution, P(n) proportional to n^-(1 + 1/L).

    Args:
        expected_log2_index_q: L, an upper bound on the mean of log2 n, in units of 1/256 bit; 0 counts as 1/256 bit.
        max_log2: Logarithm of the largest index, in [0, 31].

    Returns:
        Masses of the classes and of the escape, int64 of sum 2^16, read-only.

    Raises:
        ValueError: If L is negative or `max_log2` is out of range.
    """
    if expected_log2_index_q < 0:
        raise ValueError(f"the expected log2 of an index is not negative, got {expected_log2_index_q}/256")
    firsts = _first(np.arange(num_classes(max_log2) + 1)).tolist()
    # A context of its own, as a program may change the default one. 30 digits determine the rounding below.
    with localcontext(Context(prec=30)):
        exponent = 1 + Decimal(256) / max(expected_log2_index_q, 1)
        end = (1 << max_log2) + 1
        weights = [_power_sum(a, min(b, end), exponent) for a, b in itertools.pairwise(firsts)]
    masses = quantise([*weights, 0])
    masses.flags.writeable = False
    return masses


def elias_delta_masses(max_log2: int) -> np.ndarray:
    """Computes the masses that Elias's delta code (Elias 1975) implies, a code that needs to know nothing about n.

    The mass of n is 2^-length(n), for lengths of floor(log2 n) + 2 floor(log2(floor(log2 n) + 1)) + 1 bits.

    Args:
        max_log2: Logarithm of the largest index, in [0, 31].

    Returns:
        Masses of the classes and of the escape, int64 of sum 2^16.
    """
    classes = np.arange(num_classes(max_log2))
    weights = []
    for first, extra in zip(_first(classes).tolist(), _extra_bits(classes).tolist(), strict=True):
        octave = first.bit_length() - 1
        weights.append(Fraction(1 << extra, 1 << (octave + 2 * ((octave + 1).bit_length() - 1) + 1)))
    return quantise([*weights, 0])


def uniform_masses(max_log2: int) -> np.ndarray:
    """Computes the masses of the classes for indices that are uniform in [1, 2^max_log2].

    Args:
        max_log2: Logarithm of the largest index, in [0, 31].

    Returns:
        Masses of the classes and of the escape, int64 of sum 2^16.
    """
    firsts = np.minimum(_first(np.arange(num_classes(max_log2) + 1)), (1 << max_log2) + 1)
    return quantise([*np.diff(firsts).tolist(), 0])


def learned_masses(counts: Sequence[int]) -> np.ndarray:
    """Estimates the masses of the classes from a histogram.

    Half a count is added to every class and to the escape (Krichevsky and Trofimov 1981).

    Args:
        counts: How often each class occurred in training.

    Returns:
        Masses of the classes and of the escape, int64 of sum 2^16.

    Raises:
        ValueError: If there are no counts, or if one is negative.
    """
    if len(counts) == 0 or min(counts) < 0:
        raise ValueError(f"a histogram of classes has counts >= 0, got {list(counts)[:8]}")
    return quantise([2 * int(count) + 1 for count in counts] + [1])


def quantise(weights: Sequence[int | Decimal | Fraction], total: int = TOTAL_MASS) -> np.ndarray:
    """Shares out integer masses: one unit to each symbol, and the rest in proportion to weights.

    Args:
        weights: Weights >= 0, not all 0.
        total: Sum of the masses.

    Returns:
        Masses >= 1 of the given sum, int64.

    Raises:
        ValueError: If a weight is negative, all are 0, or there are more weights than `total`.
    """
    exact = [Fraction(weight) for weight in weights]
    if len(exact) > total or sum(exact) <= 0 or min(exact) < 0:
        raise ValueError(f"{len(exact)} weights of sum {float(sum(exact))} cannot share {total} units of mass")
    unit = (total - len(exact)) / sum(exact)
    shares = [weight * unit for weight in exact]
    masses = [1 + int(share) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda i: int(shares[i]) - shares[i])
    for i in by_remainder[: total - sum(masses)]:
        masses[i] += 1
    return np.array(masses, np.int64)


def index_codec(masses: Int[Array | np.ndarray, "*rows classes_and_escape"], row: Lanes | int = 0) -> Codec:
    """Makes a codec of indices n in [1, 2^32) from a table of masses.

    Popping gives n >= 1 for any message. A pop may take an escape where a push would use a class, so a push undoes a
    pop only on messages that this codec pushed on.

    Args:
        masses: Masses of sum 2^16 of the classes and of the escape, [classes + 1], or several such rows.
        row: The row that each lane uses.

    Returns:
        Codec of uint32 indices, one per lane.
    """
    masses = jnp.atleast_2d(jnp.asarray(masses)).astype(jnp.uint32)
    classes = masses.shape[1] - 1
    cdf_rows = jnp.pad(jnp.cumsum(masses, axis=1, dtype=jnp.uint32), ((0, 0), (1, 0)))
    symbols = family(cdf_rows, jnp.asarray(row))
    first = jnp.asarray(_first(np.arange(classes + 1)), jnp.uint32)
    extra = jnp.asarray([*_extra_bits(np.arange(classes)), _ESCAPE_BITS], jnp.uint32)

    def push(message, n):
        n = jnp.asarray(n).astype(jnp.uint32)
        symbol = jnp.minimum(index_class(n), classes)
        message = raw_bits(extra[symbol]).push(message, jnp.where(symbol < classes, n - first[symbol], n))
        # There is no index 0: a symbol beyond the table makes it a fault.
        return symbols.push(message, jnp.where(n == 0, classes + 1, symbol))

    def pop(message):
        message, symbol = symbols.pop(message)
        message, rest = raw_bits(extra[symbol]).pop(message)
        return message, jnp.maximum(jnp.where(symbol < classes, first[symbol] + rest, rest), 1)

    return Codec(push, pop, pops_any_message=False)


def index_bits(
    masses: Int[np.ndarray, "classes_and_escape"], n: Integer[Array | np.ndarray, "*n"]
) -> Float[np.ndarray, "*n"]:
    """Computes ideal code lengths of indices, for reports.

    Args:
        masses: Masses of the classes and of the escape, of sum 2^16.
        n: Indices, at least 1.

    Returns:
        Lengths in bits, float64.
    """
    symbol = np.minimum(np.asarray(index_class(n)), len(masses) - 1)
    extra = np.array([*_extra_bits(np.arange(len(masses) - 1)), _ESCAPE_BITS])
    return MASS_BITS - np.log2(np.asarray(masses)[symbol]) + extra[symbol]


def _extra_bits(symbol: np.ndarray) -> np.ndarray:
    return np.maximum((symbol + 1 >> _MANTISSA_BITS) - 1, 0)


def _first(symbol: np.ndarray) -> np.ndarray:
    shift = _extra_bits(symbol)
    return (symbol + 1 - (shift << _MANTISSA_BITS)) << shift


def _power_sum(start: int, end: int, exponent: Decimal) -> Decimal:
    """Sums n^-exponent over start <= n < end.

    Long sums from 64 on use the Euler-Maclaurin formula, with a relative error below 1e-6.
    """
    if start < 64 or end - start < 8:
        return sum((Decimal(n) ** -exponent for n in range(start, end)), Decimal(0))
    a, b = (Decimal(n) ** -exponent for n in (start, end))
    return (start * a - end * b) / (exponent - 1) + (a - b) / 2 + exponent * (a / start - b / end) / 12
