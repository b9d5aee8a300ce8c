"""Keeps outputs from being more readable than the inputs that they are made of."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recjax.io.inputs import STANDARD

_GROUP, _OTHERS = 0o070, 0o007


@contextmanager
def private_as(source: Path, folder: Path) -> Iterator[None]:
    """Makes new files of this process readable only by those who can read the source, for as long as the block runs.

    Whoever may not read the source is added to the umask, so that files which replace others keep the permissions of
    those. Standard input has no permissions, and changes nothing.

    Args:
        source: A file, or a folder of files, of which the most private one counts.
        folder: The folder that the new files are made in.

    Yields:
        Nothing.
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
    """Returns the permission bits of those who may not read a source; if it is gone, those of all but the owner."""
    try:
        place, infos = folder.stat(), [source.stat()]
        if source.is_dir():
            with os.scandir(source) as entries:
                infos += [entry.stat() for entry in entries if entry.is_file()]
    except OSError:
        return _GROUP | _OTHERS
    # The group's permissions of the source say nothing about new files if those get another group.
    group = place.st_gid if place.st_mode & stat.S_ISGID or not hasattr(os, "getegid") else os.getegid()
    others = all(info.st_mode & stat.S_IROTH for info in infos)
    of_group = all(info.st_mode & stat.S_IRGRP and (info.st_gid == group or others) for info in infos)
    return (0 if of_group else _GROUP) | (0 if others else _OTHERS)
