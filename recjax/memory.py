"""A bound on what compiled programs hold of a process, so that a long one does not run out of memory maps.

A program of XLA:CPU holds some 40 memory maps and 2 MB, and Linux gives a process 65,530 maps; with the last of them
the process dies. Functions that raise errors for people call `bound` before they start. It compares two numbers, unless
something was compiled since the last call.
"""

from pathlib import Path
from typing import Any

import jax

MOST_MAPS = 10_000
"""Above so many, what was compiled is forgotten, and compiled again (or read from a cache on disk) where needed."""

_LOOK_AFTER = 16
"""Programs between two looks at the maps, which take a millisecond for each thousand."""

_MAPS = Path("/proc/self/maps")
_COMPILED = "/jax/core/compile/backend_compile_duration"


class _Watch:
    """programs: compiled since the last look. unavoidable: maps that were left when all programs were forgotten."""

    programs = 0
    unavoidable = 0


def _count(event: str, *_: Any, **__: Any) -> None:
    if event == _COMPILED:
        _Watch.programs += 1


jax.monitoring.register_event_duration_secs_listener(_count)


def bound() -> None:
    """Forget all compiled programs of this process, if they hold too many memory maps.

    Not to be called while a function is traced. Where the system does not tell of maps, nothing is forgotten.
    """
    if _Watch.programs < _LOOK_AFTER:
        return
    _Watch.programs = 0
    # A process that holds as many without any program would gain nothing, and compile at every call.
    if maps() > max(MOST_MAPS, 2 * _Watch.unavoidable):
        jax.clear_caches()
        _Watch.unavoidable = maps()


def maps() -> int:
    """Memory maps of this process, 0 where the system does not tell."""
    try:
        return _MAPS.read_bytes().count(b"\n")
    except OSError:
        return 0
