"""Bounds the memory maps that compiled programs hold, so that a long process does not run out of them.

A program of XLA:CPU holds some 40 memory maps and 2 MB. Linux gives a process 65,530 maps, and a process that needs
more dies. Public functions call `bound` before they start, which costs a comparison of two numbers unless programs
were compiled since the last call.
"""

from pathlib import Path
from typing import Any

import jax

MOST_MAPS = 10_000
"""Number of maps above which programs are dropped; they are compiled again, or read from disk, when needed."""

_LOOK_AFTER = 16
"""Number of compilations between two counts of the maps; a count takes a millisecond per thousand maps."""

_MAPS = Path("/proc/self/maps")
_COMPILED = "/jax/core/compile/backend_compile_duration"


class _Watch:
    """Counts compilations of this process.

    Attributes:
        programs: Number of programs compiled since the maps were last counted.
        unavoidable: Number of maps that were left when all programs were last dropped.
    """

    programs = 0
    unavoidable = 0


def _count(event: str, *_: Any, **__: Any) -> None:
    if event == _COMPILED:
        _Watch.programs += 1


jax.monitoring.register_event_duration_secs_listener(_count)


def bound() -> None:
    """Drops all compiled programs of this process if it holds too many memory maps.

    Must not be called while a function is traced. On systems that do not report memory maps, it never drops anything.
    """
    if _Watch.programs < _LOOK_AFTER:
        return
    _Watch.programs = 0
    # If other code holds most of the maps, dropping programs gains nothing and would make every call compile again.
    if maps() > max(MOST_MAPS, 2 * _Watch.unavoidable):
        jax.clear_caches()
        _Watch.unavoidable = maps()


def maps() -> int:
    """Counts the memory maps of this process; 0 on systems that do not report them."""
    try:
        return _MAPS.read_bytes().count(b"\n")
    except OSError:
        return 0
