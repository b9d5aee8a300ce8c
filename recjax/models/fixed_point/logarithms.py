"""log2 and 2^-x of integers on the host, in integers only, so that every machine builds the same tables."""

import functools
from math import isqrt

import numpy as np

FRACTION_BITS = 24
"""log2_fixed returns, and exp2_fixed takes, numbers in units of 2^-24."""

EXP2_ONE = 2**30
"""exp2_fixed returns numbers in units of 2^-30."""

_INDEX_BITS = 12
_STEP_BITS = FRACTION_BITS - _INDEX_BITS


def log2_fixed(x: np.ndarray) -> np.ndarray:
    """log2 of integers in [1, 2^62), in units of 2^-24, to within 2 units (int64)."""
    x = np.asarray(x, np.int64)
    exponent = np.zeros_like(x)
    for step in (32, 16, 8, 4, 2, 1):
        exponent = np.where((x >> exponent) >> step > 0, exponent + step, exponent)
    # Leading one at bit 62: the next 12 bits index the table, the 24 after them interpolate.
    mantissa = (x << (62 - exponent)) - 2**62
    index = mantissa >> (62 - _INDEX_BITS)
    fraction = (mantissa >> (62 - _INDEX_BITS - 24)) & (2**24 - 1)
    table = _log2_table()
    low, high = table[index], table[index + 1]
    return (exponent << FRACTION_BITS) + low + (((high - low) * fraction + 2**23) >> 24)


def exp2_fixed(minus_x: np.ndarray) -> np.ndarray:
    """2^-x for x >= 0 given in units of 2^-24, in units of 2^-30, to within 8 units (int64)."""
    minus_x = np.asarray(minus_x, np.int64)
    whole = np.minimum(minus_x >> FRACTION_BITS, 62)
    index = (minus_x >> _STEP_BITS) & (2**_INDEX_BITS - 1)
    fraction = minus_x & (2**_STEP_BITS - 1)
    table = _exp2_table()
    low, high = table[index], table[index + 1]
    return (low + (((high - low) * fraction) >> _STEP_BITS)) >> whole


@functools.cache
def _log2_table() -> np.ndarray:
    """log2(1 + i / 4096) for i = 0 to 4096, one bit per squaring."""
    mantissa = (np.arange(2**_INDEX_BITS + 1, dtype=np.uint64) + np.uint64(2**_INDEX_BITS)) << np.uint64(
        31 - _INDEX_BITS
    )
    bits = np.zeros(mantissa.shape, np.int64)
    # The last entry is 2 exactly: its logarithm is all in the first comparison.
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
    """2^(-i / 4096) for i = 0 to 4096: products of repeated square roots of 1/2, held to 60 bits."""
    entries = [2**60]
    root = 2**59
    roots = []
    for _ in range(_INDEX_BITS):
        root = isqrt(root << 60)
        roots.append(root)
    for root in reversed(roots):
        entries += [(entry * root) >> 60 for entry in entries]
    return np.array([(entry + 2**29) >> 30 for entry in [*entries, 2**59]], np.int64)
