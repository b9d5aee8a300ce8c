"""Writes files that appear whole or not at all."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from recjax.io.part_files import PREFIX, part_file, sweep
from recjax.text import quoted


def write_atomically(
    path: str | Path,
    write: Callable[[Path], object],
    *,
    once: bool = False,
    replace: bool = True,
) -> None:
    """Writes a temporary file beside `path` and then gives it that name; on an error nothing is left behind.

    If `path` is a symbolic link, the file that it leads to is written. A file that replaces another gets the
    permissions of that one, and its owner and group where the system allows it. If the process is killed, the old file
    or the new one is there, and at most a temporary file, which the next write to `path` removes.

    Args:
        path: The path of the file; its folder must exist.
        write: A function that fills the file whose path it gets, without renaming it.
        once: Whether to keep a file that already exists, whichever process wrote it.
        replace: Whether an existing file may be replaced; otherwise it is an error.

    Raises:
        ValueError: A file cannot be put there, or one exists that may not be replaced.
        OSError: The system refused to write; the error names `path`.
    """
    path = Path(path)
    target = file_target(path, replace=replace or once)
    with names_errors(path), part_file(target) as part:
        write(part)
        set_permissions(part, target)
        # The bytes must be on the disk before the name: a crash of the machine then leaves the old file or the new one.
        with open(part, "rb") as file:
            os.fsync(file.fileno())
        if replace and not once:
            part.replace(target)
            return
        try:
            _name_new(part, target)
        except FileExistsError:
            if not once:
                raise ValueError(_exists(path)) from None


def require_file_place(path: str | Path, *, replace: bool = True) -> None:
    """Makes sure that a file can be written to `path`, by making a temporary one beside it.

    Args:
        path: The path of the file.
        replace: Whether an existing file may be replaced; otherwise it is an error.

    Raises:
        ValueError: The folder does not exist, something other than a file is there, or a file exists that may not be
            replaced.
        OSError: No file can be made in the folder.
    """
    with names_errors(path), part_file(file_target(Path(path), replace=replace)):
        pass


@contextmanager
def names_errors(path: str | Path) -> Iterator[None]:
    """Makes errors of the system name `path`, which the caller knows, instead of a temporary file.

    Args:
        path: The path to name.

    Yields:
        Nothing; errors of the block are changed.

    Raises:
        OSError: The error of the block, with this path if it named a temporary file or none.
    """
    try:
        yield
    except OSError as error:
        if error.filename is not None and PREFIX not in str(error.filename):
            raise
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def file_target(path: Path, *, replace: bool) -> Path:
    """Finds the file that a write to `path` makes or replaces.

    Args:
        path: The path that is written to.
        replace: Whether an existing file may be replaced.

    Returns:
        The path with symbolic links followed.

    Raises:
        ValueError: The folder does not exist, a link leads nowhere, something other than a file is there, or a file
            exists that may not be replaced.
    """
    target = follow(path)
    require_parent(target)
    # A rename would replace a device or a pipe, too.
    if (info := status(target)) is not None:
        if not stat.S_ISREG(info.st_mode):
            raise ValueError(f"{quoted(path)} exists and is not a file; name another.")
        if not replace:
            # The next write would remove what a killed one left, but it is refused here.
            sweep(target)
            raise ValueError(_exists(path))
    return target


def follow(path: Path) -> Path:
    """Follows a symbolic link.

    Args:
        path: Any path.

    Returns:
        What the link leads to; other paths as they are.

    Raises:
        ValueError: The link leads nowhere.
    """
    if not path.is_symlink():
        return path
    target = Path(os.path.realpath(path))
    # A new file at the far end of a dangling link would be where nobody expects it.
    if status(target) is None or target.is_symlink():
        raise ValueError(f"{quoted(path)} is a link to {quoted(target)}, which does not exist; name the file itself.")
    return target


def status(path: Path) -> os.stat_result | None:
    """Reads the system's information on a path, without following links.

    Args:
        path: Any path.

    Returns:
        The result of `Path.lstat`; None if nothing is there.
    """
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def require_parent(path: Path) -> None:
    """Makes sure that the folder that is to hold `path` exists.

    Args:
        path: The path of a file or folder, which need not exist.

    Raises:
        ValueError: The folder does not exist.
    """
    if not path.parent.is_dir():
        raise ValueError(f"the folder {quoted(path.parent)} does not exist; make it first.")


def umask() -> int:
    """Returns the permissions that new files of this process do not get."""
    # The only portable way to read it is to set it.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _exists(path: Path) -> str:
    return f"{quoted(path)} exists; name another, or ask for it to be replaced (--force)."


def set_permissions(part: Path, target: Path) -> None:
    """Gives a temporary file or folder the permissions of what it replaces, or those of a new one.

    Args:
        part: The temporary file or folder.
        target: What it is about to replace, if that exists.
    """
    old = status(target)
    if old is None:
        part.chmod((0o777 if part.is_dir() else 0o666) & ~umask())
        return
    mode = old.st_mode & 0o777
    if not _give_to(part, old):
        # A new group gets only the permissions that all users had, since it is not the group that had the others.
        mode &= ~0o070 | (mode & 0o007) << 3
    part.chmod(mode)


def _give_to(part: Path, old: os.stat_result) -> bool:
    """Gives a file the group of another, and its owner where the system allows it.

    Returns whether the file has that group now.
    """
    if not hasattr(os, "chown"):
        return True
    for owner in (old.st_uid, -1):
        with suppress(PermissionError):
            os.chown(part, owner, old.st_gid)
            return True
    return part.stat().st_gid == old.st_gid


def _name_new(part: Path, target: Path) -> None:
    """Gives a file a name that is not in use; raises FileExistsError if it is."""
    try:
        # Unlike a rename, a link never takes the place of a file.
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:
        # Some file systems have no links.
        if status(target) is not None:
            raise FileExistsError from None
        part.rename(target)
