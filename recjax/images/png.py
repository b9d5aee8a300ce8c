"""One PNG as pixels: exactly those that it holds, or a sentence."""

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
    """The pixels of a PNG. notes: what came with them and is not kept."""

    pixels: UInt8[np.ndarray, "height width *channels"]
    notes: tuple[Note, ...]


class _Unfit(ValueError):
    """What a whole PNG holds that cannot be kept, and what to do, without the name of the file."""


def read_png(path: Path, max_bytes: int) -> Png:
    """Reads a PNG of grey or RGB, of which nothing may be missing.

    Args:
        path: of a regular file.
        max_bytes: that the pixels may take, which is found out before any is read.

    Returns:
        Pixels of shape [height, width] or [height, width, 3]. Grey of 1, 2 or 4 bits becomes 0 to 255, with a note.

    Raises:
        ValueError: the file is damaged, too large, or holds what 8-bit grey or RGB cannot keep; a sentence says which.
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
    """The header, the compressed pixels, and what else there is."""
    every = png_stream.chunks(file)
    first = next(every)
    if first.kind != b"IHDR":
        raise Damage(f"it begins with the chunk {first.kind.decode()}, not with its header (IHDR)")
    # Behind the last piece, its checksum is checked: what a changed header says is no ground for advice.
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
    """What is lost with a chunk beside header and pixels; an exception if pixels are, too."""
    if kind == b"tRNS":
        raise _Unfit(f"holds a transparent colour (tRNS), and {_TAKEN}; convert it without its transparency")
    if kind in (b"acTL", b"fdAT"):
        raise _Unfit("holds an animation (APNG), and taken is one picture a file; convert its frames to PNGs")
    # A small first letter: whoever does not know the chunk may pass over it.
    if not kind[:1].islower() and (kind, header.colour) != (b"PLTE", 2):
        raise Damage(f"its chunk {kind.decode()} belongs to no picture of its kind")
    return image_notes.of_chunk(kind, head)


def _decode(header: Header, stream: bytearray) -> UInt8[np.ndarray, "height width *channels"]:
    # Pillow gets a PNG of nothing but the pixels: no other chunk can make it fail, or take memory.
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
