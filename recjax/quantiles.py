"""Quantile tables of the coding distributions' standard forms, in integers that every machine makes alike.

A table has 512 knots per octave of the distance to the nearer tail, log-spaced because the quantiles are smooth in the
logarithm of that distance, and is interpolated linearly in integers (see `grid.py`). All laws are symmetric around 0.
"""

import functools
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

FRACTION_BITS = 26
KNOTS_LOG2 = 9
OCTAVES = 24
"""From a tail mass of 2^-25 to one half."""


@dataclass(frozen=True)
class QuantileLaw:
    """A standard distribution by its quantiles.

    magnitude: -quantile / unit of a tail mass of at most one half. unit: a power of two that keeps |z| / unit below 8,
    so that it has FRACTION_BITS bits behind the point in an int32. checksum: CRC32 of the knots.
    """

    name: str
    magnitude: Callable[[float], float]
    unit: float
    checksum: int


NORMAL = QuantileLaw("normal", lambda mass: -NormalDist().inv_cdf(mass), 1.0, 0x41B79CEF)
UNIFORM = QuantileLaw("uniform", lambda mass: 1 - 2 * mass, 1.0, 0x57B6DB7F)
LAPLACE = QuantileLaw("Laplace", lambda mass: -math.log(2 * mass) / 4, 4.0, 0x4681BFBC)
LOGISTIC = QuantileLaw("logistic", lambda mass: (math.log1p(-mass) - math.log(mass)) / 4, 4.0, 0x2239C8FF)
TRIANGULAR = QuantileLaw("triangular", lambda mass: 1 - math.sqrt(2 * mass), 1.0, 0x929E6C50)


@functools.cache
def knots(law: QuantileLaw) -> np.ndarray:
    """|quantile| / unit at the tail masses 2^-25 * 2^octave * (1 + j/512), in units of 2^-26, descending to 0.

    Float64 makes it, yet every machine makes the same: no entry lies within 1e-6 units of a rounding boundary (but for
    the uniform law, which has no rounding), while the quantile's error is some 1e-7 units. The checksum guards against
    a machine whose arithmetic is worse than that.
    """
    octave, knot = np.divmod(np.arange((OCTAVES << KNOTS_LOG2) + 1), 1 << KNOTS_LOG2)
    mass = np.ldexp(1 + knot / (1 << KNOTS_LOG2), octave - 25)
    table = np.array([round(law.magnitude(m) * (1 << FRACTION_BITS)) for m in mass.tolist()], np.int64)
    if zlib.crc32(table.astype("<i8").tobytes()) != law.checksum:
        raise RuntimeError(
            f"this machine's float64 arithmetic does not reproduce recjax's {law.name} quantile table; report its type"
        )
    return table


@functools.cache
def tables(law: QuantileLaw) -> tuple[np.ndarray, np.ndarray]:
    """Each knot but the last, and how much the quantile falls until the next: uint32 both."""
    values = knots(law)
    return values[:-1].astype(np.uint32), (values[:-1] - values[1:]).astype(np.uint32)
