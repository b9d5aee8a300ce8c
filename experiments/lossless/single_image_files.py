"""Takes apart files in which each image is coded on its own, and makes files of some images without a new search."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64, UInt8

from recjax.codecs.lossless import relative_entropy
from recjax.container import chunks
from recjax.container import file as container
from recjax.container.file import Header

Images = UInt8[np.ndarray, "images height width"]


class Alone(NamedTuple):
    """Holds the messages of a file's images.

    Attributes:
        header: The header of the file.
        bits: The bits of all messages, 0 or 1 each.
        starts: Where messages begin: image i owns bits starts[i] to starts[i + 1] - 1.
    """

    header: Header
    bits: UInt8[np.ndarray, "bits"]
    starts: Int64[np.ndarray, "images+1"]

    def message_bits(self, start: int, count: int) -> int:
        """Returns the number of bits of consecutive messages, all together.

        Args:
            start: The first image.
            count: The number of images.

        Returns:
            The number of bits.
        """
        return int(self.starts[start + count] - self.starts[start])

    def file(self, start: int, count: int) -> bytes:
        """Makes the file of consecutive images.

        Args:
            start: The first image.
            count: The number of images.

        Returns:
            The bytes of the file.
        """
        header = Header(**{**vars(self.header), "count": count})
        bodies = []
        for number in range(header.num_chunks):
            part = header.images_of(number)
            edges = self.starts[start + part.start : start + part.stop + 1]
            payload = np.packbits(self.bits[edges[0] : edges[-1]]).tobytes()
            bodies.append(chunks.pack_messages(payload, np.diff(edges)))
        return container.write(header, bodies)


def alone(data: bytes) -> Alone:
    """Reads the messages of a file.

    Args:
        data: The bytes of a file in which each image is coded on its own.

    Returns:
        The messages.
    """
    header, found = _messages(data)
    lengths = np.concatenate([messages.lengths_bits for messages in found])
    bits = [np.unpackbits(messages.payload)[: int(messages.starts_bits[-1])] for messages in found]
    return Alone(header, np.concatenate(bits), np.concatenate([[0], np.cumsum(lengths)]))


def payload_bits(data: bytes) -> int:
    """Counts the bits of the images' own codes in a file, without header, checksums, directory and padding.

    Args:
        data: The bytes of a file in which each image is coded on its own.

    Returns:
        The number of bits.
    """
    return sum(int(messages.lengths_bits.sum()) for messages in _messages(data)[1])


def warm_up_images(images: Images) -> Images:
    """Returns just enough images to compile the searches for all batch sizes that coding all of them needs.

    Args:
        images: All images.

    Returns:
        The first of the images.
    """
    return images[: min(len(images), relative_entropy.BATCH + len(images) % relative_entropy.BATCH)]


def _messages(data: bytes) -> tuple[Header, list[chunks.Messages]]:
    """Reads the header of a file and the messages of each chunk."""
    file = container.read(data)
    counts = [len(file.header.images_of(number)) for number in range(file.header.num_chunks)]
    return file.header, [chunks.unpack_messages(file.chunk(number), count) for number, count in enumerate(counts)]
