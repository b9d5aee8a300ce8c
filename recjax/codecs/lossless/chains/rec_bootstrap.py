"""The start of a chain without initial bits: images sent by relative entropy coding, one after the other.

They lie on one open message, from whose bits bits-back then pops the first latents. An open message has a single lane,
and no end of an image shows in it.
"""

import jax
import jax.numpy as jnp
import numpy as np

from recjax import randomness
from recjax.codecs.lossless import relative_entropy
from recjax.codecs.plan import LatentPlan
from recjax.coding import latent, rans, serialize
from recjax.coding.rans import Message
from recjax.errors import FormatError
from recjax.models.vae.evaluate import Model

# Bytes of the tail that make the head of a further lane; a head has one more bit, its top bit, which is always set.
_LANE_BYTES = 3


def push_image(
    model: Model,
    plan: LatentPlan,
    key: randomness.Key,
    private_key: randomness.Key,
    message: Message,
    image: np.ndarray,
) -> Message:
    """Pushes one more image to an open message, and searches for its latents.

    Args:
        model: The model.
        plan: The plan that encoder and decoder share.
        key: Shared randomness.
        private_key: Randomness of the search, which the decoder does not need.
        message: The open message.
        image: The image, uint8 [pixels].

    Returns:
        The open message with the image.
    """
    sampled = relative_entropy.search(model, plan, key, private_key, image[None])
    return _push_given(model, plan, key, message, image[:, None, None], sampled._replace(info=None))


@jax.jit
def _push_given(model, plan, key, message, pixels, sampled) -> Message:
    parts = relative_entropy.image_codec(model, plan, key, key, 1)
    symbols = pixels.astype(jnp.uint32)
    return _without_batch(latent.push_given(parts.latent, parts.likelihood, _as_batch(message), symbols, sampled))


def pop_image(model: Model, plan: LatentPlan, key: randomness.Key, message: Message) -> tuple[Message, np.ndarray]:
    """Pops the last image pushed from an open message.

    Args:
        model: The model.
        plan: The plan that encoder and decoder share.
        key: Shared randomness.
        message: The open message.

    Returns:
        The open message without the image, and the image, uint8 [pixels].

    Raises:
        FormatError: The message ends before the image does.
    """
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
    """Distributes the bits of an open message over lanes.

    Lane 0 keeps the head. The head of each further lane is 2^24 plus the next three bytes of the tail, taken from its
    end.

    Args:
        message: The open message, with at least 24 bits for each further lane.
        lanes: The number of lanes.

    Returns:
        The message with so many lanes.
    """
    size = int(message.size) - _LANE_BYTES * (lanes - 1)
    taken = np.asarray(message.tail)[size : int(message.size)][::-1].reshape(lanes - 1, _LANE_BYTES)
    heads = rans.HEAD_MIN | taken.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    heads = np.concatenate([np.asarray(message.head), heads])
    return serialize.message_of(heads, np.asarray(message.tail), np.array(size, np.int32))


def join(message: Message) -> Message:
    """Gathers the bits of lanes into an open message, which undoes `split`.

    Args:
        message: The message with lanes.

    Returns:
        The open message.

    Raises:
        FormatError: The message is not one that `split` makes, or has more bits than fit in.
    """
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
    """Checks that nothing is left of an open message.

    Args:
        message: The open message after the last image was popped.

    Raises:
        FormatError: Bits are left.
    """
    if int(message.head[0]) != 1 or int(message.size) or int(message.fault):
        raise FormatError("an image does not end where its message does; the file is damaged or of another model.")
