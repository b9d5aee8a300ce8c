"""Lists the compiled programs in a cache folder of JAX, and deletes those that were used longest ago."""

import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_PROGRAM = re.compile(r".+-[0-9a-f]{64}-(cache|atime)")
"""Names of files that JAX writes: a program, and the time of its last use, which exists where JAX limits the folder
itself."""


class Program(NamedTuple):
    """Describes a file of a cache folder.

    Attributes:
        path: The path of the file.
        size: Its size in bytes.
        used: The time of its last use, in seconds since 1970, as far as the file system records it.
    """

    path: str
    size: int
    used: float


def list_programs(folder: Path) -> list[Program]:
    """Lists the compiled programs in a folder; other files are left out.

    Args:
        folder: The folder.

    Returns:
        The programs; none if the folder cannot be read.
    """
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    programs = []
    for path in (os.path.join(folder, name) for name in names if _PROGRAM.fullmatch(name)):
        # Another process may have deleted the file.
        with suppress(OSError):
            state = os.lstat(path)
            if stat.S_ISREG(state.st_mode):
                programs.append(Program(path, state.st_size, max(state.st_atime, state.st_mtime)))
    return programs


def prune(folder: Path, limit_bytes: int) -> list[Program]:
    """Deletes the programs that were used longest ago until the others take at most so many bytes.

    Other processes may do the same meanwhile. A process that misses a program compiles it again.

    Args:
        folder: The folder.
        limit_bytes: Size of the programs that may stay, in bytes; below 0, all are deleted.

    Returns:
        The programs that were deleted.
    """
    programs = sorted(list_programs(folder), key=lambda program: program.used)
    left, removed = sum(program.size for program in programs), []
    for program in programs:
        if left <= limit_bytes:
            break
        try:
            os.unlink(program.path)
        except OSError:
            continue
        left -= program.size
        removed.append(program)
    return removed
