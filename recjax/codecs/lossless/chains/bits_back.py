"""BB-ANS: all images in one chain, every lane coding every lanes-th image (Townsend et al. 2019, arXiv:1901.04866).

The chain starts on words of the shared stream (`stream_start`), or on images that were sent otherwise (`rec_start`).
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
# A step of the chain codes one image per lane; so many steps at the most are one compiled call.
_SEGMENT_STEPS = 64
_STEPS_UNIT = 8
_MAX_LANES = 256
_LEAST_CAPACITY = 1 << 20
HEAD_BYTES = 4

Progress = Callable[[int, int], None]


class Parts(NamedTuple):
    """An image codec in its parts, the arguments of `latent.latent_codec`; images are [pixels, lanes]."""

    latent: latent.LatentCoder
    likelihood: Callable[[jax.Array], codecs.Codec]
    posterior: Callable[[jax.Array], tuple[jax.Array, jax.Array]]


def image_codec(model: Model, bits: int, pad: jax.Array) -> Parts:
    """Codec of images [pixels, lanes] through the model's latents, by bits-back; decodes in integers only.

    pad: words [latents, lanes] of `bits` bits, for `codecs.padded_bits`.
    """

    def likelihood(words):
        return pixel_codec(model, grid.value_fixed(words, bits).T)

    coder = latent.bits_back(
        prior=sequence.scan(lambda one: codecs.padded_bits(bits, one), pad),
        posterior_codec=lambda q: sequence.scan(lambda one: discretised_normal(one[0], one[1], bits), q),
    )
    return Parts(coder, likelihood, lambda x: posterior(model, x))


def posterior(model: Model, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Means and log2 scales of the latents [latents, lanes] of images [pixels, lanes], see `models.posterior`."""
    mean, log2_scale = models.posterior(model, x.T.astype(jnp.uint8))
    return mean.T, log2_scale.T


class Places(NamedTuple):
    """Where the images of a segment lie. number: of the image at each step and lane. active: whether there is one."""

    number: Int32[np.ndarray, "steps lanes"]
    active: Bool[np.ndarray, "steps lanes"]


def _chain(model: Model, bits: int, key: randomness.Key, places: Places) -> codecs.Codec:
    """Codec of [steps, pixels, lanes] images; lanes that have no image at a step are left alone."""
    # One image's latents are popped from the bits of the last one's. Unless those are as good as random, all images of
    # a chain get related latents, and latents whose posteriors are wider than the prior drift to its ends.
    pads = randomness.words(key, randomness.PAD, (places.number.astype(jnp.uint32),), model.latents) >> (32 - bits)

    def one_step(step):
        pad, active = step
        return codecs.masked(latent.latent_codec(*image_codec(model, bits, pad)), active)

    return sequence.scan(one_step, (jnp.swapaxes(pads, -1, -2), places.active))


@partial(jax.jit, static_argnums=1)
def _push(model: Model, bits: int, key: randomness.Key, places: Places, message: Message, images: jax.Array) -> Message:
    return _chain(model, bits, key, places).push(message, images.astype(jnp.uint32))


@partial(jax.jit, static_argnums=1)
def _pop(model: Model, bits: int, key: randomness.Key, places: Places, message: Message) -> tuple[Message, jax.Array]:
    message, images = _chain(model, bits, key, places).pop(message)
    return message, images.astype(jnp.uint8)


def push_images(
    model: Model,
    bits: int,
    key: randomness.Key,
    segments: list[Places],
    message: Message,
    images: UInt8[np.ndarray, "image pixels"],
    progress: Callable[[int], None] | None = None,
) -> Message:
    """The message with the images of all segments on it, or one with a fault; `progress(done)` counts images."""
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
    segments: list[Places],
    message: Message,
    progress: Callable[[int], None] | None = None,
) -> tuple[Message, UInt8[np.ndarray, "image pixels"]]:
    """Undo `push_images`; FormatError if the message ends too early."""
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
    """The file of images [count, *shape], and the number of initial bits in it.

    ValueError if the model's posterior is not one of integers.
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
    """The images [count, *shape] of a file; FormatError if the chain does not end where it began."""
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
    """Images that are decoded at a time."""
    return {header.parameters["lanes"]}


def require_decodable(model: Model) -> None:
    """FormatError if no chain can be of this model, whose posterior is not one of integers."""
    try:
        models.require_integer_posterior(model)
    except ValueError as error:
        raise FormatError(str(error)) from error


def require_lanes(lanes: int, count: int) -> None:
    """FormatError for a number of lanes that no encoder takes for so many images."""
    if lanes & (lanes - 1) or lanes > max(count, 1):
        raise FormatError(f"the file codes {count} images in {lanes} lanes, which no encoder does; it is damaged.")


def counted(progress: Progress | None, count: int) -> Callable[[int], None] | None:
    """Progress of a chain as that of `count` images."""
    return None if progress is None else lambda done: progress(done, count)


def _choose_lanes(count: int, model: Model) -> int:
    """A power of two of lanes, whose heads (4 bytes each) take at most some 0.1% of the file."""
    expected_bytes = count * model.pixels * expected_bits_per_pixel(model) / 8
    lanes = max(1, min(int(expected_bytes / 1000 / HEAD_BYTES), count // 4, _MAX_LANES))
    return 1 << (lanes.bit_length() - 1)


def message_capacity(size: int) -> int:
    """Powers of two, so that few sizes are compiled; of at least a mebibyte, which takes no time."""
    return min(max(1 << (size - 1).bit_length(), _LEAST_CAPACITY), rans.MAX_CAPACITY)


def step_bytes(lanes: int, model: Model) -> int:
    """Bytes that an image per lane borrows at the most, 16 bits a latent: a chain that gains bits asks for no more."""
    return lanes * (2 * model.latents + 16)


def expected_bits_per_pixel(model: Model) -> float:
    """As the model's card states it, which no digest covers; 0.2 where it states nothing that can be."""
    test = model.metadata.get("test")
    stated = test.get("elbo_bits_per_dim") if isinstance(test, dict) else None
    return float(stated) if isinstance(stated, int | float) and 0 < stated <= 8 else 0.2


def _segment_steps(count: int, lanes: int) -> int:
    """Few numbers, so that few are compiled; long segments have few steps without an image, which cost as much."""
    steps = max(1, -(-count // lanes))
    if steps <= _SEGMENT_STEPS // 2:
        return 1 << (steps - 1).bit_length()
    each = -(-steps // -(-steps // _SEGMENT_STEPS))
    return min(-(-each // _STEPS_UNIT) * _STEPS_UNIT, _SEGMENT_STEPS)


def _segments(count: int, steps: int, lanes: int) -> list[Places]:
    rows = -(-count // (lanes * steps)) * steps
    number = np.arange(rows * lanes, dtype=np.int32).reshape(-1, steps, lanes)
    return [Places(part, part < count) for part in number]
