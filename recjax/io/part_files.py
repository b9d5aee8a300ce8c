"""Temporary files and folders beside an output, which are locked while they are written.

Their names are of one length whatever the output is called. They hold a digest of it, by which the next write to the
same output finds what a killed process left, and removes it if its lock can be taken: the lock of a living process
cannot. On file systems without locks nothing is removed.
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
"""Names of the files in a folder of images."""

PREFIX = ".recjax-"
"""Prefix of all temporary names."""


_TRIES = 8
"""Files that are made until one is held: more sweepers than that do not come in time for each."""


@contextmanager
def part_file(path: Path) -> Iterator[Path]:
    """Yields an empty file beside `path`, which only its owner may read; it is removed unless it was renamed."""

    def make() -> tuple[Path, int]:
        handle, name = tempfile.mkstemp(prefix=_prefix(path), dir=path.parent)
        return Path(name), handle

    with _part(path, make) as part:
        yield part


@contextmanager
def part_folder(path: Path) -> Iterator[Path]:
    """Yields an empty folder beside `path`, which only its owner may enter; what has its name at the end is removed."""

    def make() -> tuple[Path, int]:
        name = tempfile.mkdtemp(prefix=_prefix(path), dir=path.parent)
        return Path(name), os.open(name if fcntl else os.devnull, os.O_RDONLY)

    with _part(path, make) as part:
        yield part


def sweep(path: Path) -> None:
    """Removes what dead processes left beside `path` when they wrote it."""
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
    # Whoever swept between its making and its locking has removed it, or has yet to find that it is locked.
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
    """Lock what was made; whether it is still there."""
    if fcntl is None:
        return True
    # A file system without locks has no sweepers either.
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
    # Some file systems lock files for those alone who may write them.
    access = os.O_RDONLY if stat.S_ISDIR(mode) else os.O_RDWR
    handle = os.open(left, access | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(left)
    finally:
        os.close(handle)


def _remove(part: Path) -> None:
    """Remove a file, or a folder with the images in it; whatever else is in a folder stays."""
    if not stat.S_ISDIR(part.lstat().st_mode):
        part.unlink()
        return
    # A folder that was replaced kept its permissions, which may be those of reading alone.
    part.chmod(0o700)
    for image in part.iterdir():
        if PNG_NAME.fullmatch(image.name):
            image.unlink()
    part.rmdir()
