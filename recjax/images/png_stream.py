"""Reads the chunks of a PNG and the stream of its pixels strictly: what is cut short or changed raises `Damage`.

Other decoders are lenient, each in its own way: they draw missing pixels in black, or do not verify checksums. What is
accepted here has one meaning only. Memory is bounded by the size that the header declares.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_PIECE = 1 << 16
_LONGEST_CHUNK = (1 << 31) - 1
_FILTERS = 5
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column, first row, and the distance between columns and between rows, for each pass of an interlaced PNG."""


class Damage(ValueError):
    """The bytes are not a whole PNG; says why, without the name of the file."""


class Header(NamedTuple):
    """The contents of the chunk IHDR.

    Attributes:
        width: The width in pixels.
        height: The height in pixels.
        depth: The bits of each value of a pixel.
        colour: The colour type: 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha.
        interlaced: Whether the pixels come in the seven passes of Adam7.
    """

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool

    @property
    def channels(self) -> int:
        """The number of values of a pixel."""
        return {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[self.colour]


class Chunk(NamedTuple):
    """A chunk, whose data must be read before the next chunk.

    Attributes:
        kind: Its type, 4 letters.
        pieces: Its data, piece by piece; the checksum is verified after the last one.
    """

    kind: bytes
    pieces: Iterator[bytes]


class Pass(NamedTuple):
    """The place of one pass of an image in the inflated stream of its pixels.

    Attributes:
        start: Where its first byte lies.
        stop: Where the byte after its last one lies.
        stride: The bytes of a row, of which the first names the filter.
    """

    start: int
    stop: int
    stride: int


def chunks(file: BinaryIO) -> Iterator[Chunk]:
    """Reads the chunks after the signature, one by one.

    Args:
        file: A file that is open for reading in binary mode, behind the signature.

    Yields:
        The chunks, of which the last is the end (IEND).

    Raises:
        Damage: The file ends early, a checksum is wrong, or something is not a chunk.
    """
    kind = b""
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", _exactly(file, 8))
        if not kind.isalpha() or length > _LONGEST_CHUNK:
            raise Damage("something that is no chunk lies among its chunks")
        chunk = Chunk(kind, _pieces(file, kind, length))
        yield chunk
        for _ in chunk.pieces:
            pass


def read_header(body: bytes) -> Header:
    """Reads the body of the chunk IHDR.

    Args:
        body: The data of the chunk.

    Returns:
        The header.

    Raises:
        Damage: PNG has no such header.
    """
    if len(body) != 13:
        raise Damage("its header (IHDR) has a wrong length")
    width, height, depth, colour, method, filters, interlace = struct.unpack(">IIBBBBB", body)
    depths = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}.get(colour, ())
    if not (0 < width <= _LONGEST_CHUNK and 0 < height <= _LONGEST_CHUNK):
        raise Damage(f"its header (IHDR) declares {width} x {height} pixels")
    if depth not in depths or (method, filters) != (0, 0) or interlace > 1:
        raise Damage("its header (IHDR) declares what PNG does not have")
    return Header(width, height, depth, colour, bool(interlace))


class PixelStream:
    """Checks the compressed pixels: they must be one whole zlib stream of exactly the bytes that the header declares.

    Attributes:
        data: The stream as it came, which a decoder may take once `end` has returned.
    """

    def __init__(self, header: Header) -> None:
        self.data = bytearray()
        self._inflate = zlib.decompressobj()
        self._done = 0
        self._passes = _passes(header)
        self._rows = header.height
        self._size = self._passes[-1].stop

    def add(self, piece: bytes) -> None:
        """Takes the next piece of the stream.

        Args:
            piece: The next compressed bytes.

        Raises:
            Damage: The bytes cannot be inflated, are too many, or a row has an unknown filter.
        """
        # Keeps no more than any encoder would write, and inflates hardly more than is declared.
        if len(self.data) + len(piece) > 2 * self._size + _PIECE:
            raise Damage("it holds more than its pixels take")
        self.data += piece
        while True:
            try:
                inflated = self._inflate.decompress(piece, _PIECE)
            except zlib.error as error:
                raise Damage(f"its pixels cannot be inflated ({error})") from error
            self._check(inflated)
            piece = self._inflate.unconsumed_tail
            if not piece and len(inflated) < _PIECE:
                break
        if self._inflate.unused_data:
            raise Damage("it holds more than its pixels take")

    def end(self) -> None:
        """Checks that nothing is missing.

        Raises:
            Damage: The stream ended too early.
        """
        if self._done < self._size and len(self._passes) == 1:
            raise Damage(f"its pixels end after {self._done // self._passes[0].stride} of {self._rows} rows")
        if self._done < self._size or not self._inflate.eof:
            raise Damage(f"its pixels end early, after {self._done} of {self._size} bytes and without their checksum")

    def _check(self, inflated: bytes) -> None:
        for start, stop, stride in self._passes:
            # The first row that begins in these bytes.
            first = start + max(0, -(-(self._done - start) // stride)) * stride
            filters = inflated[first - self._done : max(stop - self._done, 0) : stride]
            if max(filters, default=0) >= _FILTERS:
                raise Damage("a row of its pixels has a filter that PNG does not have")
        self._done += len(inflated)
        if self._done > self._size:
            raise Damage("it holds more than its pixels take")


def _passes(header: Header) -> list[Pass]:
    passes, start = [], 0
    for left, top, right, down in _ADAM7 if header.interlaced else ((0, 0, 1, 1),):
        # -(-a // b) rounds up; a pass may have no pixel at all.
        width, height = -(-(header.width - left) // right), -(-(header.height - top) // down)
        if width > 0 and height > 0:
            stride = 1 + -(-width * header.channels * header.depth // 8)
            passes.append(Pass(start, start + height * stride, stride))
            start = passes[-1].stop
    return passes


def _pieces(file: BinaryIO, kind: bytes, length: int) -> Iterator[bytes]:
    checksum = zlib.crc32(kind)
    while length:
        piece = _exactly(file, min(length, _PIECE))
        checksum = zlib.crc32(piece, checksum)
        length -= len(piece)
        yield piece
    if int.from_bytes(_exactly(file, 4)) != checksum:
        raise Damage(f"the checksum of its chunk {kind.decode()} is wrong")


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise Damage("it ends before its end (IEND)")
    return data
