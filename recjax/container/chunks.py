"""Bodies of chunks: the messages of images, each of its own bit length, or the images as they are."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Int64, UInt8

from recjax.container import directory
from recjax.container.file import DIGEST_BYTES, File, Header, write
from recjax.errors import FormatError


class Messages(NamedTuple):
    """The messages of a chunk: image i owns bits starts_bits[i] to starts_bits[i + 1] of payload, high bit first."""

    starts_bits: Int64[np.ndarray, "images+1"]
    payload: UInt8[np.ndarray, "bytes"]

    @property
    def lengths_bits(self) -> Int64[np.ndarray, "images"]:
        """Bits of each message."""
        return np.diff(self.starts_bits)

    def part(self, start: int, stop: int) -> tuple[bytes, Int64[np.ndarray, "part"]]:
        """The messages of images start to stop - 1 as `pack_messages` takes them, without looking at the others."""
        first, last = int(self.starts_bits[start]), int(self.starts_bits[stop])
        covering = np.unpackbits(self.payload[first // 8 : (last + 7) // 8])
        return np.packbits(covering[first % 8 : first % 8 + last - first]).tobytes(), self.lengths_bits[start:stop]


def pack_messages(payload: bytes, lengths_bits: Int[np.ndarray, "images"]) -> bytes:
    """Body of a chunk: the directory of the lengths, then the messages, whose bits lie in `payload` without gaps."""
    if len(payload) != -(-int(lengths_bits.sum()) // 8):
        raise ValueError(f"messages of {int(lengths_bits.sum())} bits in all do not fill {len(payload)} bytes.")
    return directory.encode(lengths_bits) + payload


def unpack_messages(body: bytes, images: int) -> Messages:
    """The messages of a chunk of `images` images (Header.images_of)."""
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
    """The file that stores images as they are: what a codec falls back to when coding would not make them smaller."""
    return write(Header("raw", bytes(DIGEST_BYTES), images.shape[0], images.shape[1:]), [images.tobytes()])


def read_raw(file: File) -> UInt8[np.ndarray, "count height width *channels"]:
    """The images of a raw file."""
    body = file.chunk(0)
    if len(body) != file.header.raw_bytes:
        raise FormatError(f"a raw file of {file.header.raw_bytes} bytes of images holds {len(body)}; it is damaged.")
    return np.frombuffer(body, np.uint8).reshape(file.header.count, *file.header.image_shape).copy()


def describe_messages(file: File) -> dict[str, object]:
    """Tells how long the messages of a file are whose chunks hold one for each image.

    Args:
        file: The parsed file.

    Returns:
        The bytes of all directories, and the mean, least and largest number of bits of a message; nothing for a file
        without images.
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
