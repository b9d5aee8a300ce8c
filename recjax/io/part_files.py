"""Makes temporary files and folders beside an output, which are locked while they are written.

Their names have one length, however long the name of the output is. They hold a digest of that name, so that the next
write to the same output finds what a killed process left behind. It removes what it can lock; what a living process
writes stays locked. On file systems without locks nothing is removed.
"""

import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from recjax.io.interrupts import undone

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

PNG_NAME = re.compile(r"[0-9]{5,}\.png")
"""The names of files in a folder of images."""

PREFIX = ".recjax-"
"""The prefix of all temporary names."""


_TRIES = 8
"""How many times a temporary file is made until one can be locked before another process removes it."""


@contextmanager
def part_file(path: Path) -> Iterator[Path]:
    """Makes an empty temporary file beside `path`, which is removed at the end of the block unless it was renamed.

    Args:
        path: The output that the file will become.

    Yields:
        The path of the temporary file, which only its owner may read.
    """

    def make() -> tuple[Path, int]:
        handle, name = tempfile.mkstemp(prefix=_prefix(path), dir=path.parent)
        return Path(name), handle

    with _part(path, make) as part:
        yield part


@contextmanager
def part_folder(path: Path) -> Iterator[Path]:
    """Makes an empty temporary folder beside `path`, which is removed at the end of the block unless it was renamed.

    If the block exchanged its name with another folder's, that folder is what is removed.

    Args:
        path: The output that the folder will become.

    Yields:
        The path of the temporary folder, which only its owner may enter.
    """

    def make() -> tuple[Path, int]:
        name = tempfile.mkdtemp(prefix=_prefix(path), dir=path.parent)
        return Path(name), os.open(name if fcntl else os.devnull, os.O_RDONLY)

    with _part(path, make) as part:
        yield part


def sweep(path: Path) -> None:
    """Removes the temporary files and folders that killed processes left beside `path` when they wrote it.

    Args:
        path: The output.
    """
    if fcntl is None:
        return
    with suppress(OSError), os.scandir(path.parent) as entries:
        for left in [Path(entry.path) for entry in entries if entry.name.startswith(_prefix(path))]:
            with suppress(OSError):
                _remove_if_dead(left)


@contextmanager
def _part(path: Path, make: Callable[[], tuple[Path, int]]) -> Iterator[Path]:
    sweep(path)
    part, handle = make()
    # Between making and locking it another process may have removed it. Once it is locked and there, it is safe.
    for _ in range(_TRIES):
        if _hold(part, handle):
            break
        os.close(handle)
        part, handle = make()
    if fcntl is None:
        os.close(handle)
    try:
        with undone(lambda: _remove(part)):
            yield part
    finally:
        with suppress(FileNotFoundError):
            _remove(part)
        if fcntl is not None:
            os.close(handle)


def _prefix(path: Path) -> str:
    return f"{PREFIX}{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}-"


def _hold(part: Path, handle: int) -> bool:
    """Locks a temporary file or folder, and returns whether it is still there."""
    if fcntl is None:
        return True
    # On a file system without locks no process removes it.
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        return os.path.samestat(os.fstat(handle), part.lstat())
    except FileNotFoundError:
        return False


def _remove_if_dead(left: Path) -> None:
    assert fcntl is not None
    mode = left.lstat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return
    # Some file systems lock a file only if it is open for writing.
    access = os.O_RDONLY if stat.S_ISDIR(mode) else os.O_RDWR
    handle = os.open(left, access | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(left)
    finally:
        os.close(handle)


def _remove(part: Path) -> None:
    """Removes a file, or a folder of images; a folder that holds other things is not removed, which raises OSError."""
    if not stat.S_ISDIR(part.lstat().st_mode):
        part.unlink()
        return
    # A folder that was replaced has kept its permissions, and may be read-only.
    part.chmod(0o700)
    for image in part.iterdir():
        if PNG_NAME.fullmatch(image.name):
            image.unlink()
    part.rmdir()
