"""How many bits a code takes, under ideal codes of its whole number: an index, or the depth of a path.

Two laws. Zeta: P(n) ~ n^-(1 + 1/L) with L a mean of log2 n, over the runs at hand or over others, as a trained model
would know it. Delta: the lengths of Elias's delta code, which knows nothing. The papers on scalar coders report both
for the depth (arXiv:2309.15746).
"""

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from recjax.coding import integers
from recjax.rec.base import PATH_WORDS, Code

# A depth plus 1 is at most the number of branches that a path can hold.
_MAX_PATH_LOG2 = (32 * PATH_WORDS).bit_length() - 1


class Bits(NamedTuple):
    """Codelength of each code in bits, under either law; columns are families of targets."""

    zeta: Float[np.ndarray, "run column"]
    delta: Float[np.ndarray, "run column"]


def in_sample_bits(
    code: Any, shape: tuple[int, ...], largest_log2: int, log2_bins: Any = 0.0, branch_bits: Any = None
) -> Bits:
    """Bits of codes of `shape`, [run, column], each column under a law of its own, which knows its mean over the runs.

    largest_log2: of the largest index of a `Code`. log2_bins: what the bins of a `Code` cost, by column. branch_bits:
    what the branches of each path cost, by default one bit each.
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
    """Length of whole numbers from 1 to 2^largest_log2 under the zeta law of this mean of log2 n, as coders have it."""
    # The tables know L in units of 1/256 bit.
    masses = integers.zeta_masses(math.ceil(256 * mean_log2), largest_log2)
    return np.asarray(integers.index_bits(masses, jnp.asarray(number)))


def delta_bits(number: np.ndarray) -> np.ndarray:
    """Length of Elias's delta code of whole numbers from 1 (Elias 1975)."""
    octave = np.floor(np.log2(number.astype(np.float64)))
    return octave + 2 * np.floor(np.log2(octave + 1)) + 1
