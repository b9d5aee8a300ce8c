"""Exchanges the names of two folders."""

import ctypes
import os
import secrets
import sys
from pathlib import Path

_AT_CURRENT_FOLDER, _EXCHANGE = -100, 2


def swap(part: Path, target: Path) -> None:
    """Exchanges the names of two folders that lie in the same folder.

    Both names change at once on Linux, where the file system supports it. Elsewhere the old folder is called
    NAME.old-XXXXXXXX for a moment, and stays so, whole, if the process is killed then.

    Args:
        part: The new folder.
        target: The folder that it replaces, which gets the name of `part`.

    Raises:
        OSError: The system refused to rename. If it was the new folder, the old one has its name again.
    """
    if _exchange(part, target):
        return
    # Cut so that the name fits into 255 bytes, even if each letter takes 4.
    aside = target.with_name(f"{target.name[:50]}.old-{secrets.token_hex(4)}")
    target.rename(aside)
    try:
        part.rename(target)
    except BaseException:
        aside.rename(target)
        raise
    aside.rename(part)


def _exchange(first: Path, second: Path) -> bool:
    """Exchanges two names if the system can, and returns whether it did."""
    if sys.platform != "linux":
        return False
    system = ctypes.CDLL(None)
    if not hasattr(system, "renameat2"):
        return False
    names = (_AT_CURRENT_FOLDER, os.fsencode(first), _AT_CURRENT_FOLDER, os.fsencode(second))
    return system.renameat2(*names, ctypes.c_uint(_EXCHANGE)) == 0
