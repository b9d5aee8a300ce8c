"""The compiled programs in a folder of JAX's: which there are, and the deletion of those that were used longest ago."""

import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_PROGRAM = re.compile(r".+-[0-9a-f]{64}-(cache|atime)")
"""Files that JAX writes: a program, and when it was used, which is kept where JAX limits the folder itself."""


class Program(NamedTuple):
    """A file of a folder. used: time of its last use, as well as the file system knows it."""

    path: str
    size: int
    used: float


def list_programs(folder: Path) -> list[Program]:
    """Returns the programs of a folder, none if it cannot be read; other files are not JAX's and not told."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    found = []
    for path in (os.path.join(folder, name) for name in names if _PROGRAM.fullmatch(name)):
        # Other processes delete files, too.
        with suppress(OSError):
            state = os.lstat(path)
            if stat.S_ISREG(state.st_mode):
                found.append(Program(path, state.st_size, max(state.st_atime, state.st_mtime)))
    return found


def prune(folder: Path, limit_bytes: int) -> list[Program]:
    """Delete the programs that were used longest ago until the others take at most so many bytes; returns the deleted.

    Below 0 bytes all are deleted. Other processes may do so meanwhile; one that misses a program compiles it again.
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
