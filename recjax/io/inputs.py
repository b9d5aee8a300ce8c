"""Reads the inputs of commands: regular files, or standard input where the path is `-`."""

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
"""The path that stands for standard input or standard output."""

_AT_ONCE = 1 << 20
_NPY, _PNG = b"\x93NUMPY", b"\x89PNG\r\n\x1a\n"
_KINDS = {
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


def require_regular(path: Path) -> None:
    """Makes sure that a path leads to a regular file, which has an end.

    Args:
        path: The path; links are followed.

    Raises:
        ValueError: It is a folder, a pipe, a socket or a device.
        OSError: Nothing is there, or the system does not allow looking at it.
    """
    kind = stat.S_IFMT(path.stat().st_mode)
    if kind == stat.S_IFDIR:
        raise ValueError(f"{quoted(path)} is a folder, not a file; name a regular file.")
    if kind != stat.S_IFREG:
        raise ValueError(f"{quoted(path)} is a {_KINDS.get(kind, 'special file')}, not a file; name a regular file.")


def read_file(path: Path, max_bytes: int) -> bytes | None:
    """Reads a regular file that is not too large.

    Args:
        path: The path of the file.
        max_bytes: The largest size to read, in bytes.

    Returns:
        The bytes of the file; None if it is larger.

    Raises:
        ValueError: It is not a regular file.
        OSError: It cannot be read.
    """
    require_regular(path)
    with path.open("rb") as file:
        # Files that the system makes up, as in /proc, state no size and may have no end: nothing is read of them.
        size = os.fstat(file.fileno()).st_size
        return None if size > max_bytes else file.read(size)


def read_standard(max_bytes: int, beginnings: dict[bytes, str]) -> bytes | None:
    """Reads all of standard input, unless it is too large.

    Args:
        max_bytes: The largest size to read, in bytes; at most a megabyte more is kept in memory.
        beginnings: The legal first bytes, and what kind of file begins with them, for error messages.

    Returns:
        The bytes; None if there are more than `max_bytes`.

    Raises:
        ValueError: Standard input is closed or a terminal, or has other first bytes; no more is read then.
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
    """Provides a file of images under a path; standard input is kept in a temporary file meanwhile.

    The suffix of the temporary file, .npy or .png, says what it is.

    Args:
        path: The path of the images, or `-` for standard input.
        max_bytes: The largest size of standard input in bytes.

    Yields:
        The path to read from.

    Raises:
        ValueError: Standard input holds more than `max_bytes`, or neither an .npy nor a PNG.
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
            # The user does not know the temporary file.
            raise ValueError(str(error).replace(quoted(place), "standard input")) from error
