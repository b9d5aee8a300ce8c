"""Quantile tables of the coding distributions' standard forms, in integers that are the same on every machine.

A table has 512 knots per octave of the tail mass, spaced logarithmically because the quantiles are smooth in its
logarithm, and is interpolated linearly in integers (see `grid.py`). All distributions are symmetric around 0.
"""

import functools
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

FRACTION_BITS = 26
"""Values are integers in units of 2^-FRACTION_BITS."""

KNOTS_LOG2 = 9
"""Base-2 logarithm of the number of knots per octave."""

OCTAVES = 24
"""Octaves of tail mass, from 2^-25 to one half."""


@dataclass(frozen=True)
class StandardForm:
    """A standard distribution (location 0, scale 1), given by its quantiles.

    Attributes:
        name: Name for messages.
        magnitude: Maps a tail mass in (0, 1/2] to -quantile / unit, which is not negative.
        unit: A power of two that keeps |z| / unit below 8, so that it fits an int32 with FRACTION_BITS fraction bits.
        checksum: CRC32 of the knots.
    """

    name: str
    magnitude: Callable[[float], float]
    unit: float
    checksum: int


NORMAL = StandardForm("normal", lambda mass: -NormalDist().inv_cdf(mass), 1.0, 0x41B79CEF)
UNIFORM = StandardForm("uniform", lambda mass: 1 - 2 * mass, 1.0, 0x57B6DB7F)
LAPLACE = StandardForm("Laplace", lambda mass: -math.log(2 * mass) / 4, 4.0, 0x4681BFBC)
LOGISTIC = StandardForm("logistic", lambda mass: (math.log1p(-mass) - math.log(mass)) / 4, 4.0, 0x2239C8FF)
TRIANGULAR = StandardForm("triangular", lambda mass: 1 - math.sqrt(2 * mass), 1.0, 0x929E6C50)


@functools.cache
def knots(form: StandardForm) -> np.ndarray:
    """Computes the knots of a quantile table, descending to 0.

    They are computed in float64, yet are the same on every machine: no entry lies within 1e-6 units of a rounding
    boundary (those of the uniform distribution are exact), while the error of a quantile is some 1e-7 units. The
    checksum detects machines with less accurate arithmetic.

    Args:
        form: The standard distribution.

    Returns:
        int64 [OCTAVES * 512 + 1]: |quantile| / unit at the tail masses 2^-25 * 2^octave * (1 + j/512), in units of
        2^-26.

    Raises:
        RuntimeError: If this machine's arithmetic does not reproduce the table.
    """
    octave, knot = np.divmod(np.arange((OCTAVES << KNOTS_LOG2) + 1), 1 << KNOTS_LOG2)
    mass = np.ldexp(1 + knot / (1 << KNOTS_LOG2), octave - 25)
    table = np.array([round(form.magnitude(m) * (1 << FRACTION_BITS)) for m in mass.tolist()], np.int64)
    if zlib.crc32(table.astype("<i8").tobytes()) != form.checksum:
        raise RuntimeError(
            f"this machine's float64 arithmetic does not reproduce recjax's {form.name} quantile table; report its type"
        )
    return table


@functools.cache
def tables(form: StandardForm) -> tuple[np.ndarray, np.ndarray]:
    """Makes the two tables that quantiles are interpolated from.

    Args:
        form: The standard distribution.

    Returns:
        All knots but the last, and how much the quantile falls from each knot to the next; uint32 [OCTAVES * 512] both.
    """
    values = knots(form)
    return values[:-1].astype(np.uint32), (values[:-1] - values[1:]).astype(np.uint32)
