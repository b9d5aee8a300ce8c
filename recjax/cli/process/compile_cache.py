"""The folder in which the command line keeps compiled programs for its next call.

What lies there is loaded and run, so a folder is used only if nobody else can put programs into it. Nothing here
imports JAX, which reads its settings from the environment when it is imported.
"""

import functools
import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

from recjax.cli.process import cached_programs
from recjax.io import own_folder
from recjax.text import complain, quoted

VARIABLE = "RECJAX_CACHE"
"""Environment variable with the path of the folder of compiled programs, or "off"."""

LIMIT_VARIABLE = "RECJAX_CACHE_BYTES"
"""Environment variable with the number of bytes of programs that the folder keeps; those used longest ago are deleted
first."""

LIMIT_BYTES = 1 << 30
"""Bytes of programs that the folder keeps if no limit is set."""

_OF_JAX = "JAX_COMPILATION_CACHE_DIR"
_LEAST_SECONDS = "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"

_set_here: set[str] = set()
"""Folders that this process has set for JAX, and that are therefore not the user's settings."""


def folder() -> Path | None:
    """Determines the folder in which compiled programs are kept; what is set for JAX itself comes first.

    Returns:
        The folder; None if this is turned off, or the user has no home folder.
    """
    if _is_off():
        return None
    chosen = _chosen()
    try:
        if chosen:
            return Path(chosen).expanduser()
        home = os.environ.get("XDG_CACHE_HOME")
        return (Path(home) if home else Path.home() / ".cache") / "recjax" / "compiled"
    except RuntimeError:
        return None


def _chosen() -> str:
    return os.environ.get(_OF_JAX) or os.environ.get(VARIABLE, "")


def _is_off() -> bool:
    return _chosen().lower() in ("off", "0", "no")


def is_of_jax() -> bool:
    """Tells whether the user has set the folder for JAX; such a folder is neither checked, nor limited, nor cleared."""
    return os.environ.get(_OF_JAX, "") not in ("", *_set_here)


def limit_bytes() -> int:
    """Returns the limit of the folder in bytes; a limit that is not a number of bytes is reported once and ignored."""
    return _limit_of(os.environ.get(LIMIT_VARIABLE, ""))


@functools.cache
def _limit_of(stated: str) -> int:
    if stated.isascii() and stated.isdecimal() and len(stated) < 20:
        return int(stated)
    if stated:
        complain(f"{LIMIT_VARIABLE} must be a number of bytes, got {stated!r}; change it.")
    return LIMIT_BYTES


def keep(environment: MutableMapping[str, str] = os.environ) -> Path | None:
    """Lets JAX, once it is imported, keep what it compiles; settings that exist already stay.

    A folder that cannot be made, or that others may write to, is not used, and one line on standard error says so.

    Args:
        environment: The environment variables to set.

    Returns:
        The folder to call `limit` with at the end; None if there is none, or if it is one that the user set for JAX.
    """
    directory, ours = folder(), not is_of_jax()
    if directory is None:
        return None
    if ours:
        fault = own_folder.make(directory) or own_folder.fault(directory)
        if fault:
            complain(f"compiled programs are not kept: {fault}; or set {VARIABLE} to off.")
            return None
        if environment is os.environ:
            _set_here.add(str(directory))
    environment.setdefault(_OF_JAX, str(directory))
    environment.setdefault(_LEAST_SECONDS, "0.2")
    return directory if ours else None


def limit(kept: Path) -> None:
    """Deletes the programs of a folder that were used longest ago, as far as it exceeds its limit.

    Args:
        kept: The folder, from `keep`.
    """
    # Without JAX, nothing was added to the folder.
    if "jax" in sys.modules:
        cached_programs.prune(kept, limit_bytes())


def facts() -> dict[str, object]:
    """Collects facts about the folder.

    Returns:
        Its path, the number of programs, their bytes, the limit, and why it is not used (None if it is), by name.
    """
    directory = folder()
    if directory is None:
        return {"folder": None, "unused": f"{VARIABLE} is off" if _is_off() else "there is no home folder"}
    fault = None if is_of_jax() or not directory.exists() else own_folder.fault(directory)
    programs = cached_programs.list_programs(directory)
    size = sum(program.size for program in programs)
    limit = None if is_of_jax() else limit_bytes()
    return {"folder": str(directory), "programs": len(programs), "bytes": size, "limit_bytes": limit, "unused": fault}


def describe() -> str:
    """Describes the folder in one line for a person.

    Returns:
        What `facts` returns, in words.
    """
    known = facts()
    if known["folder"] is None:
        return f"commands keep no compiled programs ({known['unused']})"
    limit = (
        f"of at most {known['limit_bytes']:,} ({LIMIT_VARIABLE})" if known["limit_bytes"] is not None else "of JAX's"
    )
    held = (
        f"{known['programs']:,} compiled programs, {known['bytes']:,} bytes {limit}, in {known['folder']} ({VARIABLE})"
    )
    return f"commands keep {held}" if known["unused"] is None else f"not used by commands: {held}: {known['unused']}"


def clear() -> tuple[str, dict[str, object]]:
    """Deletes all programs, and closes the folder to other users.

    Returns:
        What was done, as a line for a person; and as facts: the folder, the number of programs deleted, and their
        bytes.

    Raises:
        ValueError: The folder is not the user's own, or is one that the user set for JAX.
    """
    directory = folder()
    if directory is None or not directory.is_dir():
        where = None if directory is None else str(directory)
        return "no compiled programs are kept", {"folder": where, "programs_deleted": 0, "bytes_deleted": 0}
    if is_of_jax():
        raise ValueError(
            f"{quoted(directory)} is JAX's by {_OF_JAX}, and may hold programs of others; clear it yourself."
        )
    fault = own_folder.close(directory)
    if fault:
        raise ValueError(f"the compiled programs were not deleted: {fault}.")
    removed = cached_programs.prune(directory, -1)
    size = sum(program.size for program in removed)
    line = f"{quoted(directory)}: {len(removed):,} compiled programs deleted, {size:,} bytes"
    return line, {"folder": str(directory), "programs_deleted": len(removed), "bytes_deleted": size}
