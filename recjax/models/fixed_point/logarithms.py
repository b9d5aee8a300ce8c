"""Computes log2 and 2^-x on the host in integers only, so that every machine builds the same tables."""

import functools
from math import isqrt

import numpy as np

FRACTION_BITS = 24
"""Fraction bits of what `log2_fixed` returns and `exp2_fixed` takes: units of 2^-24."""

EXP2_ONE = 2**30
"""The number 1 as `exp2_fixed` returns it, in units of 2^-30."""

_INDEX_BITS = 12
_STEP_BITS = FRACTION_BITS - _INDEX_BITS


def log2_fixed(x: np.ndarray) -> np.ndarray:
    """Computes the base-2 logarithm of integers, to within 2 units of 2^-24.

    Args:
        x: Integers in [1, 2^62), of any shape.

    Returns:
        log2(x) in units of 2^-24 (int64, the shape of `x`).
    """
    x = np.asarray(x, np.int64)
    exponent = np.zeros_like(x)
    for step in (32, 16, 8, 4, 2, 1):
        exponent = np.where((x >> exponent) >> step > 0, exponent + step, exponent)
    # The mantissa is shifted so that its leading one is at bit 62. The next 12 bits index the table, and the 24 bits
    # after them interpolate between its entries.
    mantissa = (x << (62 - exponent)) - 2**62
    index = mantissa >> (62 - _INDEX_BITS)
    fraction = (mantissa >> (62 - _INDEX_BITS - 24)) & (2**24 - 1)
    table = _log2_table()
    low, high = table[index], table[index + 1]
    return (exponent << FRACTION_BITS) + low + (((high - low) * fraction + 2**23) >> 24)


def exp2_fixed(minus_x: np.ndarray) -> np.ndarray:
    """Computes 2^-x, to within 8 units of 2^-30.

    Args:
        minus_x: Numbers x >= 0 in units of 2^-24, of any shape.

    Returns:
        2^-x in units of 2^-30 (int64, the shape of `minus_x`).
    """
    minus_x = np.asarray(minus_x, np.int64)
    whole = np.minimum(minus_x >> FRACTION_BITS, 62)
    index = (minus_x >> _STEP_BITS) & (2**_INDEX_BITS - 1)
    fraction = minus_x & (2**_STEP_BITS - 1)
    table = _exp2_table()
    low, high = table[index], table[index + 1]
    return (low + (((high - low) * fraction) >> _STEP_BITS)) >> whole


@functools.cache
def _log2_table() -> np.ndarray:
    """Returns log2(1 + i / 4096) for i = 0 to 4096 in units of 2^-24, computed one bit per squaring."""
    mantissa = (np.arange(2**_INDEX_BITS + 1, dtype=np.uint64) + np.uint64(2**_INDEX_BITS)) << np.uint64(
        31 - _INDEX_BITS
    )
    bits = np.zeros(mantissa.shape, np.int64)
    # The last entry is the logarithm of 2: its mantissa is halved before the first squaring.
    whole = mantissa >> np.uint64(32)
    bits += whole.astype(np.int64)
    mantissa >>= whole
    for _ in range(FRACTION_BITS + 1):
        mantissa = (mantissa * mantissa) >> np.uint64(31)
        carry = mantissa >> np.uint64(32)
        mantissa >>= carry
        bits = 2 * bits + carry.astype(np.int64)
    return (bits + 1) >> 1


@functools.cache
def _exp2_table() -> np.ndarray:
    """Returns 2^(-i / 4096) for i = 0 to 4096 in units of 2^-30.

    The entries are products of repeated square roots of 1/2, which are held to 60 bits.
    """
    entries = [2**60]
    root = 2**59
    roots = []
    for _ in range(_INDEX_BITS):
        root = isqrt(root << 60)
        roots.append(root)
    for root in reversed(roots):
        entries += [(entry * root) >> 60 for entry in entries]
    return np.array([(entry + 2**29) >> 30 for entry in [*entries, 2**59]], np.int64)
