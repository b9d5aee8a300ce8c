"""Codecs of bins, indices and paths, expected lengths of indices, and checks of an algorithm's sizes."""

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
    """Returns the sizes of an algorithm as Python ints, with a chunk no larger than all candidates.

    Args:
        name: Name of the algorithm, for the error message.
        candidates: Number of candidates, in [1, 2^30].
        chunk_size: Number of candidates scored at a time, at least 1.
        max_intervals: Bound of the intervals per dimension, in [1, `grid.MAX_INTERVALS`].

    Returns:
        (candidates, chunk_size, max_intervals), with a chunk size of at least 2.

    Raises:
        ValueError: If a size is not a whole number or out of range.
    """
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
    # At least 2: XLA of jaxlib 0.12 turns arrays of one candidate into scalars, whose long chains LLVM cannot compile
    # in reasonable time.
    return candidates, max(min(chunk_size, candidates), 2), max_intervals


def check_depth(name: str, depth: Any, largest: int) -> int:
    """Returns the largest depth of a tree as a Python int.

    Args:
        name: Name of the algorithm, for the error message.
        depth: Number of branches.
        largest: The most branches that the algorithm allows.

    Returns:
        `depth`.

    Raises:
        ValueError: If it is not a whole number in [0, largest].
    """
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
    """Makes a codec of the paths of several blocks, whose branches cost one bit each.

    Args:
        masses: A row for each block of a table of masses of depth + 1 (see `recjax.coding.integers`), of sum 2^16.
        bins: Ignored, as paths have no bins.
        dim: Ignored, as each block has one coordinate.

    Returns:
        A codec of `Path`s with depth [block, ...] and branches [block, word, ...], where trailing axes are those of the
        message.
    """

    def branches_of(depth):
        return scan(lambda word: raw_bits(jnp.clip(depth.astype(jnp.int32) - 32 * word, 0, 32)), jnp.arange(PATH_WORDS))

    def one(row):
        depths = index_codec(masses, row)

        def push(message, path):
            message = branches_of(path.depth).push(message, path.branches)
            # A depth that no path can have is pushed as index 0, which does not exist, and so sets a fault.
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
    """Makes a codec of the codes of several blocks: intervals of a bin, and an index within it.

    Args:
        masses: A row for each block of a table of masses of the index (see `recjax.coding.integers`), of sum 2^16.
        bins: The partition of space, with intervals [block, dim]; None for none, when no intervals are sent.
        dim: Number of coordinates of a block.
        bin_masses: Masses of the intervals of each dimension, of sum 2^16. None makes them equal.

    Returns:
        A codec of `Code`s with interval [block, dim, ...] and index [block, ...], where trailing axes are those of the
        message.
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
    """Makes a codec of intervals [block * dim, ...]."""
    if masses is None:
        return scan(uniform, bins.intervals.reshape(-1))
    rows = jnp.asarray(masses).astype(jnp.uint32).reshape(-1, masses.shape[-1])
    cdf_rows = jnp.pad(jnp.cumsum(rows, axis=1, dtype=jnp.uint32), ((0, 0), (1, 0)))
    return scan(lambda row: family(cdf_rows, row), jnp.arange(len(rows), dtype=jnp.uint32))


def expected_log2_depth(kl_bits_q10: np.ndarray) -> np.ndarray:
    """Returns an estimate of E[log2(depth + 1)] for the path of each latent.

    That is log2(KL + 1), as the mean depth of a path is about the KL divergence (arXiv:2201.12857) and the logarithm is
    concave; at least 1/8 bit, for latents that carry nothing. In integers only, as the decoder computes it too.

    Args:
        kl_bits_q10: Mean KL divergence of each latent over the training set, int [latent] in units of 1/1024 bit.

    Returns:
        int64 [latent], in units of 1/256 bit.
    """
    depth = np.array([_log2_q10(kl + 1024) - 10 * 1024 for kl in kl_bits_q10.tolist()], np.int64)
    return np.maximum(depth, 128) // 4


def expected_log2_index(kl_bits_q10: np.ndarray, bins: np.ndarray | None, max_index: int) -> np.ndarray:
    """Returns an upper bound of E[log2 index] of each block.

    The bound is KL - log2 J + 1 for J bins (arXiv:2405.12203), where a dimension with more bits of intervals than of KL
    divergence counts as if they were equal; at least 1/8 bit, and at most log2 of the largest index. In integers only,
    as the decoder computes it too.

    Args:
        kl_bits_q10: Mean KL divergence of each latent over the training set, int [block, dim] in units of 1/1024 bit.
        bins: Number of intervals, int [block, dim]; None for no partition.
        max_index: Largest index.

    Returns:
        int64 [block], in units of 1/256 bit.
    """
    bound = kl_bits_q10.sum(axis=1) + 1024
    if bins is not None:
        bound -= np.minimum([[_log2_q10(j) for j in row] for row in bins.tolist()], kl_bits_q10).sum(axis=1)
    return np.clip(bound, 128, _log2_q10(max_index)) // 4


def _log2_q10(n: int) -> int:
    """Returns floor(1024 log2 n) exactly, by integers of any size."""
    return (n**1024).bit_length() - 1
