"""Reads a PNG to exactly the pixels that it holds, or explains why they cannot be kept."""

import io
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL.PngImagePlugin import PngImageFile

from recjax.images import notes as image_notes
from recjax.images import png_stream
from recjax.images.notes import Note
from recjax.images.png_stream import SIGNATURE, Damage, Header, PixelStream
from recjax.text import quoted

_COLOURS = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}
_TAKEN = "taken are 8-bit grey and RGB without transparency"
_IDAT_BYTES = 1 << 30


class Png(NamedTuple):
    """The contents of a PNG.

    Attributes:
        pixels: The pixels, uint8 [height, width] or [height, width, 3].
        notes: What came with them and is not kept.
    """

    pixels: UInt8[np.ndarray, "height width *channels"]
    notes: tuple[Note, ...]


class _Unfit(ValueError):
    """A complete PNG holds what cannot be kept; says what, and what to do, without the name of the file."""


def read_png(path: Path, max_bytes: int) -> Png:
    """Reads a whole PNG of grey or RGB pixels.

    Args:
        path: The path of a regular file.
        max_bytes: The number of bytes that the pixels may take, which is checked before any is read.

    Returns:
        The pixels and notes. Grey values of 1, 2 or 4 bits are scaled to the range 0 to 255, and a note says so.

    Raises:
        ValueError: The file is damaged, too large, or holds what 8-bit grey or RGB cannot keep; a sentence says which.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(SIGNATURE)) != SIGNATURE:
                raise ValueError(
                    f"{quoted(path)} is not a readable PNG: it does not begin as one; write it again as a PNG."
                )
            header, stream, notes = _read(file, max_bytes)
        return Png(_decode(header, stream), notes)
    except Damage as damage:
        raise ValueError(f"{quoted(path)} is a damaged PNG: {damage}; write or copy it again.") from damage
    except _Unfit as unfit:
        raise ValueError(f"{quoted(path)} {unfit}.") from unfit


def _read(file: io.BufferedReader, max_bytes: int) -> tuple[Header, bytearray, tuple[Note, ...]]:
    """Reads the header, the compressed pixels, and notes on what else there is."""
    every = png_stream.chunks(file)
    first = next(every)
    if first.kind != b"IHDR":
        raise Damage(f"it begins with the chunk {first.kind.decode()}, not with its header (IHDR)")
    # Reading past the last piece verifies the checksum: only an intact header may lead to advice.
    header = png_stream.read_header(next(first.pieces, b"") + next(first.pieces, b""))
    _require_kept(header)
    if header.width * header.height * header.channels > max_bytes:
        raise _Unfit(f"has {header.width} x {header.height} pixels, more than {max_bytes} bytes; take a smaller one")
    stream, notes, before = PixelStream(header), dict.fromkeys(image_notes.of_depth(header.depth)), b""
    for kind, pieces in every:
        if kind == b"IDAT":
            if stream.data and before != kind:
                raise Damage("its pixels (IDAT) do not lie together")
            for piece in pieces:
                stream.add(piece)
        elif kind != b"IEND":
            notes.update(dict.fromkeys(_notes(header, kind, next(pieces, b""))))
        before = kind
    stream.end()
    if file.read(1):
        notes[image_notes.TRAILING] = None
    return header, stream.data, tuple(notes)


def _require_kept(header: Header) -> None:
    advice = "convert it to one of them"
    if header.colour == 3:
        advice = 'convert it to RGB, such as with convert("RGB") of Pillow'
    elif header.colour in (4, 6):
        advice = "convert it without its alpha channel"
    elif header.depth == 16:
        advice = "convert it to 8 bits, which rounds its values"
    if header.colour not in (0, 2) or header.depth == 16:
        raise _Unfit(f"holds {header.depth}-bit {_COLOURS[header.colour]}, and {_TAKEN}; {advice}")


def _notes(header: Header, kind: bytes, head: bytes) -> list[Note]:
    """Names what is lost with a chunk that is neither header nor pixels; an exception if pixels would be lost, too."""
    if kind == b"tRNS":
        raise _Unfit(f"holds a transparent colour (tRNS), and {_TAKEN}; convert it without its transparency")
    if kind in (b"acTL", b"fdAT"):
        raise _Unfit("holds an animation (APNG), and taken is one picture a file; convert its frames to PNGs")
    # A lowercase first letter marks a chunk that a decoder may ignore.
    if not kind[:1].islower() and (kind, header.colour) != (b"PLTE", 2):
        raise Damage(f"its chunk {kind.decode()} belongs to no picture of its kind")
    return image_notes.of_chunk(kind, head)


def _decode(header: Header, stream: bytearray) -> UInt8[np.ndarray, "height width *channels"]:
    # Pillow gets a PNG that has only the pixels, so that no other chunk can make it fail or take memory.
    whole = io.BytesIO()
    whole.write(SIGNATURE)
    size = struct.pack(">II", header.width, header.height)
    _write_chunk(whole, b"IHDR", size + bytes([header.depth, header.colour, 0, 0, header.interlaced]))
    for start in range(0, len(stream), _IDAT_BYTES):
        _write_chunk(whole, b"IDAT", stream[start : start + _IDAT_BYTES])
    _write_chunk(whole, b"IEND", b"")
    whole.seek(0)
    try:
        with PngImageFile(whole) as picture:
            return np.array(picture if header.colour == 2 else picture.convert("L"), np.uint8)
    except Exception as error:  # parsers of foreign bytes fail in many ways
        raise Damage(f"Pillow cannot decode it ({error})") from error


def _write_chunk(file: io.BytesIO, kind: bytes, body: bytes | bytearray) -> None:
    file.write(struct.pack(">I4s", len(body), kind))
    file.write(body)
    file.write(struct.pack(">I", zlib.crc32(body, zlib.crc32(kind))))
