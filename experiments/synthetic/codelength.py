"""Computes codelengths of whole numbers (an index, or the depth of a path) under two ideal codes.

The zeta code has the distribution P(n) ~ n^-(1 + 1/L), where L is a mean of log2 n, taken over the numbers that are
coded or, as by a trained model, over others. Elias's delta code needs to know nothing. The paper on scalar coders
reports both for the depth (arXiv:2309.15746).
"""

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from recjax.coding import integers
from recjax.rec.base import PATH_WORDS, Code

# Depth plus 1 is at most the number of branches that a path can hold.
_MAX_PATH_LOG2 = (32 * PATH_WORDS).bit_length() - 1


class Bits(NamedTuple):
    """Holds codelengths in bits under either code; columns are families of targets.

    Attributes:
        zeta: Length of each code under the zeta distribution.
        delta: Length of each code under Elias's delta code.
    """

    zeta: Float[np.ndarray, "run column"]
    delta: Float[np.ndarray, "run column"]


def in_sample_bits(
    code: Any, shape: tuple[int, ...], largest_log2: int, log2_bins: Any = 0.0, branch_bits: Any = None
) -> Bits:
    """Computes codelengths, where the zeta code of each column knows the mean over that column.

    Args:
        code: A `recjax.rec.Code`, whose index is measured, or a path, whose depth plus 1 is measured.
        shape: Shape [run, column] of the result, into which the codes are reshaped.
        largest_log2: Logarithm (base 2) of the largest index; unused for paths.
        log2_bins: Bits of the bin of each `Code`, as a scalar or by column; unused for paths.
        branch_bits: Bits of the branches of each path; None for one bit per branch. Unused for a `Code`.

    Returns:
        Bits of the whole codes: index and bin, or depth and branches.
    """
    if isinstance(code, Code):
        numbers, rest, largest = np.asarray(code.index), np.broadcast_to(log2_bins, shape), largest_log2
    else:
        rest = np.asarray(code.depth if branch_bits is None else branch_bits, np.float64).reshape(shape)
        numbers, largest = np.asarray(code.depth) + 1, _MAX_PATH_LOG2
    numbers = numbers.reshape(shape)
    means = np.log2(numbers.astype(np.float64)).mean(axis=0)
    zeta = [zeta_bits(column, known, largest) for column, known in zip(numbers.T, means, strict=True)]
    return Bits(np.stack(zeta, axis=1) + rest, delta_bits(numbers) + rest)


def zeta_bits(number: np.ndarray, mean_log2: float, largest_log2: int) -> Float[np.ndarray, "number"]:
    """Computes the lengths of whole numbers under the quantised zeta masses that recjax codes with.

    Args:
        number: Whole numbers from 1 to 2^`largest_log2`, of shape [number].
        mean_log2: Mean of log2 n that determines the exponent, in bits.
        largest_log2: Logarithm (base 2) of the largest number.

    Returns:
        Lengths in bits.
    """
    # The tables of masses take L in units of 1/256 bit.
    masses = integers.zeta_masses(math.ceil(256 * mean_log2), largest_log2)
    return np.asarray(integers.index_bits(masses, jnp.asarray(number)))


def delta_bits(number: np.ndarray) -> np.ndarray:
    """Computes the lengths of Elias's delta code (Elias 1975).

    Args:
        number: Whole numbers from 1, of any shape.

    Returns:
        Lengths in bits, of the same shape.
    """
    octave = np.floor(np.log2(number.astype(np.float64)))
    return octave + 2 * np.floor(np.log2(octave + 1)) + 1
