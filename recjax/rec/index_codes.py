"""The code of a bin and an index, and checks of an algorithm's sizes."""

import operator
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from recjax import grid
from recjax.coding.codec import Codec, family, raw_bits, serial, uniform
from recjax.coding.integers import index_codec
from recjax.coding.sequence import scan
from recjax.rec.base import PATH_WORDS, Bins, Code, Path


def check_sizes(name: str, candidates: Any, chunk_size: Any, max_intervals: Any) -> tuple[int, int, int]:
    """The sizes of an algorithm as Python ints, no chunk beyond all candidates; ValueError for those that make none."""
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
    # Of one candidate, XLA of jaxlib 0.12 makes scalars, whose chains LLVM does not get through.
    return candidates, max(min(chunk_size, candidates), 2), max_intervals


def check_depth(name: str, depth: Any, largest: int) -> int:
    """The largest depth of a tree as a Python int; ValueError for what it cannot be."""
    try:
        depth = operator.index(depth)
    except TypeError as error:
        raise ValueError(f"{name} takes a whole number as its depth, and {error}; use int()") from None
    if not 0 <= depth <= largest:
        raise ValueError(
            f"{name} descends between 0 and {largest} branches, got {depth}; choose a number in that range"
        )
    return depth


def path_codec(masses: Int[Array | np.ndarray, "block classes"], bins: Bins | None, dim: int) -> Codec:
    """Codec of the paths of several blocks: depth [block, ...] and branches [block, word, ...].

    masses: a row per block of an index code, here of the depth plus 1; branches are raw bits, one each. Trailing axes
    are those of the message.
    """

    def branches_of(depth):
        return scan(lambda word: raw_bits(jnp.clip(depth.astype(jnp.int32) - 32 * word, 0, 32)), jnp.arange(PATH_WORDS))

    def one(row):
        depths = index_codec(masses, row)

        def push(message, path):
            message = branches_of(path.depth).push(message, path.branches)
            # Out of range, for a fault: a path holds no more branches, and there is no index 0.
            return depths.push(message, jnp.where(path.depth <= 32 * PATH_WORDS, path.depth + 1, 0))

        def pop(message):
            message, index = depths.pop(message)
            depth = jnp.minimum(index - 1, 32 * PATH_WORDS)
            message, branches = branches_of(depth).pop(message)
            return message, Path(depth, branches)

        return Codec(push, pop, pops_any_message=False)

    return scan(one, jnp.arange(len(masses)), pops_any_message=False)


def code_codec(
    masses: Int[Array | np.ndarray, "block classes"],
    bins: Bins | None,
    dim: int,
    bin_masses: Int[Array | np.ndarray, "block dim capacity"] | None = None,
) -> Codec:
    """Codec of the codes of several blocks: intervals [block, dim, ...] uniform on their number, indices [block, ...].

    masses: a row per block of an index code (see `recjax.coding.integers`). bin_masses: those of the intervals, of sum
    2^16, where they are not equal. Trailing axes are those of the message.
    """
    blocks = len(masses)
    indices = scan(lambda row: index_codec(masses, row), jnp.arange(blocks), pops_any_message=False)
    intervals = serial() if bins is None else _interval_codec(bins, bin_masses)
    both = serial(intervals, indices)

    def push(message, code):
        interval = () if bins is None else code.interval.reshape(-1, *code.interval.shape[2:])
        return both.push(message, (interval, code.index))

    def pop(message):
        message, (interval, index) = both.pop(message)
        shape = (blocks, dim, *index.shape[1:])
        return message, Code(jnp.zeros(shape, jnp.uint32) if bins is None else interval.reshape(shape), index)

    return Codec(push, pop, pops_any_message=False)


def _interval_codec(bins: Bins, masses) -> Codec:
    """Codec of intervals [block * dim, ...]."""
    if masses is None:
        return scan(uniform, bins.intervals.reshape(-1))
    rows = jnp.asarray(masses).astype(jnp.uint32).reshape(-1, masses.shape[-1])
    cdf_rows = jnp.pad(jnp.cumsum(rows, axis=1, dtype=jnp.uint32), ((0, 0), (1, 0)))
    return scan(lambda row: family(cdf_rows, row), jnp.arange(len(rows), dtype=jnp.uint32))


def expected_log2_depth(kl_bits_q10: np.ndarray) -> np.ndarray:
    """About E[log2(depth + 1)] of the path of each latent in units of 1/256 bit, from training-mean KLs in 1/1024 bit.

    log2(KL + 1), as the mean depth of a path is about the KL (arXiv:2201.12857) and the logarithm is concave; at least
    1/8 bit, for latents that carry nothing. Integers only, as the decoder computes it too.
    """
    depth = np.array([_log2_q10(kl + 1024) - 10 * 1024 for kl in kl_bits_q10.tolist()], np.int64)
    return np.maximum(depth, 128) // 4


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
