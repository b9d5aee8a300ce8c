"""Codes pictures to the bytes of a file, and back, with a pixel network."""

from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import UInt8

from recjax import compiler
from recjax.codecs.lossless.progress import counted_twice
from recjax.codecs.model_lookup import model_of
from recjax.codecs.pixel_network import streams
from recjax.codecs.pixel_network.coder import batch_of
from recjax.codecs.pixel_network.parallel import in_parallel
from recjax.codecs.pixel_network.tiles import Tiling, side_log2_for
from recjax.container import chunks
from recjax.container import file as container
from recjax.container.file import DIGEST_BYTES, File, Header
from recjax.container.methods import MAX_CHUNK_IMAGES
from recjax.errors import FaultError
from recjax.models.pixel_network.model import PixelModel, find_model

METHOD = "pixel-network"

_STREAM_PIXELS_LOG2 = 16
_BATCHES_OF_CHUNK = 4

Progress = Callable[[int, int], None]


def check_images(images: np.ndarray, model: PixelModel) -> None:
    """Checks that a model can code pictures.

    Args:
        images: The pictures.
        model: The model.

    Raises:
        ValueError: The pictures are not uint8, have no pixels, or not as many channels as the model.
    """
    channels = len(model.channels)
    kind = "grey pictures [count, height, width]" if channels == 1 else "RGB pictures [count, height, width, 3]"
    if images.dtype != np.uint8 or images.shape[3:] != (() if channels == 1 else (3,)) or images.ndim < 3:
        raise ValueError(
            f"the model {model.name!r} is for {kind} of uint8, got {images.dtype} {list(images.shape)}; name another."
        )
    if 0 in images.shape[1:]:
        raise ValueError(f"pictures must have pixels, got the shape {list(images.shape)}.")


@compiler.in_32_bits
def encode(
    images: UInt8[np.ndarray, "count height width *channels"],
    model: PixelModel,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> bytes:
    """Compresses pictures of one shape to a file, which is decoded and compared with them before this returns.

    Args:
        images: The pictures.
        model: The model.
        seed: Stored in the file; no randomness is used.
        progress: Called with the number of pictures done and the number of all; every picture counts twice, once
            encoded and once decoded.

    Returns:
        The bytes of the file. Pictures that would take more bytes coded than raw are stored raw.

    Raises:
        ValueError: The model cannot code these pictures.
    """
    check_images(images, model)
    count = len(images)
    if count == 0:
        return chunks.write_raw(images)
    tiling = Tiling(images.shape[1:], side_log2_for(images.shape[1:]))
    stream_tiles = min(count, 1 << (_STREAM_PIXELS_LOG2 - 2 * tiling.side_log2)) if tiling.tiles == 1 else 1
    most = stream_tiles * batch_of(tiling.side) * _BATCHES_OF_CHUNK
    chunk_images = min(most, count, MAX_CHUNK_IMAGES) if tiling.tiles == 1 else 1
    parameters = {"side_log2": tiling.side_log2, "stream_tiles": stream_tiles, "chunk_images": chunk_images}
    header = Header(METHOD, bytes.fromhex(model.digest)[:DIGEST_BYTES], count, images.shape[1:], seed, parameters)
    encoding, verification = counted_twice(progress, count)
    bodies = []
    for number in range(header.num_chunks):
        own = images[header.images_of(number).start : header.images_of(number).stop]
        works = [streams.work_of(tiling, len(own), some, stream_tiles) for some in _batches(header, tiling, len(own))]
        encode_batch = partial(streams.encode, model, tiling, own)
        parts: list[bytes] = []
        for batch in in_parallel([partial(encode_batch, work) for work in works]):
            parts += batch
            if encoding is not None:
                # The last stream of a chunk may hold fewer tiles than the others.
                done = min(len(parts) * stream_tiles // tiling.tiles, len(own))
                encoding(header.images_of(number).start + done, count)
        bodies.append(chunks.pack_messages(b"".join(parts), np.array([8 * len(part) for part in parts])))
    if sum(map(len, bodies)) >= images.nbytes:
        return chunks.write_raw(images)
    data = container.write(header, bodies)
    decoded = decode(container.read(data, images.nbytes), model, progress=verification)
    if not np.array_equal(decoded, images):
        raise FaultError("the file that was made decodes to other pictures; please report this as a bug.")
    return data


@compiler.in_32_bits
def decode(
    file: File, model: PixelModel | None = None, *, index: int | None = None, progress: Progress | None = None
) -> UInt8[np.ndarray, "..."]:
    """Decodes all pictures of a file, or one of them.

    Args:
        file: The parsed file.
        model: The model that made it; None takes the released model whose digest the header states.
        index: The number of a picture; None decodes all.
        progress: Called with the number of pictures decoded and the number of all.

    Returns:
        The pictures [count, *shape], or the one picture [*shape].

    Raises:
        FormatError: The file is damaged, or was made with another model.
        ValueError: The file has no such picture.
    """
    header = file.header
    model = model_of(header, model, find_model)
    tiling = Tiling(header.image_shape, header.parameters["side_log2"])
    if index is not None:
        chunk, place = file.locate(index)
        return _decode_one(file, model, tiling, chunk, place, progress)
    images = np.zeros((header.count, *header.image_shape), np.uint8)
    for number in range(header.num_chunks):
        own = header.images_of(number)
        _decode_chunk(file, model, tiling, number, images[own.start : own.stop], progress)
        if progress is not None:
            progress(own.stop, header.count)
    return images


def _decode_chunk(
    file: File, model: PixelModel, tiling: Tiling, number: int, images: np.ndarray, progress: Progress | None
) -> None:
    """Decodes all pictures of a chunk into an array."""
    count, stream_tiles, start = (
        len(images),
        file.header.parameters["stream_tiles"],
        file.header.images_of(number).start,
    )
    messages = chunks.unpack_messages(file.chunk(number), _num_streams(tiling, count, stream_tiles))
    works, calls = [], []
    for some in _batches(file.header, tiling, count):
        works.append(streams.work_of(tiling, count, some, stream_tiles))
        parts = [messages.part(stream, stream + 1)[0] for stream in some]
        calls.append(partial(streams.decode, model, tiling, parts, works[-1], stream_tiles))
    for work, batch in zip(works, in_parallel(calls), strict=True):
        for turn, tiles in enumerate(batch):
            live = work.height[:, turn] > 0
            tiling.paste(images, work.numbers[live, turn], tiles[live])
        if progress is not None:
            # Also where no picture is finished, as this is when the time that decoding may take is checked.
            progress(start + min(int(work.numbers[0, 0]) // tiling.tiles, count - 1), file.header.count)


def _decode_one(
    file: File, model: PixelModel, tiling: Tiling, chunk: int, place: int, progress: Progress | None
) -> np.ndarray:
    """Decodes one picture of a chunk, and of the streams only what lies before it."""
    count, stream_tiles = len(file.header.images_of(chunk)), file.header.parameters["stream_tiles"]
    messages = chunks.unpack_messages(file.chunk(chunk), _num_streams(tiling, count, stream_tiles))
    first, last = place * tiling.tiles, (place + 1) * tiling.tiles - 1
    image = np.zeros((1, *tiling.image_shape), np.uint8)
    batch, works, calls = batch_of(tiling.side), [], []
    turns = last % stream_tiles + 1 if tiling.tiles == 1 else stream_tiles
    for start in range(first // stream_tiles, last // stream_tiles + 1, batch):
        some = range(start, min(start + batch, last // stream_tiles + 1))
        works.append(streams.work_of(tiling, count, some, stream_tiles))
        parts = [messages.part(stream, stream + 1)[0] for stream in some]
        calls.append(partial(streams.decode, model, tiling, parts, works[-1], turns))
    for work, tiles_of_turns in zip(works, in_parallel(calls), strict=True):
        for turn, tiles in enumerate(tiles_of_turns):
            mine = (work.height[:, turn] > 0) & (first <= work.numbers[:, turn]) & (work.numbers[:, turn] <= last)
            tiling.paste(image, work.numbers[mine, turn] - first, tiles[mine])
        if progress is not None:
            progress(0, 1)
    return image[0]


def _num_streams(tiling: Tiling, images: int, stream_tiles: int) -> int:
    return -(-images * tiling.tiles // stream_tiles)


def _batches(header: Header, tiling: Tiling, images: int) -> list[range]:
    """Divides the streams of a chunk into batches that are coded at once."""
    count, batch = _num_streams(tiling, images, header.parameters["stream_tiles"]), batch_of(tiling.side)
    return [range(start, min(start + batch, count)) for start in range(0, count, batch)]
