"""Initial bits: the words of the shared stream that a chain of bits-back starts on.

Bits-back pops the latents of the first images from these words, so the file holds them as information. When everything
is decoded they come back, and are compared with the stream.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from recjax import randomness
from recjax.coding import rans, serialize
from recjax.coding.rans import Message, bucket
from recjax.errors import FormatError


def message(seed: int, lanes: int, size: int, capacity: int) -> Message:
    """Makes the message that a chain starts on.

    Args:
        seed: The seed of the shared randomness.
        lanes: The number of lanes.
        size: The number of bytes in the tail.
        capacity: The number of bytes that the tail has room for, at least `size`.

    Returns:
        The message.
    """
    heads, top = _initial(seed, lanes, size)
    tail = np.zeros(capacity, np.uint8)
    tail[:size] = top
    return serialize.message_of(heads, tail, np.array(size, np.int32))


def require(message: Message, seed: int, lanes: int, borrowed: int) -> None:
    """Checks that a decoded message is the start of a chain.

    Args:
        message: The message after the last image was decoded.
        seed: The seed of the shared randomness.
        lanes: The number of lanes.
        borrowed: The number of bytes of the tail that the chain used up.

    Raises:
        FormatError: It is not the start.
    """
    heads, tail = _initial(seed, lanes, borrowed)
    same = int(message.size) == borrowed and not int(message.fault)
    # With NumPy, as JAX would compile a slice for each size.
    if same and np.array_equal(message.head, heads) and np.array_equal(np.asarray(message.tail)[:borrowed], tail):
        return
    raise FormatError("the images do not decode to the chain's start; the file is damaged or of another model.")


def _initial(seed: int, lanes: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the heads, and the last `size` bytes of an endless tail.

    Byte i is counted from the heads down, so that it is the same for every size.
    """
    words = np.asarray(_initial_words(randomness.key(seed), bucket(max(lanes, size))))
    return rans.HEAD_MIN | (words[0, :lanes] >> 8), (words[1, :size] >> 24).astype(np.uint8)[::-1]


@partial(jax.jit, static_argnums=1)
def _initial_words(key: randomness.Key, count: int) -> jax.Array:
    index = jnp.arange(count, dtype=jnp.uint32)
    return randomness.words(key, randomness.INITIAL, (jnp.arange(2, dtype=jnp.uint32)[:, None], index), 1)[..., 0]
