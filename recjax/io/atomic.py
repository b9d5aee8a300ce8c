"""Files that appear at once or not at all."""

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
    """Lets `write` fill a temporary file beside `path`, then gives it that name; on an error nothing is left behind.

    A link at `path` is written through. A file that takes the place of another has the permissions of that, and its
    owner and group where the system allows it. A process that is killed leaves the old file or the new one, and at
    most a temporary file, which the next write to `path` removes.

    Args:
        path: the file; its folder must exist.
        write: fills the file whose path it is given, without renaming it.
        once: keep a file that already exists, whichever process wrote it.
        replace: whether an existing file may be replaced; otherwise it is an error.

    Raises:
        ValueError: a file cannot be put there, or is there and is not to be replaced.
        OSError: the system refused to write; the error names `path`.
    """
    path = Path(path)
    target = file_target(path, replace=replace or once)
    with names_errors(path), part_file(target) as part:
        write(part)
        set_permissions(part, target)
        # On the disk before its name is: a crash of the machine leaves the old file or the new one.
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

    Raises:
        ValueError: its folder does not exist, or only a plain file could be replaced, or none is to be.
        OSError: the folder takes no files.
    """
    with names_errors(path), part_file(file_target(Path(path), replace=replace)):
        pass


@contextmanager
def names_errors(path: str | Path) -> Iterator[None]:
    """Makes errors of the system name `path`, which the caller knows, instead of a temporary file."""
    try:
        yield
    except OSError as error:
        if error.filename is not None and PREFIX not in str(error.filename):
            raise
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def file_target(path: Path, *, replace: bool) -> Path:
    """The file that a write to `path` makes or replaces, links followed; ValueError if it must not."""
    target = follow(path)
    require_parent(target)
    # A rename would put a file in the place of a device or a pipe, too.
    if (found := status(target)) is not None:
        if not stat.S_ISREG(found.st_mode):
            raise ValueError(f"{quoted(path)} exists and is not a file; name another.")
        if not replace:
            # What a killed write left would go with the next one, which is refused here.
            sweep(target)
            raise ValueError(_exists(path))
    return target


def follow(path: Path) -> Path:
    """What a link leads to, and other paths as they are; ValueError if it leads nowhere."""
    if not path.is_symlink():
        return path
    target = Path(os.path.realpath(path))
    # A file made through a link that somebody left would be where nobody expects it.
    if status(target) is None or target.is_symlink():
        raise ValueError(f"{quoted(path)} is a link to {quoted(target)}, which does not exist; name the file itself.")
    return target


def status(path: Path) -> os.stat_result | None:
    """What the system says of a path, links not followed; None if nothing is there."""
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def require_parent(path: Path) -> None:
    """ValueError unless the folder that is to hold `path` exists."""
    if not path.parent.is_dir():
        raise ValueError(f"the folder {quoted(path.parent)} does not exist; make it first.")


def umask() -> int:
    """The permissions that new files do not get."""
    # The only portable way to read it is to set it.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _exists(path: Path) -> str:
    return f"{quoted(path)} exists; name another, or ask for it to be replaced (--force)."


def set_permissions(part: Path, target: Path) -> None:
    """Gives a temporary file or folder the permissions of what it replaces, or those of a new one."""
    old = status(target)
    if old is None:
        part.chmod((0o777 if part.is_dir() else 0o666) & ~umask())
        return
    mode = old.st_mode & 0o777
    if not _give_to(part, old):
        # Another group must not read what its own could, unless all could.
        mode &= ~0o070 | (mode & 0o007) << 3
    part.chmod(mode)


def _give_to(part: Path, old: os.stat_result) -> bool:
    """Whether the file now has the group of another; its owner, too, where the system lets it be given away."""
    if not hasattr(os, "chown"):
        return True
    for owner in (old.st_uid, -1):
        with suppress(PermissionError):
            os.chown(part, owner, old.st_gid)
            return True
    return part.stat().st_gid == old.st_gid


def _name_new(part: Path, target: Path) -> None:
    """Give a file a name that no other has; FileExistsError if one has."""
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
