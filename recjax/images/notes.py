"""Reports what comes with pictures and is not kept, one sentence for each kind of data."""

import re
import struct
import zlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from recjax.text import quoted

_NAMED = 3
"""The number of files that a sentence names."""

_THINGS = {
    b"iCCP": "ICC profile",
    b"gAMA": "gamma",
    b"cHRM": "chromaticities",
    b"sRGB": "sRGB mark",
    b"cICP": "colour coding",
    b"mDCV": "colour volume",
    b"cLLI": "light level",
    b"eXIf": "EXIF data",
    b"pHYs": "physical size",
    b"bKGD": "background colour",
    b"tIME": "time",
    b"sBIT": "number of significant bits",
    b"PLTE": "suggested palette",
    b"sPLT": "suggested palette",
    b"hIST": "histogram",
    b"tEXt": "text",
    b"zTXt": "text",
    b"iTXt": "text",
}
_KEYWORDS = {
    b"XML:com.adobe.xmp": "XMP data",
    b"Raw profile type xmp": "XMP data",
    b"Raw profile type exif": "EXIF data",
    b"Raw profile type APP1": "EXIF data",
    b"Raw profile type icc": "ICC profile",
}
"""Data of other standards that are stored in chunks of text, by the keyword of the text."""

_ORIENTATION = 0x0112
_SHORT = 3
_MOST_TEXT = 1 << 16
"""The number of bytes that are decompressed of a text: an orientation lies near its beginning."""

_UPRIGHT = {
    2: "mirror it",
    3: "turn it by 180 degrees",
    4: "flip it upside down",
    5: "mirror it and turn it by 270 degrees clockwise",
    6: "turn it by 90 degrees clockwise",
    7: "mirror it and turn it by 90 degrees clockwise",
    8: "turn it by 270 degrees clockwise",
}
"""How to make a picture upright, by its orientation in EXIF data."""


class NotKeptWarning(UserWarning):
    """A warning that data which came with images are not kept, or that a file beside them was left out."""


class Note(NamedTuple):
    """One kind of data of a picture that is not kept as it is.

    Attributes:
        thing: What it is, such as "ICC profile".
        fate: What becomes of it, as the rest of a sentence.
    """

    thing: str
    fate: str = "is not kept"


TRAILING = Note("data after the end of the PNG")


def of_chunk(kind: bytes, head: bytes) -> list[Note]:
    """Names what is lost because a chunk of a PNG is not kept.

    Args:
        kind: The type of the chunk, 4 letters.
        head: The first bytes of its data.

    Returns:
        The notes: one on the chunk and, if it declares that the picture is to be shown rotated, one on that first.
    """
    # Chunks of unknown types are not named: a hostile file may have very many of them.
    thing = _THINGS.get(kind, "data in chunks of other kinds")
    exif = head
    if thing == "text":
        keyword, _, text = head.partition(b"\0")
        thing, exif = _KEYWORDS.get(keyword, thing), _raw_profile(kind, text)
    number = xmp_orientation(head) if thing == "XMP data" else orientation(exif) if thing == "EXIF data" else 1
    if number in _UPRIGHT:
        turned = f"orientation {number} ({_UPRIGHT[number]} to see it upright)"
        return [Note(turned, "is not kept, so what comes back is shown unrotated"), Note(thing)]
    return [Note(thing)]


def of_depth(depth: int) -> list[Note]:
    """Tells what becomes of grey values of 1, 2 or 4 bits.

    Args:
        depth: The bits of a grey value.

    Returns:
        One note; none for 8 bits or more.
    """
    fate = f"is taken as 8-bit grey, 0 to {2**depth - 1} as 0 to 255 in equal steps, and comes back so"
    return [Note(f"{depth}-bit grey", fate)] if depth < 8 else []


def orientation(exif: bytes) -> int:
    """Reads the orientation that EXIF data declare.

    Args:
        exif: The EXIF data, of which the end may be missing.

    Returns:
        The number of the orientation as EXIF defines it; 1, which is upright, if none can be read.
    """
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (entries,) = struct.unpack_from(f"{order}H", exif, start)
        for entry in range(entries):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, start + 2 + 12 * entry)
            if (tag, kind) == (_ORIENTATION, _SHORT):
                return value
    except struct.error:
        pass
    return 1


def xmp_orientation(xmp: bytes) -> int:
    """Reads the orientation that XMP data declare.

    Args:
        xmp: The XMP data, of which the end may be missing.

    Returns:
        The number of the orientation as EXIF defines it; 1, which is upright, if there is none or the data are
        compressed.
    """
    match = re.search(rb"tiff:Orientation(?:=[\"']|>)(\d)\b", xmp)
    return int(match[1]) if match else 1


def _raw_profile(kind: bytes, text: bytes) -> bytes:
    """Reads data that ImageMagick writes as text (a name, a length and hexadecimal digits), as far as possible."""
    try:
        plain = zlib.decompressobj().decompress(text[1:], _MOST_TEXT) if kind == b"zTXt" else text
        digits = b"".join(plain.split()[2:])
        return bytes.fromhex(digits[: len(digits) // 2 * 2].decode("ascii"))
    except (zlib.error, ValueError):
        return b""


def lines_of_picture(name: object, notes: Iterable[Note]) -> list[str]:
    """Makes sentences on what is not kept of one picture.

    Args:
        name: The path of the picture.
        notes: The notes on it.

    Returns:
        A sentence for each note.
    """
    return [f"{quoted(name)}: its {note.thing} {note.fate}." for note in notes]


def lines_of_folder(name: object, notes: Mapping[str, tuple[Note, ...]]) -> list[str]:
    """Makes sentences on what is not kept of the pictures of a folder.

    Args:
        name: The path of the folder.
        notes: The notes on each picture, by the names of the files.

    Returns:
        A sentence for each kind of note, which says how many pictures have it.
    """
    files: dict[Note, list[str]] = {}
    for file in sorted(notes):
        for note in notes[file]:
            files.setdefault(note, []).append(file)
    total = f"{len(notes):,} image{'s' * (len(notes) != 1)}"
    return [
        f"{quoted(name)}: the {note.thing} of {len(having):,} of {total} {note.fate} ({few(having)})."
        for note, having in files.items()
    ]


def few(names: list[str]) -> str:
    """Lists the first of some names, and says how many more there are.

    Args:
        names: The names.

    Returns:
        The list, as part of a sentence.
    """
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(map(quoted, names[:_NAMED])) + more
