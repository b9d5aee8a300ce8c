"""Files of representations: pictures to bytes and back. The host edge, where errors are raised.

A chunk holds the messages of some pictures, picture by picture, of each the squares of all levels in their order. A
message is the code of the blocks of a square, so that what is needed of a picture is decoded without the rest.
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
from recjax.codecs.lossy.encode import Effort, Facts, Sent
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
CHUNK_PICTURES = 256
PATCHES_AT_ONCE = 512
"""That are fitted together, unless one picture has more."""

_HEADER_BITS = 8 * 40
_DIRECTORY_BITS = 7


class Encoding(NamedTuple):
    """A file, what its decoder shows, and what was sent, batch by batch."""

    data: bytes
    pixels: UInt8[np.ndarray, "picture y x channel"]
    sent: tuple[Sent, ...]


def _batches(model: INRModel, pictures: np.ndarray) -> list[slice]:
    """Pictures that are fitted together."""
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
    progress: Callable[[int, int, Facts], None] | None = None,
) -> Fit:
    """Posteriors from which `encode` can start, for any settings of the same prior."""
    batches, weight = _batches(model, pictures), model.weights[settings.prior]
    fits = []
    for number, batch in enumerate(batches):
        told = functools.partial(progress, number, len(batches)) if progress else None
        fits.append(inr.fit(pictures[batch], model, settings, steps, weight=weight, seed=seed, progress=told))
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
    progress: Callable[[int, int, Facts], None] | None = None,
) -> Encoding:
    """The file of pictures, decoded again and compared with what was fitted.

    weight: of the squared error, by default that of the prior of the settings. divergence_bits: of a picture, to which
    the weight is steered, unless it is 0. fitted: by `fit`, where to start. progress(batch, batches, facts) is called
    meanwhile.
    """
    batches = _batches(model, pictures)
    weight = model.weights[settings.prior] if weight is None else weight
    sent: list[Sent] = []
    for number, batch in enumerate(batches):
        found = inr.search(
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
        weight = found.weight
        sent.append(found)
    data = write(pictures.shape, model, settings, tuple(sent), seed)
    pixels = np.concatenate([part.pixels for part in sent])
    if not np.array_equal(decode(container.read(data), model), pixels):
        raise FaultError("the file did not decode to what was encoded; please report it with these pictures.")
    return Encoding(data, pixels, tuple(sent))


def overhead_bits(model: INRModel, pictures: int, tall: int, wide: int) -> float:
    """About what header and directory take, for each of so many pictures of tall x wide patches."""
    rows = sum(squares.count(span, tall, wide) for span in model.spans)
    return _DIRECTORY_BITS * rows + _HEADER_BITS / pictures


def write(shape: tuple[int, ...], model: INRModel, settings: INRSettings, sent: tuple[Sent, ...], seed: int) -> bytes:
    """The file of what was sent of pictures of a shape [picture, y, x, channel]."""
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
    """The messages of codes [row, block ...], as arrays of bits; `padded` rows are coded at once."""
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
    """Bytes that no message exceeds: 16 bits a symbol, and an index may escape to 48."""
    blocks, dim = level.plan.shape
    return blocks * (2 * dim + 8) + 8


def decode(
    file: File, model: INRModel, *, index: int | None = None, progress: Callable[[int, int], None] | None = None
) -> UInt8[np.ndarray, "picture y x channel"]:
    """The pictures of a file, or only picture `index`, [1, y, x, channel]."""
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
    """Words [picture, square, block, dim] of each level, of the pictures of a chunk from `start` on."""
    rows = start + np.arange(layout.pictures)
    counts = [total // layout.pictures for total in layout.squares]
    words, first = [], 0
    bits = np.unpackbits(messages.payload)
    for number, (level, squares_of) in enumerate(zip(levels, counts, strict=True)):
        wanted = (rows[:, None] * sum(counts) + first + np.arange(squares_of)).ravel()
        wanted = sizes.repeat_last(wanted, layout.padded_squares[number])
        first += squares_of
        lengths = messages.lengths_bits[wanted]
        if lengths.max() > 8 * (_capacity(level) + 4):
            raise FormatError("a message is longer than any of its model; the file is damaged.")
        strings = [bits[messages.starts_bits[row] : messages.starts_bits[row + 1]] for row in wanted]
        payload = np.packbits(np.concatenate(strings)).tobytes()
        message, code = _pop(level, serialize.from_bits(payload, lengths, _capacity(level)))
        if (np.asarray(message.head) != 1).any() or np.asarray(message.size).any():
            raise FormatError("codes do not end where their message does; the file is damaged or of another model.")
        found = np.asarray(inr.words_of(level, inr.level_key(key, number), code))[: len(rows) * squares_of]
        words.append(found.reshape(len(rows), squares_of, *found.shape[1:]))
    return tuple(words)


def settings_of(header: Header, model: INRModel) -> INRSettings:
    """The settings that a header states; FormatError if the model does not have what they need."""
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
