"""Files that appear at once or not at all."""

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from recjax.interrupts import undone


def write_atomically(path: str | Path, write: Callable[[Path], object], *, once: bool = False) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it to `path`; on an error nothing is left behind.

    once: a file that is there stays as it is, whoever of several processes was first.
    """
    path = Path(path)
    require_file_place(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        part = Path(name)
        with undone(lambda: part.unlink(missing_ok=True)):
            try:
                write(part)
                # mkstemp makes files that only their owner may read.
                part.chmod(0o666 & ~umask())
                # On the disk before its name is: a crash of the machine leaves the old file or the new one.
                with open(part, "rb") as file:
                    os.fsync(file.fileno())
                if once:
                    # Unlike a rename, a link never takes the place of a file.
                    with suppress(FileExistsError):
                        os.link(part, path)
                    part.unlink()
                else:
                    part.replace(path)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
    except OSError as error:
        # Under the name that the caller knows, not that of the temporary file.
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def require_file_place(path: str | Path) -> None:
    """ValueError unless a file can be renamed to `path`: its folder exists, and only a plain file is replaced."""
    path = Path(path)
    require_parent(path)
    # A rename would put a file in the place of a device or a pipe, too.
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} exists and is not a file; name another.")


def require_parent(path: Path) -> None:
    """ValueError unless the folder that is to hold `path` exists."""
    if not path.parent.is_dir():
        raise ValueError(f"the folder {path.parent} does not exist; make it first.")


def umask() -> int:
    """The permissions that new files do not get."""
    # The only portable way to read it is to set it.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
