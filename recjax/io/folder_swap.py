"""Two folders that take each other's place."""

import ctypes
import os
import secrets
import sys
from pathlib import Path

_AT_CURRENT_FOLDER, _EXCHANGE = -100, 2


def swap(part: Path, target: Path) -> None:
    """Gives the folder `part` the name of the folder `target` beside it, and that the name of `part`.

    Both names change at once on Linux, where the file system can do that. Elsewhere the old folder is aside for a
    moment, as NAME.old-XXXXXXXX, and a process that is killed then leaves it there, whole.
    """
    if _exchange(part, target):
        return
    # Cut so that it fits, in letters of up to 4 bytes.
    aside = target.with_name(f"{target.name[:50]}.old-{secrets.token_hex(4)}")
    target.rename(aside)
    try:
        part.rename(target)
    except BaseException:
        aside.rename(target)
        raise
    aside.rename(part)


def _exchange(one: Path, other: Path) -> bool:
    """Whether the system exchanged two names."""
    if sys.platform != "linux":
        return False
    system = ctypes.CDLL(None)
    if not hasattr(system, "renameat2"):
        return False
    names = (_AT_CURRENT_FOLDER, os.fsencode(one), _AT_CURRENT_FOLDER, os.fsencode(other))
    return system.renameat2(*names, ctypes.c_uint(_EXCHANGE)) == 0
