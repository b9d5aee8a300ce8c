"""Outputs that are no more readable than what they are made of."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recjax.io.inputs import STANDARD

_GROUP, _OTHERS = 0o070, 0o007


@contextmanager
def private_as(source: Path, folder: Path) -> Iterator[None]:
    """Lets files that this process makes in a folder meanwhile be readable by nobody who cannot read the source.

    The source is a file, or a folder of files, of which the most private counts. Whoever may not read it is added to
    the umask, so that files which replace others keep the permissions of those. Standard input has no permissions.
    """
    if source == STANDARD:
        yield
        return
    mask = os.umask(0o077)
    os.umask(mask | _kept_out(source, folder))
    try:
        yield
    finally:
        os.umask(mask)


def _kept_out(source: Path, folder: Path) -> int:
    """The permissions of those who may not read a source; if it is gone, of all but the owner."""
    try:
        place, found = folder.stat(), [source.stat()]
        if source.is_dir():
            with os.scandir(source) as entries:
                found += [entry.stat() for entry in entries if entry.is_file()]
    except OSError:
        return _GROUP | _OTHERS
    # Permissions of a group mean something else where a file gets another group.
    group = place.st_gid if place.st_mode & stat.S_ISGID or not hasattr(os, "getegid") else os.getegid()
    others = all(one.st_mode & stat.S_IROTH for one in found)
    of_group = all(one.st_mode & stat.S_IRGRP and (one.st_gid == group or others) for one in found)
    return (0 if of_group else _GROUP) | (0 if others else _OTHERS)
