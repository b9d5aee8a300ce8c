"""Where the command line keeps compiled programs for its next call. Imports no JAX, which reads the environment."""

import errno
import os
from collections.abc import MutableMapping
from pathlib import Path

VARIABLE = "RECJAX_CACHE"
"""Names the folder of compiled programs, or is "off"."""

_OF_JAX = "JAX_COMPILATION_CACHE_DIR"
_LEAST_SECONDS = "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"


def folder() -> Path | None:
    """Where the command line keeps compiled programs, None for nowhere; what is set for JAX itself comes first.

    Nowhere is also where a user has no home.
    """
    chosen = os.environ.get(_OF_JAX) or os.environ.get(VARIABLE, "")
    if chosen.lower() in ("off", "0", "no"):
        return None
    try:
        if chosen:
            return Path(chosen).expanduser()
        home = os.environ.get("XDG_CACHE_HOME")
        return (Path(home) if home else Path.home() / ".cache") / "recjax" / "compiled"
    except RuntimeError:
        return None


def make_folder() -> None:
    """Makes the folder, unless it is that of JAX itself; OSError if programs cannot be kept in it."""
    found = None if os.environ.get(_OF_JAX) else folder()
    if found is not None:
        found.mkdir(parents=True, exist_ok=True)
        if not os.access(found, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(found))


def keep(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let JAX, once it is imported, keep what it compiles; what was set for it stays.

    A folder that cannot be written costs a warning of JAX, and nothing else.
    """
    found = folder()
    if found is not None:
        environment.setdefault(_OF_JAX, str(found))
        environment.setdefault(_LEAST_SECONDS, "0.2")
