"""Shared randomness: words that are a pure function of (key, purpose, address).

The stream is Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), written
in uint32 arithmetic, because `jax.random` promises no value across versions or platforms and a decoder must redraw the
same words years later. It is the only module that draws what a decoder redraws; a change of any word is a new
STREAM_VERSION.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt32

from recjax.numerics import of_one_rank

STREAM_VERSION = 1

# Purposes separate the uses of one key. They are part of the wire format: never renumber.
# ARRIVAL and BIN are the encoder's own, TRIAL is for measurements.
CANDIDATE, ARRIVAL, BIN, PERMUTATION, INITIAL, TRIAL, PAD = range(7)

Key: TypeAlias = UInt32[Array | np.ndarray, "*#batch 2"]
AnyKey: TypeAlias = Any
"""What `as_key` takes for a key."""
Words: TypeAlias = UInt32[Array | np.ndarray, "*#batch"]

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
# First words of the paths that keys are folded along. That of BLOCKS is part of the wire format, too.
BLOCKS, PRIVATE, MEASUREMENT, LEVELS = range(4)

# Marks in the first word absorbed: a key that is folded on and a stream that is drawn from never coincide.
_FOLD, _DRAW = 0, 1 << 31
_UNROLLED_WORDS = 4


class Stream(NamedTuple):
    """The key of one stream of words: two words that every word of its path went into."""

    first: Words
    second: Words


def threefry2x32(key: tuple[Words, Words], counter: tuple[Words, Words]) -> tuple[Words, Words]:
    """One block of Threefry-2x32-20: two words of `counter` enciphered under two words of `key`, elementwise."""
    k0, k1, x0, x1 = of_one_rank(*key, *counter)
    schedule = (k0, k1, k0 ^ k1 ^ jnp.uint32(_PARITY))
    x0, x1 = x0 + k0, x1 + k1
    for group in range(5):
        for rotation in _ROTATIONS[group % 2]:
            x0 = x0 + x1
            x1 = (x1 << rotation) | (x1 >> (32 - rotation))
            x1 = x1 ^ x0
        x0 = x0 + schedule[(group + 1) % 3]
        x1 = x1 + schedule[(group + 2) % 3] + jnp.uint32(group + 1)
    return x0, x1


def key(seed: Any) -> Key:
    """The key of a seed in [0, 2^64)."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 1 << 64:
        raise ValueError(f"a seed is an integer in [0, 2^64), got {seed!r}; take it modulo 2^64")
    return jnp.array([int(seed) >> 32, int(seed) & 0xFFFFFFFF], jnp.uint32)


def as_key(key: Any, batch: tuple[int, ...] | None = None) -> Key:
    """Returns the words [*batch, 2] of a key: of uint32 words themselves, or of one of JAX's typed keys.

    The two words of a Threefry key of `jax.random.key` or `PRNGKey` are taken as they are, so that those of a seed
    below 2^32 and `key(seed)` name the same stream; of a longer key, all words are folded into one. Which words JAX
    makes of a seed may change with its version: where a stream must be found again in years, keep `key(seed)`.

    Args:
        key: uint32 [*batch, 2], of JAX or NumPy, traced or not, or a typed key [*batch].
        batch: the shape that keys must have, () for one; any if it is None.

    Raises:
        ValueError: for everything else.
    """
    found = f"the {type(key).__name__} {key!r:.40}"
    if isinstance(key, jax.Array | np.ndarray):
        found = f"{key.dtype} {key.shape}"
        if jax.dtypes.issubdtype(key.dtype, jax.dtypes.prng_key):
            key = _words_of_typed(key)
        if key.dtype == np.uint32 and key.shape[-1:] == (2,) and batch in (None, key.shape[:-1]):
            return key
    shape = "[..., 2]" if batch is None else str([*batch, 2])
    raise ValueError(
        f"a key is two uint32 words, of shape {shape}, or one of jax.random.key, got {found}; make one from a seed "
        "with recjax.key(seed), and map over several with jax.vmap"
    )


def _words_of_typed(key: jax.Array) -> Key:
    words = jax.random.key_data(key)
    if words.shape[-1] == 2:
        return words
    # Those of other generators of random numbers have four words.
    return fold_in(words[..., :2], *jnp.moveaxis(words[..., 2:], -1, 0))


def fold_in(key: AnyKey, *words: Words | int) -> Key:
    """A key that depends on `key` and every word of a path; paths of different length or content give unrelated keys.

    The words are absorbed two at a time, each pair enciphered under the key so far, after their number: so no path is
    a prefix of another. `key` and the words broadcast against each other.
    """
    return jnp.stack(_absorb(_halves(key), words, _FOLD), axis=-1)


def stream(key: AnyKey, purpose: int, path: Sequence[Words | int] = ()) -> Stream:
    """The stream of a path (level, block, every word of a bin ...), which `draw` addresses by index."""
    return Stream(*_absorb(_halves(key), (purpose, *path), _DRAW))


def stream_start(key: AnyKey, purpose: int, length: int) -> Stream:
    """The state of a stream's key after the start of a path of `length` words, of which each pair is then enciphered
    under the state (a last word alone with 0), as `stream` does."""
    return Stream(*_encipher(_halves(key), (_word(_DRAW | (length + 1)), _word(purpose))))


def draw(stream: Stream, index: Words | int, count: int) -> UInt32[Array, "{count} *batch"]:
    """`count` words at an index of a stream, in O(1), along a new leading axis; the first do not depend on `count`."""
    return _draw(stream, _word(index), count)


@partial(jax.jit, static_argnums=2, inline=True)
def _draw(stream, index, count):
    pairs = (count + 1) // 2
    block = jnp.arange(pairs, dtype=jnp.uint32).reshape(pairs, *(1,) * max(index.ndim, jnp.ndim(stream.first)))
    drawn = threefry2x32((stream.first, stream.second), (index, block))
    return jnp.stack(drawn, axis=1).reshape(2 * pairs, *drawn[0].shape[1:])[:count]


def words(key: AnyKey, purpose: int, address: Sequence[Words | int], count: int) -> UInt32[Array, "*batch {count}"]:
    """`count` shared words at an address (path..., index): `draw` from `stream`, with the words along the last axis.

    Arrays in the address broadcast against each other and against the key's batch.
    """
    *path, index = address
    return jnp.moveaxis(draw(stream(key, purpose, path), index, count), 0, -1)


def _halves(key: AnyKey) -> tuple[Words, Words]:
    words = as_key(key)
    return words[..., 0], words[..., 1]


def _word(word: Words | int) -> Words:
    # NumPy first, as JAX would take a Python int for an int32, which the upper half of words is not.
    return word.astype(jnp.uint32) if isinstance(word, jax.Array) else np.asarray(word, np.uint32)


def _absorb(key: tuple[Words, Words], path: Sequence[Words | int], use: int) -> tuple[Words, Words]:
    message = [_word(word) for word in (use | len(path), *path)]
    if len(message) % 2:
        message.append(_word(0))
    return _encipher(key, tuple(message))


# In one program where it is called by itself; within other programs it is a part of them.
@partial(jax.jit, inline=True)
def _encipher(key, message):
    if len(message) <= _UNROLLED_WORDS:
        for pair in zip(message[::2], message[1::2], strict=True):
            key = threefry2x32(key, pair)
        return key
    # A long path (a bin of many dimensions) is absorbed in a loop: its result is stored, where XLA:CPU would compute an
    # unrolled chain again for every use, and the program stays small. The words are the same.
    first, second, *rest = jnp.broadcast_arrays(*of_one_rank(*key, *message))
    pairs = jnp.stack(rest[::2]), jnp.stack(rest[1::2])
    return jax.lax.scan(lambda k, pair: (threefry2x32(k, pair), None), (first, second), pairs)[0]
