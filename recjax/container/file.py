"""The file: a header, then chunks of images, each under a CRC-32 that covers the header too. FORMAT.md specifies it.

Nothing here knows a model or a coder, and nothing imports JAX. Whatever a file declares is bounded before anything is
allocated for it; bytes that are not a good file raise FormatError.
"""

import math
import operator
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from recjax.container import varint
from recjax.container.limits import MAX_RAW_BYTES
from recjax.container.methods import METHODS, of_number
from recjax.errors import FormatError

MAGIC = b"RJX"
FORMAT_VERSION = 1
FLOAT_FORMAT_VERSION = 2
"""Of files whose decoder evaluates networks in floats, for research; all others are of FORMAT_VERSION."""

STREAM_VERSION = 1
DIGEST_BYTES = 8
FINGERPRINT_BYTES = 8

_CRC_BYTES = 4
_SLACK_BYTES = 1 << 16
# A file may be this many times smaller than its images, or larger: beyond, it is hostile, and raw storage is better.
_MAX_RATIO = 4096
_MAX_EXPANSION = 4


@dataclass(frozen=True)
class Header:
    """What a decoder must know before it starts.

    method: a key of METHODS.
    model_digest: first 8 bytes of the model's SHA-256, zeros for raw.
    count: number of images.
    image_shape: (height, width) or (height, width, channels) of the uint8 images.
    seed: of the shared stream, in [0, 2^64).
    parameters: value by name, exactly the names that the method has; methods without chunk_images have one chunk.
    fingerprint: 8 bytes of how floats come out where the file was made, or none if it is exact, as files should be.

    ValueError if a field is out of range.
    """

    method: str
    model_digest: bytes
    count: int
    image_shape: tuple[int, ...]
    seed: int = 0
    parameters: dict[str, int] = field(default_factory=dict)
    fingerprint: bytes = b""
    stream_version: int = STREAM_VERSION

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"unknown method {self.method!r}; known are {', '.join(METHODS)}.")
        if len(self.model_digest) != DIGEST_BYTES:
            raise ValueError(f"model_digest must be {DIGEST_BYTES} bytes, got {len(self.model_digest)}.")
        row = METHODS[self.method]
        if len(self.fingerprint) not in (0, FINGERPRINT_BYTES) or (self.fingerprint and not row.allows_floats):
            raise ValueError(f"a fingerprint has {FINGERPRINT_BYTES} bytes, and files of {self.method} may have none.")
        if len(self.image_shape) not in (2, 3) or min(self.image_shape) < 1:
            raise ValueError(f"image_shape must be (height, width[, channels]), got {self.image_shape}.")
        if self.count < 0 or not 0 <= self.seed < 1 << 64:
            raise ValueError(f"count must be >= 0 and seed in [0, 2^64), got {self.count} and {self.seed}.")
        schema = row.parameters
        if self.parameters.keys() != schema.keys():
            raise ValueError(f"{self.method} has the parameters {sorted(schema)}, got {sorted(self.parameters)}.")
        for name, (lowest, highest) in schema.items():
            if not lowest <= self.parameters[name] <= highest:
                raise ValueError(f"{name} must lie in [{lowest}, {highest}], got {self.parameters[name]}.")

    @property
    def format_version(self) -> int:
        """Of the file."""
        return FLOAT_FORMAT_VERSION if self.fingerprint else FORMAT_VERSION

    @property
    def image_bytes(self) -> int:
        """Bytes of one raw image."""
        return math.prod(self.image_shape)

    @property
    def raw_bytes(self) -> int:
        """Bytes of all images, uncompressed."""
        return self.count * self.image_bytes

    @property
    def chunk_images(self) -> int:
        """Images in every chunk but the last, which may have fewer."""
        return self.parameters.get("chunk_images", max(self.count, 1))

    @property
    def num_chunks(self) -> int:
        """Number of chunks; a file of no images has one, which is empty, so that its header is under a checksum too."""
        return max(-(-self.count // self.chunk_images), 1)

    def images_of(self, chunk: int) -> range:
        """Numbers of the images in a chunk."""
        start = chunk * self.chunk_images
        return range(start, min(start + self.chunk_images, self.count))


@dataclass(frozen=True)
class File:
    """A parsed file: its header, and chunks that are checked when they are asked for.

    head: the bytes before the first chunk. offsets: where each chunk begins in data, and where the last one ends.
    """

    header: Header
    data: bytes
    head: bytes
    offsets: tuple[int, ...]

    def chunk(self, number: int) -> bytes:
        """Body of a chunk, its checksum verified; only this chunk and the header are read."""
        start, end = self.offsets[number : number + 2]
        body = self.data[start : end - _CRC_BYTES]
        if self.data[end - _CRC_BYTES : end] != _checksum(self.head, number, body):
            raise FormatError(f"the checksum of chunk {number} is wrong; the file is damaged, fetch it again.")
        return body

    def locate(self, index: int) -> tuple[int, int]:
        """Chunk number and place within the chunk of an image; negative indices count from the end."""
        index = operator.index(index)
        if not -self.header.count <= index < self.header.count:
            raise ValueError(f"image {index} was asked for, but the file has {self.header.count} images, from 0 on.")
        return divmod(index % self.header.count, self.header.chunk_images)


def write(header: Header, chunks: Sequence[bytes]) -> bytes:
    """The file of a header and the bodies of its chunks."""
    if len(chunks) != header.num_chunks:
        raise ValueError(f"{header.count} images make {header.num_chunks} chunks, got {len(chunks)}.")
    if header.stream_version != STREAM_VERSION:
        raise ValueError(f"this version writes stream {STREAM_VERSION} only.")
    method = METHODS[header.method]
    ordered = [header.parameters[name] for name in method.parameters]
    fields = [len(header.image_shape), *header.image_shape, header.count, header.seed, *ordered]
    head = MAGIC + bytes([header.format_version, STREAM_VERSION << 4 | method.number])
    head += (header.model_digest if method.has_model else b"") + header.fingerprint
    head += b"".join(map(varint.encode, [*fields, *map(len, chunks)]))
    data = head + b"".join(body + _checksum(head, number, body) for number, body in enumerate(chunks))
    _check_sizes(header, len(data), max(MAX_RAW_BYTES, header.raw_bytes))
    return data


def read(data: bytes, max_bytes: int = MAX_RAW_BYTES) -> File:
    """Parse a file; FormatError if it is not one, or if its images would take more than `max_bytes`.

    Memory: the chunk table, at most 16 bytes for each byte of the file.
    """
    if data[:3] != MAGIC:
        raise FormatError("the file does not begin with RJX; it is not a file of recjax.")
    if len(data) < 5:
        raise FormatError("the file ends inside its header; it is truncated, fetch it again.")
    stream_version, method_number = divmod(data[4], 16)
    if data[3] > FLOAT_FORMAT_VERSION or stream_version > STREAM_VERSION:
        raise FormatError(
            f"the file has format {data[3]} and stream {stream_version}, this recjax reads up to "
            f"{FLOAT_FORMAT_VERSION} and {STREAM_VERSION}; upgrade recjax."
        )
    method = of_number(method_number)
    if data[3] < 1 or stream_version < 1 or method is None:
        raise FormatError(f"the file names method {method_number}, which this format does not have; it is damaged.")
    position = 5 + (DIGEST_BYTES if method.has_model else 0)
    digest = data[5:position] if method.has_model else bytes(DIGEST_BYTES)
    floats = data[3] == FLOAT_FORMAT_VERSION
    if floats and not method.allows_floats:
        raise FormatError(f"the file is of method {method.name} in floats, which there is not; it is damaged.")
    fingerprint = data[position : position + FINGERPRINT_BYTES] if floats else b""
    position += len(fingerprint)
    if floats and len(fingerprint) < FINGERPRINT_BYTES:
        raise FormatError("the file ends inside its fingerprint; it is truncated, fetch it again.")

    def take(name: str, lowest: int, highest: int) -> int:
        nonlocal position
        value, position = varint.decode(data, position, name, lowest, highest)
        return value

    rank = take("rank of the images", 2, 3)
    shape = tuple(take(name, 1, MAX_RAW_BYTES) for name in ("height", "width", "channels")[:rank])
    count = take("number of images", 0, 1 << 48)
    seed = take("seed", 0, (1 << 64) - 1)
    parameters = {name: take(name, *bounds) for name, bounds in method.parameters.items()}
    header = Header(method.name, digest, count, shape, seed, parameters, fingerprint, stream_version)
    _check_sizes(header, len(data), max_bytes)
    if header.num_chunks * (1 + _CRC_BYTES) > len(data):
        raise FormatError(f"the file declares {header.num_chunks} chunks in {len(data)} bytes; it is damaged.")
    sizes = [take("size of a chunk", 0, len(data)) + _CRC_BYTES for _ in range(header.num_chunks)]
    offsets = (position, *(position + np.cumsum(sizes, dtype=np.int64)).tolist())
    if offsets[-1] != len(data):
        fault = "it is truncated" if offsets[-1] > len(data) else "bytes follow its end"
        raise FormatError(f"the file has {len(data)} bytes where its header says {offsets[-1]}; {fault}.")
    return File(header, data, data[:position], offsets)


def largest_file(raw_bytes: int) -> int:
    """Bytes that a file of so many bytes of images may have at most."""
    return _MAX_EXPANSION * raw_bytes + _SLACK_BYTES


def _checksum(head: bytes, number: int, body: bytes) -> bytes:
    # The header and the number are part of it, so that a chunk of another file or place is refused at no cost in bytes.
    return zlib.crc32(body, zlib.crc32(head + number.to_bytes(4, "little"))).to_bytes(_CRC_BYTES, "little")


def _check_sizes(header: Header, file_bytes: int, max_bytes: int) -> None:
    raw = header.raw_bytes
    if raw > max_bytes:
        raise FormatError(
            f"the images take {raw} bytes, the limit is {max_bytes}; raise max_bytes if you trust the file."
        )
    if raw > _MAX_RATIO * file_bytes + _SLACK_BYTES:
        raise FormatError(f"the file declares {raw} bytes of images in {file_bytes} bytes of its own; it is damaged.")
    if file_bytes > largest_file(raw):
        raise FormatError(f"the file spends {file_bytes} bytes on {raw} bytes of images; it is damaged.")
