"""Files in which each image lies alone: what their codes take, and files of some of their images without a search."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64, UInt8

from recjax.codecs.lossless import relative_entropy
from recjax.container import chunks
from recjax.container import file as container
from recjax.container.file import Header

Images = UInt8[np.ndarray, "images height width"]


class Alone(NamedTuple):
    """The messages of a file's images: image i owns bits starts[i] to starts[i + 1]; the header is that of the file."""

    header: Header
    bits: UInt8[np.ndarray, "bits"]
    starts: Int64[np.ndarray, "images+1"]

    def message_bits(self, start: int, count: int) -> int:
        """Bits of the messages of images start to start + count - 1, all together."""
        return int(self.starts[start + count] - self.starts[start])

    def file(self, start: int, count: int) -> bytes:
        """The file of images start to start + count - 1."""
        header = Header(**{**vars(self.header), "count": count})
        bodies = []
        for number in range(header.num_chunks):
            part = header.images_of(number)
            edges = self.starts[start + part.start : start + part.stop + 1]
            payload = np.packbits(self.bits[edges[0] : edges[-1]]).tobytes()
            bodies.append(chunks.pack_messages(payload, np.diff(edges)))
        return container.write(header, bodies)


def alone(data: bytes) -> Alone:
    """The messages of a file."""
    header, found = _messages(data)
    lengths = np.concatenate([messages.lengths_bits for messages in found])
    bits = [np.unpackbits(messages.payload)[: int(messages.starts_bits[-1])] for messages in found]
    return Alone(header, np.concatenate(bits), np.concatenate([[0], np.cumsum(lengths)]))


def payload_bits(data: bytes) -> int:
    """Bits of the images' own codes in a file: without header, checksums, directory and padding."""
    return sum(int(messages.lengths_bits.sum()) for messages in _messages(data)[1])


def warm_up_images(images: Images) -> Images:
    """As many of the images as make batches of all the sizes that all of them make, for which searches are compiled."""
    return images[: min(len(images), relative_entropy.BATCH + len(images) % relative_entropy.BATCH)]


def _messages(data: bytes) -> tuple[Header, list[chunks.Messages]]:
    """The header of a file and the messages of each chunk."""
    file = container.read(data)
    counts = [len(file.header.images_of(number)) for number in range(file.header.num_chunks)]
    return file.header, [chunks.unpack_messages(file.chunk(number), count) for number, count in enumerate(counts)]
