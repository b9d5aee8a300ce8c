"""What commands read: regular files, or standard input where `-` is named."""

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recjax.io.interrupts import undone
from recjax.text import quoted

STANDARD = Path("-")
"""Standard input, or standard output."""

_AT_ONCE = 1 << 20
_NPY, _PNG = b"\x93NUMPY", b"\x89PNG\r\n\x1a\n"
_KINDS = {
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


def require_regular(path: Path) -> None:
    """Makes sure that a path leads to a file that has an end.

    Raises:
        ValueError: it is a folder, a pipe, a socket or a device.
        OSError: there is nothing, or it must not be looked at.
    """
    kind = stat.S_IFMT(path.stat().st_mode)
    if kind == stat.S_IFDIR:
        raise ValueError(f"{quoted(path)} is a folder, not a file; name a regular file.")
    if kind != stat.S_IFREG:
        raise ValueError(f"{quoted(path)} is a {_KINDS.get(kind, 'special file')}, not a file; name a regular file.")


def read_file(path: Path, max_bytes: int) -> bytes | None:
    """The bytes of a regular file, or None if they are more than `max_bytes`; raises as `require_regular`."""
    require_regular(path)
    with path.open("rb") as file:
        # What the system makes up, as in /proc, has no size, and may have no end.
        size = os.fstat(file.fileno()).st_size
        return None if size > max_bytes else file.read(size)


def read_standard(max_bytes: int, beginnings: dict[bytes, str]) -> bytes | None:
    """All of standard input, or None if it is more than `max_bytes`.

    Args:
        max_bytes: no more are kept in memory, but for a megabyte.
        beginnings: the first bytes that there may be, and what begins with them.

    Raises:
        ValueError: it is closed or a terminal, or begins otherwise, after which it is read no further.
    """
    if sys.stdin is None:
        raise ValueError("standard input is closed; name a file.")
    if sys.stdin.isatty():
        raise ValueError("standard input is a terminal; name a file, or send one there with `<` or a pipe.")
    stream = sys.stdin.buffer
    data = bytearray(stream.read(max(map(len, beginnings))))
    if not data.startswith(tuple(beginnings)):
        raise ValueError(f"standard input does not begin as {' or '.join(beginnings.values())}; send one of them.")
    while block := stream.read(_AT_ONCE):
        data += block
        if len(data) > max_bytes:
            return None
    return bytes(data)


@contextmanager
def images_file(path: Path, max_bytes: int) -> Iterator[Path]:
    """Yields the path of images; standard input is kept in a temporary file meanwhile, whose suffix tells what it is.

    ValueError if there are more than `max_bytes` of it, or other bytes than those of an .npy or a PNG.
    """
    if path != STANDARD:
        yield path
        return
    data = read_standard(max_bytes, {_NPY: "an .npy", _PNG: "a PNG"})
    if data is None:
        raise ValueError(f"standard input holds more than {max_bytes} bytes; send less, or name a file.")
    with tempfile.TemporaryDirectory(prefix="recjax-") as folder, undone(lambda: shutil.rmtree(folder)):
        place = Path(folder) / f"standard-input.{'npy' if data.startswith(_NPY) else 'png'}"
        place.write_bytes(data)
        del data
        try:
            yield place
        except ValueError as error:
            # Who sent it does not know the temporary file.
            raise ValueError(str(error).replace(quoted(place), "standard input")) from error
