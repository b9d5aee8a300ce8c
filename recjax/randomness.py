"""Shared randomness: words that are a pure function of a key, a purpose and an address.

The stream is Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), written
in uint32 arithmetic, because `jax.random` promises no value across versions or platforms, while a decoder must redraw
the same words years later. No other module draws what a decoder redraws. Any change of a word needs a new
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
"""Version of the stream, which file headers record."""

# Purposes separate the uses of one key. They are part of the file format: never renumber them.
# Only encoders use ARRIVAL and BIN; TRIAL is for measurements.
CANDIDATE, ARRIVAL, BIN, PERMUTATION, INITIAL, TRIAL, PAD = range(7)

Key: TypeAlias = UInt32[Array | np.ndarray, "*#batch 2"]
AnyKey: TypeAlias = Any
"""Any key that `as_key` accepts."""
Words: TypeAlias = UInt32[Array | np.ndarray, "*#batch"]

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
# First words of the paths of `fold_in`. BLOCKS is part of the file format, too.
BLOCKS, PRIVATE, MEASUREMENT, LEVELS = range(4)

# Marks in the first absorbed word, so that a folded key never coincides with a stream.
_FOLD, _DRAW = 0, 1 << 31
_UNROLLED_WORDS = 4


class Stream(NamedTuple):
    """The key of one stream of words, which depends on every word of the stream's path.

    Attributes:
        first: First word of the key, uint32 of any shape.
        second: Second word of the key, uint32 of the same shape.
    """

    first: Words
    second: Words


def threefry2x32(key: tuple[Words, Words], counter: tuple[Words, Words]) -> tuple[Words, Words]:
    """Enciphers one block of Threefry-2x32-20, elementwise.

    Args:
        key: The two words of the key, uint32.
        counter: The two words to encipher, uint32, broadcast against the key.

    Returns:
        Two words, uint32.
    """
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
    """Makes a key from a seed.

    Args:
        seed: An integer in [0, 2^64), of Python or NumPy.

    Returns:
        uint32 [2]: the upper and the lower half of the seed.

    Raises:
        ValueError: If the seed is not such an integer.

    Example:
        >>> import recjax
        >>> recjax.key(7).tolist()
        [0, 7]
        >>> recjax.key(2**32 + 7).tolist()
        [1, 7]
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 1 << 64:
        raise ValueError(f"a seed is an integer in [0, 2^64), got {seed!r}; take it modulo 2^64")
    return jnp.array([int(seed) >> 32, int(seed) & 0xFFFFFFFF], jnp.uint32)


def as_key(key: Any, batch: tuple[int, ...] | None = None) -> Key:
    """Returns the words of a key, given as uint32 words or as one of JAX's typed keys.

    The two words of a Threefry key of `jax.random.key` or `PRNGKey` are taken as they are, so that such a key of a seed
    below 2^32 and `key(seed)` name the same stream; longer keys are folded into two words. Which words JAX makes of a
    seed may change with its version: use `key(seed)` where a stream must be reproduced years later.

    Args:
        key: uint32 [*batch, 2] of JAX or NumPy, traced or not, or a typed key [*batch].
        batch: The shape of keys that is required, () for a single key; None allows any.

    Returns:
        uint32 [*batch, 2].

    Raises:
        ValueError: If it is not a key, or not of the required shape.
    """
    is_array = isinstance(key, jax.Array | np.ndarray)
    if is_array:
        if jax.dtypes.issubdtype(key.dtype, jax.dtypes.prng_key):
            key = _words_of_typed(key)
        if key.dtype == np.uint32 and key.shape[-1:] == (2,) and batch in (None, key.shape[:-1]):
            return key
    given = f"{key.dtype} {key.shape}" if is_array else f"the {type(key).__name__} {key!r:.40}"
    shape = "[..., 2]" if batch is None else str([*batch, 2])
    raise ValueError(
        f"a key is two uint32 words, of shape {shape}, or one of jax.random.key, got {given}; make one from a seed "
        "with recjax.key(seed), and map over several with jax.vmap"
    )


def _words_of_typed(key: Any) -> Key:
    words = jax.random.key_data(key)
    if words.shape[-1] == 2:
        return words
    # Keys of JAX's other generators have four words.
    return fold_in(words[..., :2], *jnp.moveaxis(words[..., 2:], -1, 0))


def fold_in(key: AnyKey, *words: Words | int) -> Key:
    """Derives a key that depends on another key and on every word of a path.

    Paths of different length or content give unrelated keys: the number of words is absorbed first and then the words,
    two at a time, each pair enciphered under the key so far, so that no path is a prefix of another.

    Args:
        key: The key, [*batch, 2]; see `as_key`.
        *words: The path, uint32 arrays or integers, broadcast against each other and the key's batch.

    Returns:
        Keys, uint32 [*batch, 2].
    """
    return jnp.stack(_absorb(_halves(key), words, _FOLD), axis=-1)


def stream(key: AnyKey, purpose: int, path: Sequence[Words | int] = ()) -> Stream:
    """Opens the stream of a path, from which `draw` takes words at an index.

    Args:
        key: The key, [*batch, 2]; see `as_key`.
        purpose: One of the purposes above (CANDIDATE, ARRIVAL, ...), which separate the uses of one key.
        path: Words such as the level, the block and every word of the bin, broadcast against each other and the key.

    Returns:
        The stream.
    """
    return Stream(*_absorb(_halves(key), (purpose, *path), _DRAW))


def stream_start(key: AnyKey, purpose: int, length: int) -> Stream:
    """Starts a stream whose path is not yet known, for callers that encipher the words of its path themselves.

    `stream` continues from this state: it enciphers each pair of words of the path under the state so far, a last
    single word together with 0.

    Args:
        key: The key, [*batch, 2]; see `as_key`.
        purpose: One of the purposes above.
        length: Number of words of the path.

    Returns:
        The state, in the form of a stream.
    """
    return Stream(*_encipher(_halves(key), (_word(_DRAW | (length + 1)), _word(purpose))))


def draw(stream: Stream, index: Words | int, count: int) -> UInt32[Array, "{count} *batch"]:
    """Draws words at an index of a stream, in O(1).

    Args:
        stream: The stream.
        index: The index, uint32, broadcast against the stream.
        count: Number of words; the first ones are the same for any count.

    Returns:
        Uniform uint32 [count, *batch].
    """
    return _draw(stream, _word(index), count)


@partial(jax.jit, static_argnums=2, inline=True)
def _draw(stream, index, count):
    pairs = (count + 1) // 2
    block = jnp.arange(pairs, dtype=jnp.uint32).reshape(pairs, *(1,) * max(index.ndim, jnp.ndim(stream.first)))
    drawn = threefry2x32((stream.first, stream.second), (index, block))
    return jnp.stack(drawn, axis=1).reshape(2 * pairs, *drawn[0].shape[1:])[:count]


def words(key: AnyKey, purpose: int, address: Sequence[Words | int], count: int) -> UInt32[Array, "*batch {count}"]:
    """Draws shared words at an address: `draw` from `stream`, with the words along the last axis.

    Args:
        key: The key, [*batch, 2]; see `as_key`.
        purpose: One of the purposes above.
        address: The path followed by the index, broadcast against each other and the key's batch.
        count: Number of words.

    Returns:
        Uniform uint32 [*batch, count].
    """
    *path, index = address
    return jnp.moveaxis(draw(stream(key, purpose, path), index, count), 0, -1)


def _halves(key: AnyKey) -> tuple[Words, Words]:
    words = as_key(key)
    return words[..., 0], words[..., 1]


def _word(word: Words | int) -> Words:
    # Converted by NumPy, as JAX takes a Python int as an int32, which words of 2^31 and above do not fit.
    return word.astype(jnp.uint32) if isinstance(word, jax.Array) else np.asarray(word, np.uint32)


def _absorb(key: tuple[Words, Words], path: Sequence[Words | int], use: int) -> tuple[Words, Words]:
    message = [_word(word) for word in (use | len(path), *path)]
    if len(message) % 2:
        message.append(_word(0))
    return _encipher(key, tuple(message))


# Jitted to be a single program when called eagerly; inlined when called within another program.
@partial(jax.jit, inline=True)
def _encipher(key, message):
    if len(message) <= _UNROLLED_WORDS:
        for pair in zip(message[::2], message[1::2], strict=True):
            key = threefry2x32(key, pair)
        return key
    # A long path (a bin of many dimensions) is absorbed in a loop, which keeps the program small and stores the result;
    # XLA:CPU would compute an unrolled chain again for every use. Both give the same words.
    first, second, *rest = jnp.broadcast_arrays(*of_one_rank(*key, *message))
    pairs = jnp.stack(rest[::2]), jnp.stack(rest[1::2])
    return jax.lax.scan(lambda k, pair: (threefry2x32(k, pair), None), (first, second), pairs)[0]
