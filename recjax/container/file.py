"""The file: a header, then chunks of images, each with a CRC-32 that covers the header too. FORMAT.md specifies it.

Nothing here knows a model or a coder, and nothing imports JAX. Whatever a file declares is checked against bounds
before memory is allocated for it, and bytes that are not a good file raise FormatError.
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
"""The format version of research files, whose decoder evaluates networks in floats; others have FORMAT_VERSION."""

STREAM_VERSION = 1
DIGEST_BYTES = 8
FINGERPRINT_BYTES = 8

_CRC_BYTES = 4
_SLACK_BYTES = 1 << 16
# How many times smaller than its images a file may be, and how many times larger. No honest file exceeds these bounds.
_MAX_RATIO = 4096
_MAX_EXPANSION = 4


@dataclass(frozen=True)
class Header:
    """The part of a file that a decoder must know before it starts.

    Attributes:
        method: The name of the method, a key of METHODS.
        model_digest: The first 8 bytes of the model's SHA-256 digest; zeros for the method raw.
        count: The number of images.
        image_shape: The shape of each image: (height, width) or (height, width, channels).
        seed: The seed of the random stream that encoder and decoder share, in [0, 2^64).
        parameters: The method's parameters by name, exactly the names that the method has.
        fingerprint: 8 bytes that tell how floats are evaluated where the file was made; empty for files that are
            decoded exactly, as all files meant for keeping are.
        stream_version: The version of the definition of the shared random stream.

    Raises:
        ValueError: A field is out of range.

    Example:
        >>> header = Header("raw", bytes(8), count=2, image_shape=(28, 28))
        >>> header.raw_bytes, header.num_chunks
        (1568, 1)
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
        """The format version of the file: 2 if it has a fingerprint, otherwise 1."""
        return FLOAT_FORMAT_VERSION if self.fingerprint else FORMAT_VERSION

    @property
    def image_bytes(self) -> int:
        """The size of one uncompressed image in bytes."""
        return math.prod(self.image_shape)

    @property
    def raw_bytes(self) -> int:
        """The size of all images in bytes, uncompressed."""
        return self.count * self.image_bytes

    @property
    def chunk_images(self) -> int:
        """The number of images in every chunk but the last, which may have fewer.

        Methods without the parameter `chunk_images` put all images into one chunk.
        """
        return self.parameters.get("chunk_images", max(self.count, 1))

    @property
    def num_chunks(self) -> int:
        """The number of chunks, at least 1.

        A file of no images has one empty chunk, so that a checksum covers its header too.
        """
        return max(-(-self.count // self.chunk_images), 1)

    def images_of(self, chunk: int) -> range:
        """Returns the numbers of the images in a chunk.

        Args:
            chunk: The number of the chunk, from 0 on.

        Returns:
            The image numbers, as a range.
        """
        start = chunk * self.chunk_images
        return range(start, min(start + self.chunk_images, self.count))


@dataclass(frozen=True)
class File:
    """A parsed file, whose chunks are verified when they are read.

    Attributes:
        header: The header.
        data: All bytes of the file.
        head: The bytes before the first chunk.
        offsets: The position in `data` at which each chunk begins, and at which the last one ends.
    """

    header: Header
    data: bytes
    head: bytes
    offsets: tuple[int, ...]

    def chunk(self, number: int) -> bytes:
        """Returns the body of a chunk after verifying its checksum; nothing but this chunk and the header is read.

        Args:
            number: The number of the chunk, from 0 on.

        Returns:
            The body, without its checksum.

        Raises:
            FormatError: The checksum is wrong.
        """
        start, end = self.offsets[number : number + 2]
        body = self.data[start : end - _CRC_BYTES]
        if self.data[end - _CRC_BYTES : end] != _checksum(self.head, number, body):
            raise FormatError(f"the checksum of chunk {number} is wrong; the file is damaged, fetch it again.")
        return body

    def locate(self, index: int) -> tuple[int, int]:
        """Finds the chunk that holds an image.

        Args:
            index: The number of the image; negative numbers count from the end.

        Returns:
            The number of the chunk, and the place of the image within it.

        Raises:
            ValueError: The file has no such image.
        """
        index = operator.index(index)
        if not -self.header.count <= index < self.header.count:
            raise ValueError(f"image {index} was asked for, but the file has {self.header.count} images, from 0 on.")
        return divmod(index % self.header.count, self.header.chunk_images)


def write(header: Header, chunks: Sequence[bytes]) -> bytes:
    r"""Makes a file from a header and the bodies of its chunks.

    Args:
        header: The header, of the current stream version.
        chunks: The bodies, as many as `header.num_chunks`.

    Returns:
        The bytes of the file.

    Raises:
        ValueError: The number of chunks or the stream version does not fit the header.
        FormatError: The file would be too large for its images, or too small, so that `read` would refuse it.

    Example:
        >>> from recjax.container import file
        >>> header = file.Header("raw", bytes(8), count=2, image_shape=(1, 3))
        >>> data = file.write(header, [b"\x00\x01\x02\xff\xfe\xfd"])
        >>> data[:3], len(data)
        (b'RJX', 21)
    """
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
    """Parses a file, without decoding its images.

    The chunk table takes at most 16 bytes of memory for each byte of the file.

    Args:
        data: The bytes of the file.
        max_bytes: The number of bytes that the decoded images may take.

    Returns:
        The file; its chunks are verified only when they are read.

    Raises:
        FormatError: It is not a file of recjax, is damaged, needs a later version of recjax, or its images would take
            more than `max_bytes`.

    Example:
        >>> from recjax.container import file
        >>> header = file.Header("raw", bytes(8), count=2, image_shape=(1, 3))
        >>> parsed = file.read(file.write(header, [b"abcdef"]))
        >>> parsed.header.method, parsed.header.count, parsed.header.image_shape
        ('raw', 2, (1, 3))
        >>> parsed.chunk(0)
        b'abcdef'
        >>> parsed.locate(-1)
        (0, 1)
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
    """Returns how large a file may be, given its images; anything larger is refused as damaged.

    Args:
        raw_bytes: The size of the uncompressed images in bytes.

    Returns:
        The largest size of the file in bytes.
    """
    return _MAX_EXPANSION * raw_bytes + _SLACK_BYTES


def _checksum(head: bytes, number: int, body: bytes) -> bytes:
    # Covering the header and the chunk's number too refuses chunks of another file or place without further bytes.
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
