"""The start of a chain that has no initial bits: images sent by relative entropy coding, one behind the other.

They lie on one open message, whose bits are those that bits-back pops the first latents from.
"""

import jax
import jax.numpy as jnp
import numpy as np

from recjax import randomness
from recjax.codecs.lossless import relative_entropy
from recjax.codecs.plan import Plan
from recjax.coding import latent, rans, serialize
from recjax.coding.rans import Message
from recjax.errors import FormatError
from recjax.models.vae.evaluate import Model

# What a further lane takes of the tail for its head; together with its top bit they are the least full head.
_LANE_BYTES = 3


def push_image(
    model: Model, plan: Plan, key: randomness.Key, private_key: randomness.Key, message: Message, image: np.ndarray
) -> Message:
    """The open message with one more image [pixels] on it."""
    found = relative_entropy.search(model, plan, key, private_key, image[None])
    return _push_given(model, plan, key, message, image[:, None, None], found._replace(info=None))


@jax.jit
def _push_given(model, plan, key, message, pixels, found) -> Message:
    parts = relative_entropy.image_codec(model, plan, key, key, 1)
    symbols = pixels.astype(jnp.uint32)
    return _without_batch(latent.push_given(parts.latent, parts.likelihood, _as_batch(message), symbols, found))


def pop_image(model: Model, plan: Plan, key: randomness.Key, message: Message) -> tuple[Message, np.ndarray]:
    """The open message without its topmost image, and that image, uint8 [pixels]; FormatError if there is none."""
    message, image = _pop(model, plan, key, message)
    if int(message.fault):
        raise FormatError("the images sent one by one end before the last of them; the file is damaged.")
    return message, np.asarray(image)


@jax.jit
def _pop(model, plan, key, message) -> tuple[Message, jax.Array]:
    parts = relative_entropy.image_codec(model, plan, key, key, 1)
    batch, image = latent.latent_codec(*parts).pop(_as_batch(message))
    return _without_batch(batch), image[:, 0, 0].astype(jnp.uint8)


def _as_batch(message: Message) -> Message:
    return jax.tree.map(lambda leaf: leaf[None], message)


def _without_batch(message: Message) -> Message:
    return jax.tree.map(lambda leaf: leaf[0], message)


def split(message: Message, lanes: int) -> Message:
    """The bits of an open message as those of `lanes` lanes; there must be 24 for each further one.

    Lane 0 keeps the head. Each further lane has the head 2^24 + the next three bytes of the tail, the topmost first.
    """
    size = int(message.size) - _LANE_BYTES * (lanes - 1)
    taken = np.asarray(message.tail)[size : int(message.size)][::-1].reshape(lanes - 1, _LANE_BYTES)
    heads = rans.HEAD_MIN | taken.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    heads = np.concatenate([np.asarray(message.head), heads])
    return serialize.message_of(heads, np.asarray(message.tail), np.array(size, np.int32))


def join(message: Message) -> Message:
    """Undo `split`; FormatError if it was not split so."""
    heads, size = np.asarray(message.head), int(message.size)
    taken = heads[1:] - np.uint32(rans.HEAD_MIN)
    if (taken >> 24).any():
        raise FormatError("the chain does not end on images sent one by one; the file is damaged or of another model.")
    tail = np.asarray(message.tail).copy()
    digits = taken.astype(">u4").view(np.uint8).reshape(-1, 4)[:, 1:].reshape(-1)
    if size + digits.size > tail.size:
        raise FormatError("the chain ends on more bits than its file has; the file is damaged.")
    tail[size : size + digits.size] = digits[::-1]
    return serialize.message_of(heads[:1], tail, np.array(size + digits.size, np.int32))


def require_empty(message: Message) -> None:
    """FormatError unless nothing is left of an open message."""
    if int(message.head[0]) != 1 or int(message.size) or int(message.fault):
        raise FormatError("an image does not end where its message does; the file is damaged or of another model.")
