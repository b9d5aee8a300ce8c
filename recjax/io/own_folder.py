"""Makes folders that belong to the user alone, so that nobody else can have put anything into them."""

import os
import stat
from pathlib import Path

_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def make(folder: Path) -> str | None:
    """Makes a folder, and the folders above it, for the user alone.

    Args:
        folder: The folder; it may exist.

    Returns:
        None if the folder is there and can be written to; otherwise the reason why not, in words.
    """
    try:
        for part in (*reversed(folder.absolute().parents), folder):
            if not part.is_dir():
                part.mkdir(mode=0o700, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            return f"{folder} cannot be written; change its permissions, or name another one"
    except OSError as error:
        return f"{folder} cannot be made ({error.strerror}); name another one"
    return None


def fault(folder: Path) -> str | None:
    """Checks that nobody else may have put something into a folder.

    The folder must belong to the user, and nobody else may write to it, or rename a folder above it.

    Args:
        folder: The folder.

    Returns:
        None if the folder is safe; otherwise what is wrong, in words.
    """
    if os.name != "posix":
        return None
    try:
        whole, real = folder.absolute(), folder.resolve()
        info, me = real.stat(), os.geteuid()
        if not stat.S_ISDIR(info.st_mode):
            return f"{folder} is no folder; name another one"
        if info.st_uid != me:
            return f"{folder} belongs to another user; name another one"
        if info.st_mode & _OTHERS:
            return f"others may write to {folder}; `recjax doctor --clear-cache` empties it and closes it to them"
        for part in {whole, *whole.parents, *real.parents}:
            # Of a symbolic link both its own owner and the owner of what it leads to must be trusted.
            owners = {part.lstat().st_uid, part.stat().st_uid}
            if not owners <= {0, me} or (part != whole and _is_open(part.stat(), me)):
                return f"{folder} lies in {part}, where others may write; name another one"
    except OSError as error:
        return f"{folder} cannot be read ({error.strerror}); name another one"
    return None


def close(folder: Path) -> str | None:
    """Closes a folder of the user to others.

    Args:
        folder: The folder.

    Returns:
        None if the folder is now safe, as `fault` checks it; otherwise what is wrong, in words.
    """
    try:
        if os.name == "posix" and folder.stat().st_uid == os.geteuid():
            folder.chmod(0o700)
    except OSError as error:
        return f"{folder} cannot be changed ({error.strerror}); change its permissions"
    return fault(folder)


def _is_open(info: os.stat_result, me: int) -> bool:
    """Returns whether others may rename what lies in a folder."""
    if info.st_mode & stat.S_ISVTX:
        return False
    # Many systems give each user a group of their own, with the user's number, and let it write.
    of_group = info.st_mode & stat.S_IWGRP and info.st_gid not in (0, me)
    return bool(of_group or info.st_mode & stat.S_IWOTH)
