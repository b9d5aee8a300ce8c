"""The body of a chunk: one message for each image, each of its own length in bits, or the raw pixels."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Int64, UInt8

from recjax.container import directory
from recjax.container.file import DIGEST_BYTES, File, Header, write
from recjax.errors import FormatError


class Messages(NamedTuple):
    """The messages of a chunk, packed one after another without gaps.

    Image i owns the bits from starts_bits[i] up to, but not including, starts_bits[i + 1] of the payload, where the
    first bit is the highest bit of the first byte.

    Attributes:
        starts_bits: Where each message begins, in bits, and where the last one ends; int64 [images + 1].
        payload: The packed bits, uint8 [bytes].
    """

    starts_bits: Int64[np.ndarray, "images+1"]
    payload: UInt8[np.ndarray, "bytes"]

    @property
    def lengths_bits(self) -> Int64[np.ndarray, "images"]:
        """The length of each message in bits, int64 [images]."""
        return np.diff(self.starts_bits)

    def part(self, start: int, stop: int) -> tuple[bytes, Int64[np.ndarray, "part"]]:
        """Cuts out the messages of consecutive images, without reading the others.

        Args:
            start: The first image.
            stop: The image after the last one.

        Returns:
            The messages packed from the first bit of a byte on, and their lengths in bits, int64 [stop - start]: the
            arguments of `pack_messages`.
        """
        first, last = int(self.starts_bits[start]), int(self.starts_bits[stop])
        covering = np.unpackbits(self.payload[first // 8 : (last + 7) // 8])
        return np.packbits(covering[first % 8 : first % 8 + last - first]).tobytes(), self.lengths_bits[start:stop]


def pack_messages(payload: bytes, lengths_bits: Int[np.ndarray, "images"]) -> bytes:
    """Makes the body of a chunk: a directory of the lengths, then the messages.

    Args:
        payload: The messages one after another without gaps, padded with zero bits to a whole byte.
        lengths_bits: The length of each message in bits, in the order of the images.

    Returns:
        The body of the chunk.

    Raises:
        ValueError: The lengths do not add up to the payload, or one is not in [0, 2^32).
    """
    if len(payload) != -(-int(lengths_bits.sum()) // 8):
        raise ValueError(f"messages of {int(lengths_bits.sum())} bits in all do not fill {len(payload)} bytes.")
    return directory.encode(lengths_bits) + payload


def unpack_messages(body: bytes, images: int) -> Messages:
    """Reads the messages from the body of a chunk.

    Args:
        body: The body of the chunk.
        images: How many images the chunk has, which is the length of `Header.images_of`.

    Returns:
        The messages of these images, in order.

    Raises:
        FormatError: The body is damaged: lengths and payload do not fit each other, or padding is not zero.
    """
    lengths_bits, position = directory.decode(body, images)
    starts_bits = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths_bits)])
    payload = np.frombuffer(body, np.uint8, offset=position)
    if payload.size != -(-int(starts_bits[-1]) // 8):
        raise FormatError(
            f"a chunk holds {payload.size} bytes of messages where its directory says {int(starts_bits[-1])} bits; "
            "the file is damaged, fetch it again."
        )
    if payload.size and payload[-1] & (1 << -int(starts_bits[-1]) % 8) - 1:
        raise FormatError("the padding of a chunk is not zero; the file is damaged, fetch it again.")
    return Messages(starts_bits, payload)


def write_raw(images: UInt8[np.ndarray, "count height width *channels"]) -> bytes:
    """Makes a file that stores images uncompressed, which codecs fall back to when coding would not make them smaller.

    Args:
        images: The images, uint8 [count, height, width] or [count, height, width, channels].

    Returns:
        The bytes of the file.

    Raises:
        ValueError: An image has no pixels.
    """
    return write(Header("raw", bytes(DIGEST_BYTES), images.shape[0], images.shape[1:]), [images.tobytes()])


def read_raw(file: File) -> UInt8[np.ndarray, "count height width *channels"]:
    """Reads the images of a file that stores them uncompressed.

    Args:
        file: A parsed file of the method `raw`.

    Returns:
        A copy of the images, uint8 [count, *image_shape].

    Raises:
        FormatError: The checksum is wrong, or the body does not have the size of the images.
    """
    body = file.chunk(0)
    if len(body) != file.header.raw_bytes:
        raise FormatError(f"a raw file of {file.header.raw_bytes} bytes of images holds {len(body)}; it is damaged.")
    return np.frombuffer(body, np.uint8).reshape(file.header.count, *file.header.image_shape).copy()


def describe_messages(file: File) -> dict[str, object]:
    """Describes the lengths of the messages of a file, if its chunks have one message for each image.

    Args:
        file: A parsed file.

    Returns:
        The size of all directories in bytes ("directory_bytes"), and the mean, least and largest length of a message in
        bits ("message_bits"); empty for a file without images.

    Raises:
        FormatError: A chunk is damaged.
    """
    header = file.header
    if not header.count:
        return {}
    bodies = [file.chunk(number) for number in range(header.num_chunks)]
    parts = [unpack_messages(body, len(header.images_of(number))) for number, body in enumerate(bodies)]
    lengths = [int(bits) for messages in parts for bits in messages.lengths_bits]
    return {
        "directory_bytes": sum(map(len, bodies)) - sum(messages.payload.size for messages in parts),
        "message_bits": {
            "mean": round(sum(lengths) / len(lengths), 2),
            "min": min(lengths),
            "max": max(lengths),
        },
    }


def describe_streams(file: File) -> dict[str, object]:
    """Describes the streams of a file of tiles.

    Args:
        file: A parsed file.

    Returns:
        The side of the largest tiles in pixels ("tile_side") and the number of tiles of a picture ("tiles").
    """
    side = 1 << file.header.parameters["side_log2"]
    rows, columns = (-(-size // side) for size in file.header.image_shape[:2])
    return {"tile_side": side, "tiles": rows * columns}
