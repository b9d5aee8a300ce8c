"""Descending a tree of intervals: how a path is kept, sent and followed.

A node is an interval of words of the coding distribution's grid. Every node has a sample, which encoder and decoder
draw at the address (CANDIDATE; depth, branches) of the node; a code is the path to the node whose sample is sent.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, UInt32

from recjax import grid, randomness
from recjax.rec.base import PATH_WORDS, Path

MAX_DEPTH = 32 * PATH_WORDS
"""Branches that a path can hold."""

ALL = 1 << grid.BITS
"""Number of words, those of the root."""


def root() -> Path:
    """The path of no branches."""
    return Path(jnp.uint32(0), jnp.zeros((PATH_WORDS,), jnp.uint32))


def child(path: Path, upper: Bool[Array, ""]) -> Path:
    """The path one branch further; a path of MAX_DEPTH branches must not go on."""
    bit = upper.astype(jnp.uint32) << (path.depth & 31)
    word = jnp.arange(PATH_WORDS, dtype=jnp.uint32) == path.depth >> 5
    return Path(path.depth + 1, path.branches | jnp.where(word, bit, 0))


def branch(path: Path, level: UInt32[Array, ""]) -> Bool[Array, ""]:
    """Whether the path goes to the upper interval at a level, from 0."""
    return (path.branches[level >> 5] >> (level & 31)) & 1 == 1


def sample(key: randomness.Key, path: Path, first: UInt32[Array, ""], count: UInt32[Array, ""]) -> UInt32[Array, ""]:
    """The shared sample of a node: a uniform word of first ... first + count - 1."""
    high, low = randomness.words(key, randomness.CANDIDATE, (*path.branches, path.depth), 2)
    return grid.word_between(first, count, (high, low))


def truncate(path: Path, depth: UInt32[Array, ""]) -> Path:
    """The node that the path passes at a depth."""
    level = jnp.arange(PATH_WORDS, dtype=jnp.uint32) * 32
    kept = jnp.clip(depth.astype(jnp.int32) - level.astype(jnp.int32), 0, 32).astype(jnp.uint32)
    mask = jnp.where(kept == 32, jnp.uint32(0xFFFFFFFF), (jnp.uint32(1) << (kept & 31)) - 1)
    return Path(depth, path.branches & mask)
