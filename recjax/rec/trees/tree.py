"""Descends a tree of intervals: how a path is kept, extended and followed.

A node is an interval of words of the coding distribution's grid. Every node has a sample, which encoder and decoder
draw at the address (CANDIDATE; branches, depth) of the node; a code is the path to the node whose sample is sent.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, UInt32

from recjax import grid, randomness
from recjax.rec.base import PATH_WORDS, Path

MAX_DEPTH = 32 * PATH_WORDS
"""Largest number of branches that a path can hold."""

ALL = 1 << grid.BITS
"""Number of words of the grid, which the root holds."""


def root() -> Path:
    """Returns the path of no branches."""
    return Path(jnp.uint32(0), jnp.zeros((PATH_WORDS,), jnp.uint32))


def child(path: Path, upper: Bool[Array, ""]) -> Path:
    """Returns the path one branch further.

    Args:
        path: A path of less than `MAX_DEPTH` branches.
        upper: Whether to branch to the upper interval.

    Returns:
        The path to the child.
    """
    bit = upper.astype(jnp.uint32) << (path.depth & 31)
    word = jnp.arange(PATH_WORDS, dtype=jnp.uint32) == path.depth >> 5
    return Path(path.depth + 1, path.branches | jnp.where(word, bit, 0))


def branch(path: Path, level: UInt32[Array, ""]) -> Bool[Array, ""]:
    """Tells whether a path goes to the upper interval.

    Args:
        path: The path.
        level: Number of the branch, from 0.

    Returns:
        True for the upper interval, False for the lower.
    """
    return (path.branches[level >> 5] >> (level & 31)) & 1 == 1


def sample(key: randomness.Key, path: Path, first: UInt32[Array, ""], count: UInt32[Array, ""]) -> UInt32[Array, ""]:
    """Draws the shared sample of a node.

    Args:
        key: Shared randomness.
        path: The path to the node.
        first: Its first word.
        count: Number of its words, at least 1.

    Returns:
        A uniform word of first ... first + count - 1.
    """
    high, low = randomness.words(key, randomness.CANDIDATE, (*path.branches, path.depth), 2)
    return grid.word_between(first, count, (high, low))


def truncate(path: Path, depth: UInt32[Array, ""]) -> Path:
    """Returns the path to a node that a path passes.

    Args:
        path: The path.
        depth: Depth of the node.

    Returns:
        The path of this depth, with bits from `depth` on set to 0.
    """
    level = jnp.arange(PATH_WORDS, dtype=jnp.uint32) * 32
    kept = jnp.clip(depth.astype(jnp.int32) - level.astype(jnp.int32), 0, 32).astype(jnp.uint32)
    mask = jnp.where(kept == 32, jnp.uint32(0xFFFFFFFF), (jnp.uint32(1) << (kept & 31)) - 1)
    return Path(depth, path.branches & mask)


def cut(
    first: UInt32[Array, ""], count: UInt32[Array, ""], word: UInt32[Array, ""], upper: Bool[Array, ""]
) -> tuple[UInt32[Array, ""], UInt32[Array, ""]]:
    """Returns the part of an interval on one side of a word, which is in neither part.

    Args:
        first: First word of the interval.
        count: Number of its words.
        word: A word of the interval.
        upper: Whether to return the upper part.

    Returns:
        First word and number of words of the part.
    """
    return jnp.where(upper, word + 1, first), jnp.where(upper, first + count - (word + 1), word - first)


def word_of_cuts(key: randomness.Key, path: Path, max_depth: int) -> UInt32[Array, ""]:
    """Returns the sample of a node in the tree that cuts every interval at its sample.

    Args:
        key: Shared randomness.
        path: The path to the node; a longer path ends at `max_depth`.
        max_depth: Largest number of branches.

    Returns:
        The word.
    """

    def follow(level, node):
        level, (first, count) = level.astype(jnp.uint32), node
        word = sample(key, truncate(path, level), first, jnp.maximum(count, 1))
        return cut(first, count, word, branch(path, level))

    depth = jnp.minimum(path.depth, max_depth)
    first, count = jax.lax.fori_loop(0, depth.astype(jnp.int32), follow, (jnp.uint32(0), jnp.uint32(ALL)))
    # A path that no encoder sends may lead to an interval of no words; it must still name some word.
    return jnp.minimum(sample(key, truncate(path, depth), first, jnp.maximum(count, 1)), ALL - 1)


def heap_path(heap: UInt32[Array, "*n"]) -> Path:
    """Returns the path to a heap index.

    Args:
        heap: Heap indices (1 for the root, 2h and 2h + 1 for the children of h).

    Returns:
        Paths of at most 31 branches.
    """
    depth = jnp.uint32(31) - jax.lax.clz(heap)
    # Without its leading 1, the index has the first branch in its highest bit; a path has it in its lowest.
    branches = _reverse((heap << (31 - depth)) << 1)
    return Path(depth, jnp.stack([branches, *[jnp.zeros_like(heap)] * (PATH_WORDS - 1)], axis=-1))


def heap_index(path: Path) -> UInt32[Array, "*n"]:
    """Returns the heap index of a path.

    Args:
        path: Paths of at most 31 branches; bits beyond their depth do not count.

    Returns:
        Heap indices (1 for the root, 2h and 2h + 1 for the children of h).
    """
    return (jnp.uint32(1) << path.depth) | ((_reverse(path.branches[..., 0]) >> (31 - path.depth)) >> 1)


def heap_sample(key: randomness.Key, heap: UInt32[Array, "*n"]) -> UInt32[Array, "*n"]:
    """Draws the shared sample of a dyadic interval of words.

    This is the word that `sample` draws, by shifts in place of products.

    Args:
        key: Shared randomness.
        heap: Heap indices of the intervals.

    Returns:
        Words of the grid.
    """
    path = heap_path(heap)
    first, _ = grid.dyadic_words(heap)
    drawn = randomness.words(key, randomness.CANDIDATE, (*jnp.moveaxis(path.branches, -1, 0), path.depth), 1)[..., 0]
    return first + ((drawn >> (32 - grid.BITS)) >> path.depth)


def word_of_halves(key: randomness.Key, path: Path, max_depth: int) -> UInt32[Array, ""]:
    """Returns the sample of a node in the tree that halves every interval.

    Args:
        key: Shared randomness.
        path: The path to the node; a longer path ends at `max_depth`.
        max_depth: Largest number of branches.

    Returns:
        The word.
    """
    heap = heap_index(path._replace(depth=jnp.minimum(path.depth, max_depth)))
    # The barrier separates this from how the key was made: XLA:CPU takes 6 s to compile both as one chain of ciphers.
    return heap_sample(jax.lax.optimization_barrier(key), heap)


def _reverse(word: UInt32[Array, "*n"]) -> UInt32[Array, "*n"]:
    """Returns words with their bits in reverse order."""
    for shift, mask in ((1, 0x55555555), (2, 0x33333333), (4, 0x0F0F0F0F), (8, 0x00FF00FF), (16, 0x0000FFFF)):
        word = ((word >> shift) & jnp.uint32(mask)) | ((word & jnp.uint32(mask)) << shift)
    return word
