"""BB-ANS: all images in one chain, every lane coding every lanes-th image (Townsend et al. 2019, arXiv:1901.04866).

The chain starts on words of the shared stream. Bits-back pops the first images' latents from them, so they are in the
file as information; when everything is decoded they come back, and are compared with the stream.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Int32

from recjax import container, grid, randomness
from recjax.coding import codec as codecs
from recjax.coding import latent, wire
from recjax.coding import message as rans
from recjax.coding.message import Message
from recjax.coding.normal import discretised_normal
from recjax.container import File, Header
from recjax.errors import FormatError
from recjax.models import model as models
from recjax.models.model import Model

GRID_BITS = 10
# A step of the chain codes one image per lane; this many steps are one compiled call.
_SEGMENT_STEPS = 64
_MAX_LANES = 256
_HEAD_BYTES = 4

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
    cdf_rows = jnp.asarray(models.cdf_rows(model))

    def likelihood(words):
        return codecs.scan(lambda row: codecs.family(cdf_rows, row), symbol_rows(model, words, bits))

    coder = latent.bits_back(
        prior=codecs.scan(lambda one: codecs.padded_bits(bits, one), pad),
        posterior_codec=lambda q: codecs.scan(lambda one: discretised_normal(one[0], one[1], bits), q),
    )
    return Parts(coder, likelihood, lambda x: posterior(model, x))


def posterior(model: Model, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Means and log2 scales of the latents [latents, lanes] of images [pixels, lanes], see `models.posterior`."""
    mean, log2_scale = models.posterior(model, x.T.astype(jnp.uint8))
    return mean.T, log2_scale.T


def symbol_rows(model: Model, words: jax.Array, bits: int) -> jax.Array:
    """Row of the model's mass table for each pixel [pixels, lanes], given words of the latents [latents, lanes]."""
    return models.symbol_rows(model, grid.value_fixed(words, bits).T).T


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

    return codecs.scan(one_step, (jnp.swapaxes(pads, -1, -2), places.active))


@partial(jax.jit, static_argnums=1)
def _push(model: Model, bits: int, key: randomness.Key, places: Places, message: Message, images: jax.Array) -> Message:
    return _chain(model, bits, key, places).push(message, images.astype(jnp.uint32))


@partial(jax.jit, static_argnums=1)
def _pop(model: Model, bits: int, key: randomness.Key, places: Places, message: Message) -> tuple[Message, jax.Array]:
    message, images = _chain(model, bits, key, places).pop(message)
    return message, images.astype(jnp.uint8)


def encode(images: np.ndarray, model: Model, *, seed: int, progress: Progress | None = None) -> tuple[bytes, int]:
    """The file of images [count, *shape], and the number of initial bits in it.

    ValueError if the model's posterior is not one of integers.
    """
    models.require_integer_posterior(model)
    count, pixels = len(images), model.pixels
    lanes = _choose_lanes(count, model)
    steps = _segment_steps(count, lanes)
    segments, key = _segments(count, steps, lanes), randomness.key(seed)
    padded = np.zeros((len(segments) * steps * lanes, pixels), np.uint8)
    padded[:count] = images.reshape(count, pixels)
    padded = padded.reshape(len(segments), steps, lanes, pixels).transpose(0, 1, 3, 2)
    initial = _step_bytes(lanes, model)
    for _ in range(4):
        # Twice the images' own size; a file that needs more is stored raw anyway.
        capacity = min(_bucket(initial + 2 * count * pixels + 64), rans.MAX_CAPACITY)
        message = _initial_message(seed, lanes, initial, capacity)
        for number, places in reversed(list(enumerate(segments))):
            message = _push(model, GRID_BITS, key, places, message, padded[number])
            if progress:
                progress(count - number * steps * lanes, count)
        if not int(message.fault) & rans.UNDERFLOW:
            break
        initial *= 4
    untouched = int(message.low)
    borrowed = initial - untouched
    own = message._replace(tail=np.asarray(message.tail)[untouched:], size=message.size - untouched)
    parameters = {"lanes": lanes, "grid_bits": GRID_BITS, "initial_bytes": borrowed}
    header = Header("bb-ans", bytes.fromhex(model.digest[:16]), count, images.shape[1:], seed, parameters)
    return container.write(header, [wire.to_bytes(own)]), 8 * (borrowed + _HEAD_BYTES * lanes)


def decode(file: File, model: Model, *, progress: Progress | None = None) -> np.ndarray:
    """The images [count, *shape] of a file; FormatError if the chain does not end where it began."""
    try:
        models.require_integer_posterior(model)
    except ValueError as error:
        raise FormatError(str(error)) from error
    header, body = file.header, file.chunk(0)
    count, lanes = header.count, header.parameters["lanes"]
    bits, borrowed = header.parameters["grid_bits"], header.parameters["initial_bytes"]
    if lanes & (lanes - 1) or lanes > count:
        raise FormatError(f"the file codes {count} images in {lanes} lanes, which no encoder does; it is damaged.")
    steps = _segment_steps(count, lanes)
    segments, key = _segments(count, steps, lanes), randomness.key(header.seed)
    message = wire.from_bytes(body, lanes, _bucket(max(len(body), borrowed) + 4 * _step_bytes(lanes, model)))
    decoded = np.zeros((len(segments), steps, model.pixels, lanes), np.uint8)
    for number, places in enumerate(segments):
        message, images = _pop(model, bits, key, places, message)
        if int(message.fault):
            raise FormatError("the chain of images ends before the last of them; the file is damaged.")
        decoded[number] = np.asarray(images)
        if progress:
            progress(min((number + 1) * steps * lanes, count), count)
    _require_start(message, header.seed, lanes, borrowed)
    flat = decoded.transpose(0, 1, 3, 2).reshape(-1, model.pixels)[:count]
    return flat.reshape(count, *header.image_shape)


def _initial_message(seed: int, lanes: int, size: int, capacity: int) -> Message:
    heads, top = _initial(seed, lanes, size)
    tail = np.zeros(capacity, np.uint8)
    tail[:size] = top
    full = jnp.asarray(size, jnp.int32)
    parts = (jnp.asarray(heads), jnp.asarray(tail), full, full, jnp.zeros_like(full))
    return Message(*parts, active=jnp.ones(lanes, bool))


def _initial(seed: int, lanes: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Heads, and the last `size` bytes of an endless tail: byte i counts from the heads down, whatever the size."""
    words = np.asarray(_initial_words(randomness.key(seed), _bucket(max(lanes, size))))
    return rans.HEAD_MIN | (words[0, :lanes] >> 8), (words[1, :size] >> 24).astype(np.uint8)[::-1]


@partial(jax.jit, static_argnums=1)
def _initial_words(key: randomness.Key, count: int) -> jax.Array:
    index = jnp.arange(count, dtype=jnp.uint32)
    return randomness.words(key, randomness.INITIAL, (jnp.arange(2, dtype=jnp.uint32)[:, None], index), 1)[..., 0]


def _require_start(message: Message, seed: int, lanes: int, borrowed: int) -> None:
    heads, tail = _initial(seed, lanes, borrowed)
    same = int(message.size) == borrowed and not int(message.fault)
    if same and np.array_equal(message.head, heads) and np.array_equal(message.tail[:borrowed], tail):
        return
    raise FormatError("the images do not decode to the chain's start; the file is damaged or of another model.")


def _choose_lanes(count: int, model: Model) -> int:
    """A power of two of lanes, whose heads (4 bytes each) take at most some 0.1% of the file."""
    expected_bytes = count * model.pixels * _expected_bits_per_pixel(model) / 8
    lanes = max(1, min(int(expected_bytes / 1000 / _HEAD_BYTES), count // 4, _MAX_LANES))
    return 1 << (lanes.bit_length() - 1)


def _step_bytes(lanes: int, model: Model) -> int:
    """Bytes that an image per lane borrows at the most, 16 bits a latent: a chain that gains bits asks for no more."""
    return lanes * (2 * model.latents + 16)


def _expected_bits_per_pixel(model: Model) -> float:
    return float(model.metadata.get("test", {}).get("elbo_bits_per_dim", 0.2))


def _segment_steps(count: int, lanes: int) -> int:
    steps = max(1, -(-count // lanes))
    return min(1 << (steps - 1).bit_length(), _SEGMENT_STEPS)


def _segments(count: int, steps: int, lanes: int) -> list[Places]:
    rows = -(-count // (lanes * steps)) * steps
    number = np.arange(rows * lanes, dtype=np.int32).reshape(-1, steps, lanes)
    return [Places(part, part < count) for part in number]


def _bucket(size: int) -> int:
    """The next size of a few per octave, so that files of similar size share a compiled function."""
    step = max(1 << max(size.bit_length() - 3, 0), 1 << 12)
    return -(-size // step) * step
