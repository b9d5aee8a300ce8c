"""BB-ANS: all images in one chain, each lane coding every lanes-th image (Townsend et al. 2019, arXiv:1901.04866).

Bits-back pops the latents of an image from the bits that are already there, so a chain needs some to start on. Here
these are words of the shared stream (`initial_bits`); in `bits_back_rec`, they are the bits of images that were sent by
relative entropy coding.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Int32, UInt8

from recjax import grid, randomness
from recjax.codecs.lossless import fingerprint
from recjax.codecs.lossless.chains import initial_bits
from recjax.codecs.lossless.pixels import pixel_codec
from recjax.coding import codec as codecs
from recjax.coding import latent, rans, sequence, serialize
from recjax.coding.normal import discretised_normal
from recjax.coding.rans import Message
from recjax.container import file as container
from recjax.container.file import File, Header
from recjax.errors import FormatError
from recjax.models.vae import evaluate as models
from recjax.models.vae.evaluate import Model

GRID_BITS = 10
"""Bits of a latent in the chain: it is one of 2^GRID_BITS cells of equal prior mass."""

# A step of the chain codes one image per lane, and a compiled call takes at most this many steps, a segment.
_SEGMENT_STEPS = 64
_STEPS_UNIT = 8
_MAX_LANES = 256
_LEAST_CAPACITY = 1 << 20
HEAD_BYTES = 4
"""Bytes that the head of a lane takes in a file."""

Progress = Callable[[int, int], None]


class Parts(NamedTuple):
    """Holds an image codec in its parts, the arguments of `latent.latent_codec`.

    Attributes:
        latent: Conveys the latents by bits-back, as words [latents, lanes].
        likelihood: Maps words to the codec of images [pixels, lanes].
        posterior: Maps images [pixels, lanes] to means and log2 scales of the latents, each [latents, lanes].
    """

    latent: latent.LatentCoder
    likelihood: Callable[[jax.Array], codecs.Codec]
    posterior: Callable[[jax.Array], tuple[jax.Array, jax.Array]]


def image_codec(model: Model, bits: int, pad: jax.Array) -> Parts:
    """Makes the codec of one image per lane through the model's latents, by bits-back.

    It decodes with integers alone.

    Args:
        model: The model, whose posterior is made of integers.
        bits: Bits of a latent.
        pad: Words [latents, lanes] of `bits` bits that mask the latents; see `codecs.padded_bits`.

    Returns:
        The parts of the codec.
    """

    def likelihood(words):
        return pixel_codec(model, grid.value_fixed(words, bits).T)

    coder = latent.bits_back(
        prior=sequence.scan(lambda one: codecs.padded_bits(bits, one), pad),
        posterior_codec=lambda q: sequence.scan(lambda one: discretised_normal(one[0], one[1], bits), q),
    )
    return Parts(coder, likelihood, lambda x: posterior(model, x))


def posterior(model: Model, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Computes the posterior of images in integers; see `models.posterior`.

    Args:
        model: The model.
        x: Images [pixels, lanes].

    Returns:
        Means in units of 2^-12 and log2 of the scales in units of 2^-8, each [latents, lanes].
    """
    mean, log2_scale = models.posterior(model, x.T.astype(jnp.uint8))
    return mean.T, log2_scale.T


class SegmentPlaces(NamedTuple):
    """Tells where the images of a segment of the chain lie.

    Attributes:
        number: Number of the image at each step and lane.
        active: Whether there is an image; lanes without one are left alone.
    """

    number: Int32[np.ndarray, "steps lanes"]
    active: Bool[np.ndarray, "steps lanes"]


def _chain(model: Model, bits: int, key: randomness.Key, places: SegmentPlaces) -> codecs.Codec:
    """Makes the codec of images [steps, pixels, lanes]; lanes without an image at a step are left alone."""
    # The latents of an image are popped from bits that the latents of the image before left. Without random pads these
    # bits would depend on those latents: all images of a chain would get related latents, and latents whose posteriors
    # are wider than the prior would drift to its ends.
    pads = randomness.words(key, randomness.PAD, (places.number.astype(jnp.uint32),), model.latents) >> (32 - bits)

    def one_step(step):
        pad, active = step
        return codecs.masked(latent.latent_codec(*image_codec(model, bits, pad)), active)

    return sequence.scan(one_step, (jnp.swapaxes(pads, -1, -2), places.active))


@partial(jax.jit, static_argnums=1)
def _push(
    model: Model, bits: int, key: randomness.Key, places: SegmentPlaces, message: Message, images: jax.Array
) -> Message:
    return _chain(model, bits, key, places).push(message, images.astype(jnp.uint32))


@partial(jax.jit, static_argnums=1)
def _pop(
    model: Model, bits: int, key: randomness.Key, places: SegmentPlaces, message: Message
) -> tuple[Message, jax.Array]:
    message, images = _chain(model, bits, key, places).pop(message)
    return message, images.astype(jnp.uint8)


def push_images(
    model: Model,
    bits: int,
    key: randomness.Key,
    segments: list[SegmentPlaces],
    message: Message,
    images: UInt8[np.ndarray, "image pixels"],
    progress: Callable[[int], None] | None = None,
) -> Message:
    """Pushes the images of all segments to a message.

    Args:
        model: The model.
        bits: Bits of a latent.
        key: Shared randomness, from which the pads of the latents are drawn.
        segments: Places of the images, in the order of decoding.
        message: The message to start on.
        images: All images.
        progress: Called with the number of images pushed; None reports nothing.

    Returns:
        The message with all images, or, if the bits or the room ran out, a message with a fault.
    """
    done = 0
    for places in reversed(segments):
        batch = images[np.minimum(places.number, len(images) - 1)].swapaxes(-1, -2)
        message = _push(model, bits, key, places, message, batch)
        if int(message.fault):
            break
        done += int(places.active.sum())
        if progress:
            progress(done)
    return message


def pop_images(
    model: Model,
    bits: int,
    key: randomness.Key,
    segments: list[SegmentPlaces],
    message: Message,
    progress: Callable[[int], None] | None = None,
) -> tuple[Message, UInt8[np.ndarray, "image pixels"]]:
    """Pops the images of all segments from a message, which undoes `push_images`.

    Args:
        model: The model.
        bits: Bits of a latent.
        key: Shared randomness, the key of `push_images`.
        segments: Places of the images, in the order of decoding.
        message: The message.
        progress: Called with the number of images popped; None reports nothing.

    Returns:
        The message without the images, and the images.

    Raises:
        FormatError: The message ends before the last image.
    """
    decoded = [np.zeros((0, model.pixels), np.uint8)]
    done = 0
    for places in segments:
        message, images = _pop(model, bits, key, places, message)
        if int(message.fault):
            raise FormatError("the chain of images ends before the last of them; the file is damaged.")
        decoded.append(np.asarray(images).swapaxes(-1, -2)[places.active])
        done += len(decoded[-1])
        if progress:
            progress(done)
    return message, np.concatenate(decoded)


def encode(images: np.ndarray, model: Model, *, seed: int, progress: Progress | None = None) -> tuple[bytes, int]:
    """Encodes images to a file by BB-ANS.

    Args:
        images: The images, uint8 [count, *shape].
        model: The model.
        seed: The seed of the shared randomness.
        progress: Called with the number of images encoded and the number of all; None reports nothing.

    Returns:
        The bytes of the file, and how many initial bits it holds: bits of the shared stream that the chain used up, and
        the heads of all lanes.

    Raises:
        ValueError: The posterior of the model is not made of integers.
    """
    models.require_integer_posterior(model)
    count, pixels = len(images), model.pixels
    lanes = _choose_lanes(count, model)
    segments, key = _segments(count, _segment_steps(count, lanes), lanes), randomness.key(seed)
    flat = images.reshape(count, pixels)
    initial = step_bytes(lanes, model)
    for _ in range(4):
        # Twice the images' own size; a file that needs more is stored raw anyway.
        capacity = message_capacity(initial + 2 * count * pixels + 64)
        message = initial_bits.message(seed, lanes, initial, capacity)
        message = push_images(model, GRID_BITS, key, segments, message, flat, counted(progress, count))
        if not int(message.fault) & rans.UNDERFLOW:
            break
        initial *= 4
    untouched = int(message.low)
    borrowed = initial - untouched
    own = message._replace(tail=np.asarray(message.tail)[untouched:], size=message.size - untouched)
    parameters = {"lanes": lanes, "grid_bits": GRID_BITS, "initial_bytes": borrowed}
    header = Header("bb-ans", bytes.fromhex(model.digest[:16]), count, images.shape[1:], seed, parameters)
    header = fingerprint.marked(header, model, batch_sizes(header))
    return container.write(header, [serialize.to_bytes(own)]), 8 * (borrowed + HEAD_BYTES * lanes)


def decode(file: File, model: Model, *, progress: Progress | None = None) -> np.ndarray:
    """Decodes all images of a file made by BB-ANS.

    Args:
        file: The parsed file.
        model: The model that made it.
        progress: Called with the number of images decoded and the number of all; None reports nothing.

    Returns:
        The images, uint8 [count, *shape].

    Raises:
        FormatError: The file is damaged: the chain does not end on the words that it starts on.
    """
    require_decodable(model)
    header, body = file.header, file.chunk(0)
    count, lanes = header.count, header.parameters["lanes"]
    bits, borrowed = header.parameters["grid_bits"], header.parameters["initial_bytes"]
    require_lanes(lanes, count)
    segments, key = _segments(count, _segment_steps(count, lanes), lanes), randomness.key(header.seed)
    message = serialize.from_bytes(
        body, lanes, message_capacity(max(len(body), borrowed) + 4 * step_bytes(lanes, model))
    )
    message, images = pop_images(model, bits, key, segments, message, counted(progress, count))
    initial_bits.require(message, header.seed, lanes, borrowed)
    return images.reshape(count, *header.image_shape)


def batch_sizes(header: Header) -> set[int]:
    """Returns the numbers of images that a decoder evaluates at a time.

    Args:
        header: The header of the file.

    Returns:
        The set of these numbers, which is the number of lanes alone.
    """
    return {header.parameters["lanes"]}


def require_decodable(model: Model) -> None:
    """Checks that a file can be a chain made with a model.

    Args:
        model: The model.

    Raises:
        FormatError: The posterior of the model is not made of integers.
    """
    try:
        models.require_integer_posterior(model)
    except ValueError as error:
        raise FormatError(str(error)) from error


def require_lanes(lanes: int, count: int) -> None:
    """Checks that a file's number of lanes is one that an encoder chooses.

    Args:
        lanes: The number of lanes that the file states.
        count: The number of images in the chain.

    Raises:
        FormatError: The number is not a power of two, or exceeds the number of images.
    """
    if lanes & (lanes - 1) or lanes > max(count, 1):
        raise FormatError(f"the file codes {count} images in {lanes} lanes, which no encoder does; it is damaged.")


def counted(progress: Progress | None, count: int) -> Callable[[int], None] | None:
    """Makes a callback of the number of images done from one that takes the number of all, too.

    Args:
        progress: Called with the number of images done and the number of all; None reports nothing.
        count: The number of all images.

    Returns:
        A function of the number of images done; None if `progress` is None.
    """
    return None if progress is None else lambda done: progress(done, count)


def _choose_lanes(count: int, model: Model) -> int:
    """Returns a power of two of lanes whose heads, of 4 bytes each, take at most about 0.1% of the file."""
    expected_bytes = count * model.pixels * expected_bits_per_pixel(model) / 8
    lanes = max(1, min(int(expected_bytes / 1000 / HEAD_BYTES), count // 4, _MAX_LANES))
    return 1 << (lanes.bit_length() - 1)


def message_capacity(size: int) -> int:
    """Rounds a number of bytes up to a capacity of messages: a power of two, so that few sizes are compiled.

    Args:
        size: The number of bytes that must fit in.

    Returns:
        The capacity in bytes: at least 1 MiB, which costs no time, and at most `rans.MAX_CAPACITY`.
    """
    return min(max(1 << (size - 1).bit_length(), _LEAST_CAPACITY), rans.MAX_CAPACITY)


def step_bytes(lanes: int, model: Model) -> int:
    """Bounds the bytes that a step of the chain, an image per lane, takes from the message before it adds any.

    A latent takes at most 16 bits. A chain whose images add more bits than they take needs no more than one step takes.

    Args:
        lanes: The number of lanes.
        model: The model.

    Returns:
        The number of bytes.
    """
    return lanes * (2 * model.latents + 16)


def expected_bits_per_pixel(model: Model) -> float:
    """Reads the expected rate of a model from its card.

    No digest covers the card, so an absent or impossible rate is replaced by 0.2.

    Args:
        model: The model.

    Returns:
        The rate in bits per pixel, above 0 and at most 8.
    """
    test = model.metadata.get("test")
    stated = test.get("elbo_bits_per_dim") if isinstance(test, dict) else None
    return float(stated) if isinstance(stated, int | float) and 0 < stated <= 8 else 0.2


def _segment_steps(count: int, lanes: int) -> int:
    """Chooses the steps of a segment: one of few numbers, so that few are compiled.

    In a long chain it also keeps the last segment nearly full, as a step without images costs as much as any other.
    """
    steps = max(1, -(-count // lanes))
    if steps <= _SEGMENT_STEPS // 2:
        return 1 << (steps - 1).bit_length()
    each = -(-steps // -(-steps // _SEGMENT_STEPS))
    return min(-(-each // _STEPS_UNIT) * _STEPS_UNIT, _SEGMENT_STEPS)


def _segments(count: int, steps: int, lanes: int) -> list[SegmentPlaces]:
    rows = -(-count // (lanes * steps)) * steps
    number = np.arange(rows * lanes, dtype=np.int32).reshape(-1, steps, lanes)
    return [SegmentPlaces(part, part < count) for part in number]
