"""Relative entropy coding of images: each in a message of its own, its latents sent as samples (arXiv:2405.12203).

All images share the streams of candidates of their blocks, so that one is decoded without the others. The messages of a
chunk of images lie one behind the other, without padding between them.
"""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from recjax import grid, randomness, rec
from recjax.codecs.lossless import fingerprint
from recjax.codecs.lossless.pixels import pixel_codec
from recjax.codecs.lossless.plan import make_decoding_plan, make_plan, targets
from recjax.codecs.lossless.settings import Settings, settings_of
from recjax.codecs.plan import LatentPlan, code_codec
from recjax.coding import codec as codecs
from recjax.coding import latent, rans, serialize
from recjax.coding.rans import Message
from recjax.container import chunks
from recjax.container import file as container
from recjax.container.file import File, Header
from recjax.distributions.normal import Normal
from recjax.errors import FormatError
from recjax.models.vae.evaluate import Model
from recjax.rec.trees import tree

CHUNK_IMAGES = 4096
"""Number of images in a chunk of a file."""

BATCH = 256
"""Largest number of images in one compiled call."""

Progress = Callable[[int, int], None]


class SampledLatents(NamedTuple):
    """Holds the latents of a batch of images that a search found or a code names.

    Attributes:
        code: Codes in the layout of the codec, with axes [block, (dim or word,) image, 1].
        words: Words of the latents on the grid, [image, latent].
        info: Diagnostics of the searches, [image, block]; None for decoded latents.
    """

    code: rec.Code | rec.Path
    words: Any
    info: Any


class Parts(NamedTuple):
    """Holds an image codec in its parts, the arguments of `latent.latent_codec`.

    Attributes:
        latent: Conveys the latents by relative entropy coding.
        likelihood: Maps latents to the codec of images.
        posterior: Maps images to the targets of the searches.
    """

    latent: latent.LatentCoder
    likelihood: Callable[[SampledLatents], codecs.Codec]
    posterior: Callable[[Any], Any]


def image_codec(model: Model, plan: LatentPlan, key: randomness.Key, private_key: randomness.Key, size: int) -> Parts:
    """Makes the codec of images [pixels, image, 1], each on a message of its own.

    Args:
        model: The model.
        plan: The plan that encoder and decoder share.
        key: Shared randomness, which names the streams of candidates.
        private_key: Randomness of the searches, which the decoder does not need.
        size: The number of images.

    Returns:
        The parts of the codec.
    """
    shape = (size, *plan.shape)

    def decode(symbol):
        code = jax.tree.map(lambda leaf: jnp.moveaxis(leaf[..., 0], -1, 0), symbol)
        words = rec.decode_words(plan.algorithm, key, code, shape, bins=plan.bins, shared_axes=(0,))
        return SampledLatents(symbol, plan.merge(words), None)

    def likelihood(z):
        return pixel_codec(model, grid.value_fixed(z.words)[:, None])

    coder = latent.relative_entropy(partial(_search, plan, key, private_key), code_codec(plan, key), decode)
    return Parts(coder, likelihood, lambda x: targets(model, plan, x[..., 0].T))


def search(
    model: Model, plan: LatentPlan, key: randomness.Key, private_key: randomness.Key, images: np.ndarray
) -> SampledLatents:
    """Searches for the latents of images.

    This is called outside the jit of the rest, so that what is compiled for a search serves all searches of its size
    (see `rec.encode`).

    Args:
        model: The model.
        plan: The plan that encoder and decoder share.
        key: Shared randomness, which names the streams of candidates.
        private_key: Randomness of the searches, which the decoder does not need.
        images: Images [image, pixels].

    Returns:
        The latents with their codes.
    """
    return _search(plan, key, private_key, targets(model, plan, images))


def _search(plan: LatentPlan, key: randomness.Key, private_key: randomness.Key, q: Normal) -> SampledLatents:
    p = Normal(0.0, 1.0)
    encoded = rec.encode(plan.algorithm, key, q, p, private_key=private_key, bins=plan.bins, shared_axes=(0,))
    return _as_found(plan, encoded)


@jax.jit
def _as_found(plan: LatentPlan, encoded: rec.Encoded) -> SampledLatents:
    symbol = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1)[..., None], encoded.code)
    return SampledLatents(symbol, plan.merge(encoded.words), encoded.info)


def _push(model, plan, key, private_key, images, known: SampledLatents | None) -> tuple[Message, SampledLatents]:
    """Pushes each image [image, pixels] to a message of its own; its latents are searched for unless they are known."""
    sampled = search(model, plan, key, private_key, images) if known is None else known
    return _push_given(model, plan, key, images, sampled), sampled


@jax.jit
def _push_given(model, plan, key, images, z) -> Message:
    parts = image_codec(model, plan, key, key, len(images))
    message = rans.empty((len(images),), 1, _capacity(model, plan))
    return latent.push_given(parts.latent, parts.likelihood, message, images.T[..., None].astype(jnp.uint32), z)


@jax.jit
def _pop(model, plan, key, message) -> tuple[Message, jax.Array]:
    parts = image_codec(model, plan, key, key, len(message.size))
    message, images = latent.latent_codec(*parts).pop(message)
    return message, images[..., 0].T.astype(jnp.uint8)


class Encoding(NamedTuple):
    """Holds a file and the outcome of its searches.

    Attributes:
        data: The bytes of the file.
        words: Words of the latents on the grid, [image, latent].
        code: Codes, with axes [image, block, ...].
        info: Diagnostics of the searches, [image, block].
    """

    data: bytes
    words: np.ndarray
    code: rec.Code | rec.Path
    info: Any


def encode(
    images: np.ndarray,
    model: Model,
    settings: Settings,
    *,
    seed: int,
    progress: Progress | None = None,
    found_before: Encoding | None = None,
) -> Encoding:
    """Encodes images to a file by relative entropy coding.

    Args:
        images: The images, uint8 [count, *shape].
        model: The model.
        settings: How the latents are sent.
        seed: The seed of the shared randomness.
        progress: Called with the number of images encoded and the number of all; None reports nothing.
        found_before: An encoding of the same images with the same seed and search, whose latents are sent again here,
            by the codes of `settings`; None searches.

    Returns:
        The file and the outcome of its searches.
    """
    count = len(images)
    flat = images.reshape(count, model.pixels)
    plan, key = make_plan(model, settings), randomness.key(seed)
    private = randomness.fold_in(key, randomness.PRIVATE)
    bodies, sampled = [], []
    parameters = {**settings.parameters, "chunk_images": CHUNK_IMAGES}
    header = Header(settings.method, bytes.fromhex(model.digest[:16]), count, images.shape[1:], seed, parameters)
    header = fingerprint.marked(header, model, batch_sizes(header))
    for number in range(header.num_chunks):
        chunk = header.images_of(number)
        messages = []
        for start in range(chunk.start, chunk.stop, BATCH):
            stop = min(start + BATCH, chunk.stop)
            batch = pad(flat[start:stop])
            known = None if found_before is None else _found_batch(found_before, start, stop)
            own_key = randomness.fold_in(private, start)
            message, z = _push(model, plan, key, own_key, batch, known)
            messages.append(_take(message, stop - start))
            sampled.append(_found_rows(jax.tree.map(np.asarray, z), stop - start))
            if progress:
                progress(stop, count)
        bodies.append(chunks.pack_messages(*serialize.to_bits(_concatenate(messages))))
    merged = _concatenate(sampled)
    return Encoding(container.write(header, bodies), merged.words, merged.code, merged.info)


def decode(file: File, model: Model, *, index: int | None = None, progress: Progress | None = None) -> np.ndarray:
    """Decodes all images of a file, or one of them.

    Args:
        file: The parsed file.
        model: The model that made it.
        index: The number of an image, from 0, or negative to count from the end; None decodes all.
        progress: Called with the number of images decoded and the number of all; None reports nothing.

    Returns:
        The images, uint8 [count, *shape]; of one image, [1, *shape].

    Raises:
        FormatError: The file is damaged.
        ValueError: The file has no such image.
    """
    header = file.header
    plan, key = make_decoding_plan(model, settings_of(header, model)), randomness.key(header.seed)
    capacity = _capacity(model, plan)
    decoded = []
    if index is not None:
        number, place = file.locate(index)
        batches = [(number, place, place + 1)]
    else:
        batches = [
            (number, start, min(start + BATCH, len(header.images_of(number))))
            for number in range(header.num_chunks)
            for start in range(0, len(header.images_of(number)), BATCH)
        ]
    for number, group in itertools.groupby(batches, key=lambda part: part[0]):
        messages = chunks.unpack_messages(file.chunk(number), len(header.images_of(number)))
        if messages.lengths_bits.max() > 8 * (capacity + 4):
            raise FormatError(f"a message of chunk {number} is longer than any of its model; the file is damaged.")
        for _, start, stop in group:
            message = _pad_messages(serialize.from_bits(*messages.part(start, stop), capacity))
            message, images = _pop(model, plan, key, message)
            _require_empty(_take(message, stop - start))
            decoded.append(np.asarray(images)[: stop - start])
            if progress:
                progress(*((1, 1) if index is not None else (number * header.chunk_images + stop, header.count)))
    flat = np.concatenate(decoded)
    return flat.reshape(len(flat), *header.image_shape)


def batch_sizes(header: Header, index: int | None = None) -> set[int]:
    """Returns the numbers of images that a decoder evaluates at a time.

    Args:
        header: The header of the file.
        index: The number of the image that is decoded; None for all images.

    Returns:
        The set of these numbers.
    """
    if index is not None:
        return {1}
    sizes = {len(header.images_of(number)) for number in (0, header.num_chunks - 1)}
    return {_padded(min(BATCH, size - start)) for size in sizes for start in range(0, size, BATCH)}


def _require_empty(message: Message) -> None:
    if (np.asarray(message.head) != 1).any() or np.asarray(message.size).any():
        raise FormatError("an image does not end where its message does; the file is damaged or of another model.")


def _capacity(model: Model, plan: LatentPlan) -> int:
    """Returns a size in bytes that no message exceeds: 16 bits a symbol or branch, and 48 for an index that escapes."""
    symbols = tree.MAX_DEPTH if plan.blocks is None else plan.shape[-1]
    return 2 * model.pixels + len(plan.masses) * (2 * symbols + 8) + 8


def pad(images: np.ndarray) -> np.ndarray:
    """Pads images to a power of two of them by repeating the last one, so that few sizes are compiled.

    Args:
        images: An array [image, ...] of at least one image.

    Returns:
        The padded array.
    """
    return images[np.minimum(np.arange(_padded(len(images))), len(images) - 1)]


def _padded(count: int) -> int:
    return 1 << (count - 1).bit_length()


def _pad_messages(message: Message) -> Message:
    rows = np.minimum(np.arange(_padded(len(message.size))), len(message.size) - 1)
    return jax.tree.map(lambda leaf: np.asarray(leaf)[rows], message)


def _take(message: Message, count: int) -> Message:
    # With NumPy, as JAX would compile a slice for each count.
    return jax.tree.map(lambda leaf: np.asarray(leaf)[:count], message)


def _concatenate(parts):
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def _found_rows(z: SampledLatents, count: int) -> SampledLatents:
    """Takes the first images of a batch, with the image axis in front."""
    code = jax.tree.map(lambda leaf: np.moveaxis(leaf[..., 0], -1, 0)[:count], z.code)
    return SampledLatents(code, z.words[:count], jax.tree.map(lambda leaf: leaf[:count], z.info))


def _found_batch(encoding: Encoding, start: int, stop: int) -> SampledLatents:
    """Makes a padded batch of the images of an encoding, which undoes `_found_rows`."""
    code, words, info = jax.tree.map(lambda leaf: pad(leaf[start:stop]), (encoding.code, encoding.words, encoding.info))
    return SampledLatents(jax.tree.map(lambda leaf: np.moveaxis(leaf, 0, -1)[..., None], code), words, info)
