"""Writes pictures as implicit neural representations to files, and reads them.

A chunk holds the messages of some pictures, one picture after the other, and of each picture the squares of all levels
in their order. A message is the code of the blocks of one square, so that one picture is decoded without the rest.
Errors are raised here.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt8

from recjax import randomness, rec, sizes
from recjax.codecs.lossy import encode as inr
from recjax.codecs.lossy.encode import Effort, EncoderProgress, SentPictures
from recjax.codecs.lossy.layout import Layout
from recjax.codecs.lossy.plan import INDEX_CODES, LEARNED, PARTITIONS, SHIFT_ZERO, INRSettings, Level, make_levels
from recjax.codecs.plan import code_codec
from recjax.coding import rans, serialize
from recjax.container import chunks
from recjax.container import file as container
from recjax.container.file import File, Header
from recjax.errors import FaultError, FormatError
from recjax.models.inr import fit as inr_fit
from recjax.models.inr import hierarchy as squares
from recjax.models.inr.fit import Fit
from recjax.models.inr.model import INRModel

METHOD = "inr"
"""The name of the method in the table of methods."""

CHUNK_PICTURES = 256
"""Number of pictures in a chunk of a file."""

PATCHES_AT_ONCE = 512
"""Number of patches that are fitted together, unless one picture has more."""

_HEADER_BITS = 8 * 40
"""Approximate size of a header, in bits."""

_DIRECTORY_BITS = 7
"""Approximate bits of a message in the directory of its chunk."""


class Encoding(NamedTuple):
    """Holds a lossy file and what it contains.

    Attributes:
        data: The bytes of the file.
        pixels: The pictures that its decoder shows.
        sent: What was sent, for each batch of pictures that were fitted together.
    """

    data: bytes
    pixels: UInt8[np.ndarray, "picture y x channel"]
    sent: tuple[SentPictures, ...]


def _batches(model: INRModel, pictures: np.ndarray) -> list[slice]:
    """Returns slices of the pictures that are fitted together."""
    tall, wide = inr.patches_of(model, *pictures.shape[1:3])
    at_once = max(PATCHES_AT_ONCE // (tall * wide), 1)
    return [slice(start, min(start + at_once, len(pictures))) for start in range(0, len(pictures), at_once)]


def fit(
    pictures: UInt8[np.ndarray, "picture y x channel"],
    model: INRModel,
    settings: INRSettings,
    steps: int,
    *,
    seed: int = 0,
    progress: Callable[[int, int, EncoderProgress], None] | None = None,
) -> Fit:
    """Fits posteriors from which `encode` can start, with any settings of the same prior.

    Args:
        pictures: The pictures.
        model: The model.
        settings: The settings, of which the prior matters.
        steps: Number of steps, a multiple of 10.
        seed: The seed of the noise.
        progress: Called with the number of a batch, the number of batches, and an `EncoderProgress`; None reports
            nothing.

    Returns:
        The posteriors, [picture, square, variable] for each level.
    """
    batches, weight = _batches(model, pictures), model.weights[settings.prior]
    fits = []
    for number, batch in enumerate(batches):
        report = functools.partial(progress, number, len(batches)) if progress else None
        fits.append(inr.fit(pictures[batch], model, settings, steps, weight=weight, seed=seed, progress=report))
    return inr_fit.join(fits)


def encode(
    pictures: UInt8[np.ndarray, "picture y x channel"],
    model: INRModel,
    settings: INRSettings,
    effort: Effort,
    *,
    weight: float | None = None,
    divergence_bits: float = 0.0,
    seed: int = 0,
    fitted: Fit | None = None,
    progress: Callable[[int, int, EncoderProgress], None] | None = None,
) -> Encoding:
    """Encodes pictures to a file, decodes it, and compares the pixels with those that the encoder expects.

    Args:
        pictures: The pictures.
        model: The model.
        settings: How the latents are sent.
        effort: How long is fitted.
        weight: The weight of the squared error in the objective; None takes the one with which the prior was trained.
        divergence_bits: KL divergence of a picture, in bits, to which the weight is steered; 0 keeps the weight.
        seed: The seed of the randomness that encoder and decoder share.
        fitted: Posteriors to start from, from `fit`; None starts afresh.
        progress: Called with the number of a batch, the number of batches, and an `EncoderProgress`; None reports
            nothing.

    Returns:
        The file, its pixels, and what was sent.

    Raises:
        FaultError: The file does not decode to these pixels.
    """
    batches = _batches(model, pictures)
    weight = model.weights[settings.prior] if weight is None else weight
    sent: list[SentPictures] = []
    for number, batch in enumerate(batches):
        result = inr.search(
            pictures[batch],
            model,
            settings,
            effort,
            weight=weight,
            divergence_bits=divergence_bits * (batch.stop - batch.start),
            seed=seed,
            fitted=None if fitted is None else inr_fit.part(fitted, batch.start, batch.stop),
            progress=functools.partial(progress, number, len(batches)) if progress else None,
        )
        weight = result.weight
        sent.append(result)
    data = write(pictures.shape, model, settings, tuple(sent), seed)
    pixels = np.concatenate([part.pixels for part in sent])
    if not np.array_equal(decode(container.read(data), model), pixels):
        raise FaultError("the file did not decode to what was encoded; please report it with these pictures.")
    return Encoding(data, pixels, tuple(sent))


def overhead_bits(model: INRModel, pictures: int, tall: int, wide: int) -> float:
    """Estimates what the header and the directory of a file take.

    Args:
        model: The model.
        pictures: Number of pictures in the file.
        tall: Rows of patches of a picture.
        wide: Columns of patches of a picture.

    Returns:
        Bits for each picture.
    """
    rows = sum(squares.count(span, tall, wide) for span in model.spans)
    return _DIRECTORY_BITS * rows + _HEADER_BITS / pictures


def write(
    shape: tuple[int, ...], model: INRModel, settings: INRSettings, sent: tuple[SentPictures, ...], seed: int
) -> bytes:
    """Writes a file of what was sent of pictures.

    Args:
        shape: Shape of the pictures, (picture, y, x, channel).
        model: The model.
        settings: How the latents were sent.
        sent: What was sent, batch by batch.
        seed: The seed of the randomness that encoder and decoder share.

    Returns:
        The bytes of the file.
    """
    levels = make_levels(model, settings)
    count = shape[0]
    padded = Layout(model.spans, count, *inr.patches_of(model, *shape[1:3])).padded_squares
    digits = bytes.fromhex(model.digest[:16])
    parameters = {**settings.parameters, "chunk_images": CHUNK_PICTURES}
    header = Header(METHOD, digits, count, tuple(shape[1:]), seed, parameters)
    of_levels = []
    for number, level in enumerate(levels):
        codes = (rec.Code(part.found[number].interval, part.found[number].index) for part in sent)
        whole = jax.tree.map(lambda *parts: np.concatenate(parts), *codes)
        flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), whole)
        of_levels.append([_bit_strings(level, flat, padded[number]), whole.index.shape[1]])
    bodies = []
    for number in range(header.num_chunks):
        strings: list[np.ndarray] = []
        for picture in header.images_of(number):
            for own, squares_of in of_levels:
                strings += own[picture * squares_of : (picture + 1) * squares_of]
        lengths = np.array([len(string) for string in strings], np.int64)
        payload = np.packbits(np.concatenate(strings)).tobytes() if strings else b""
        bodies.append(chunks.pack_messages(payload, lengths))
    return container.write(header, bodies)


def _bit_strings(level: Level, code: rec.Code, padded: int) -> list[np.ndarray]:
    """Encodes codes [row, ...] to messages, as arrays of bits, in one call for rows padded to `padded`."""
    count = len(code.index)
    pushed = _push(level, jax.tree.map(lambda leaf: sizes.repeat_last(leaf, padded), code))
    payload, lengths = serialize.to_bits(jax.tree.map(lambda leaf: np.asarray(leaf)[:count], pushed))
    bits = np.unpackbits(np.frombuffer(payload, np.uint8))[: int(lengths.sum())]
    return np.split(bits, np.cumsum(lengths)[:-1])


@jax.jit
def _push(level: Level, code):
    message = rans.empty((len(code.index),), 1, _capacity(level))
    symbol = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1)[..., None], code)
    return code_codec(level.plan, randomness.key(0)).push(message, symbol)


@jax.jit
def _pop(level: Level, message):
    message, symbol = code_codec(level.plan, randomness.key(0)).pop(message)
    return message, jax.tree.map(lambda leaf: jnp.moveaxis(leaf[..., 0], -1, 0), symbol)


def _capacity(level: Level) -> int:
    """Returns a number of bytes that no message exceeds: 16 bits a symbol, and 48 bits for an index that escapes."""
    blocks, dim = level.plan.shape
    return blocks * (2 * dim + 8) + 8


def decode(
    file: File, model: INRModel, *, index: int | None = None, progress: Callable[[int, int], None] | None = None
) -> UInt8[np.ndarray, "picture y x channel"]:
    """Decodes all pictures of a file, or one of them.

    Args:
        file: The parsed file.
        model: The model that made it.
        index: The number of a picture, from 0; None decodes all.
        progress: Called with the number of pictures decoded and the number of all; None reports nothing.

    Returns:
        The pictures; of one picture, [1, y, x, channel].
    """
    header = file.header
    settings = settings_of(header, model)
    levels = make_levels(model, settings, decoding=True)
    height, width = header.image_shape[:2]
    tall, wide = inr.patches_of(model, height, width)
    at_once = max(PATCHES_AT_ONCE // (tall * wide), 1)
    shown = []
    for number in range(header.num_chunks) if index is None else [file.locate(index)[0]]:
        pictures = len(header.images_of(number))
        messages = chunks.unpack_messages(file.chunk(number), sum(Layout(model.spans, pictures, tall, wide).squares))
        places = range(0, pictures, at_once) if index is None else [file.locate(index)[1]]
        for start in places:
            stop = min(start + at_once, pictures) if index is None else start + 1
            layout = Layout(model.spans, stop - start, tall, wide)
            words = _words(levels, layout, messages, start, randomness.key(header.seed))
            shown.append(inr.show(model, settings.prior, levels, words, height, width))
            if progress:
                progress(*((1, 1) if index is not None else (number * header.chunk_images + stop, header.count)))
    return np.concatenate(shown)


def _words(levels, layout: Layout, messages: chunks.Messages, start: int, key) -> tuple[np.ndarray, ...]:
    """Decodes the words [picture, square, block, dim] of each level, of the pictures of a chunk from `start` on."""
    rows = start + np.arange(layout.pictures)
    counts = [total // layout.pictures for total in layout.squares]
    words, first = [], 0
    bits = np.unpackbits(messages.payload)
    for number, (level, squares_of) in enumerate(zip(levels, counts, strict=True)):
        selected = (rows[:, None] * sum(counts) + first + np.arange(squares_of)).ravel()
        selected = sizes.repeat_last(selected, layout.padded_squares[number])
        first += squares_of
        lengths = messages.lengths_bits[selected]
        if lengths.max() > 8 * (_capacity(level) + 4):
            raise FormatError("a message is longer than any of its model; the file is damaged.")
        strings = [bits[messages.starts_bits[row] : messages.starts_bits[row + 1]] for row in selected]
        payload = np.packbits(np.concatenate(strings)).tobytes()
        message, code = _pop(level, serialize.from_bits(payload, lengths, _capacity(level)))
        if (np.asarray(message.head) != 1).any() or np.asarray(message.size).any():
            raise FormatError("codes do not end where their message does; the file is damaged or of another model.")
        decoded = np.asarray(inr.words_of(level, inr.level_key(key, number), code))[: len(rows) * squares_of]
        words.append(decoded.reshape(len(rows), squares_of, *decoded.shape[1:]))
    return tuple(words)


def settings_of(header: Header, model: INRModel) -> INRSettings:
    """Reads the settings that a header states.

    Args:
        header: The header of a lossy file.
        model: The model that made the file.

    Returns:
        The settings.

    Raises:
        FormatError: The model does not have the prior or the learned code that the header asks for.
    """
    stated = header.parameters
    settings = INRSettings(
        PARTITIONS[stated["partition"]],
        stated["candidates_log2"],
        stated["block_budget_bits_q10"],
        stated["index_code"],
        stated["prior"],
        stated["shift_bits_q10"] - SHIFT_ZERO,
    )
    if settings.prior >= len(model.means):
        raise FormatError(f"the file uses a prior that model {model.name!r} does not have; the file is damaged.")
    unknown = settings.index_code == LEARNED and settings.histogram not in model.index_counts
    if settings.index_code >= len(INDEX_CODES) or unknown:
        raise FormatError(f"the file uses an index code that model {model.name!r} does not have; the file is damaged.")
    return settings
