"""The code of a bin and an index, and checks of an algorithm's sizes."""

import operator
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from recjax import grid
from recjax.coding.codec import Codec, scan, serial, uniform
from recjax.coding.integers import index_codec
from recjax.rec.base import Bins, Code


def check_sizes(name: str, candidates: Any, chunk_size: Any, max_intervals: Any) -> tuple[int, int, int]:
    """The sizes of an algorithm as Python ints; ValueError for those that make none."""
    try:
        candidates, chunk_size, max_intervals = map(operator.index, (candidates, chunk_size, max_intervals))
    except TypeError as error:
        raise ValueError(f"{name} takes whole numbers as its sizes, and {error}; use int()") from None
    if not 1 <= candidates <= 1 << 30:
        raise ValueError(
            f"{name} examines between 1 and 2^30 candidates, got {candidates}; choose a number in that range"
        )
    if chunk_size < 1:
        raise ValueError(f"{name} scores at least 1 candidate at a time, got chunk_size={chunk_size}; 256 is usual")
    if not 1 <= max_intervals <= grid.MAX_INTERVALS:
        raise ValueError(
            f"{name} takes max_intervals between 1 and {grid.MAX_INTERVALS}, got {max_intervals}; give the largest "
            "number of intervals of any dimension"
        )
    return candidates, chunk_size, max_intervals


def code_codec(masses: Int[Array | np.ndarray, "block classes"], bins: Bins | None, dim: int) -> Codec:
    """Codec of the codes of several blocks: intervals [block, dim, ...] uniform on their number, indices [block, ...].

    masses: a row per block of an index code (see `recjax.coding.integers`). Trailing axes are those of the message.
    """
    blocks = len(masses)
    indices = scan(lambda row: index_codec(masses, row), jnp.arange(blocks), pops_any_message=False)
    intervals = serial() if bins is None else scan(uniform, bins.intervals.reshape(-1))
    both = serial(intervals, indices)

    def push(message, code):
        interval = () if bins is None else code.interval.reshape(-1, *code.interval.shape[2:])
        return both.push(message, (interval, code.index))

    def pop(message):
        message, (interval, index) = both.pop(message)
        shape = (blocks, dim, *index.shape[1:])
        return message, Code(jnp.zeros(shape, jnp.uint32) if bins is None else interval.reshape(shape), index)

    return Codec(push, pop, pops_any_message=False)


def expected_log2_index(kl_bits_q10: np.ndarray, bins: np.ndarray | None, max_index: int) -> np.ndarray:
    """An upper bound on E[log2 n] of each block in units of 1/256 bit, from training-mean KLs [block, dim] in 1/1024
    bit.

    E[log2 n] <= KL - log2 J + 1 and a little (arXiv:2405.12203; a bin that is finer than the target adds to it), and
    never more than log2 of the largest index. Integers only, as the decoder computes it too.
    """
    bound = kl_bits_q10.sum(axis=1) + 1024
    if bins is not None:
        bound -= np.minimum([[_log2_q10(j) for j in row] for row in bins.tolist()], kl_bits_q10).sum(axis=1)
    return np.clip(bound, 128, _log2_q10(max_index)) // 4


def _log2_q10(n: int) -> int:
    """floor(1024 log2 n), in integers of any size."""
    return (n**1024).bit_length() - 1
