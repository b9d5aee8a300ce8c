"""Files of some images of a file in which each image lies alone, without a search of their own."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64, UInt8

from recjax import chunks, container
from recjax.container import Header


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
    file = container.read(data)
    found = [
        chunks.unpack_messages(file.chunk(number), len(file.header.images_of(number)))
        for number in range(file.header.num_chunks)
    ]
    lengths = np.concatenate([messages.lengths_bits for messages in found])
    bits = [np.unpackbits(messages.payload)[: int(messages.starts_bits[-1])] for messages in found]
    return Alone(file.header, np.concatenate(bits), np.concatenate([[0], np.cumsum(lengths)]))
