"""Progress bars of work in stages, on stderr where it is a terminal.

A remaining time is that of the present stage alone, at the pace that was measured in it. Later stages run at other
paces and compile programs first, which nothing that was measured foretells.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from recjax.container.methods import Progress as Reporter

Clock = Callable[[], float]

_UNMEASURED = 2
"""Reports of a stage before its pace is measured: one may tell what an earlier run did, one comes after compilation."""

_MEASURED = 3
"""Reports that a pace is measured over before it is told: one alone may have waited for another program."""


class Pace:
    """The time that a stage will take still, by the time that it took so far."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock, self._reports, self._start = clock, 0, (0.0, 0)

    def seconds_left(self, done: int, total: int) -> float | None:
        """Returns the seconds until `total` of the stage is done, None as long as they cannot be told."""
        now = self._clock()
        self._reports += 1
        if self._reports <= _UNMEASURED:
            self._start = (now, done)
            return None
        since, before = self._start
        if self._reports < _UNMEASURED + _MEASURED or done <= before:
            return None
        return (now - since) / (done - before) * (total - done)


@contextmanager
def bar(*, clock: Clock = time.monotonic, console: Console | None = None) -> Iterator[Reporter]:
    """A bar that shows the stage that was reported last; what comes before the first one is called compiling."""
    console = console or Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TextColumn("{task.fields[left]}"),
    )
    progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    # Some versions of rich print an empty line at the end of a bar that was not shown.
    with progress if console.is_terminal else nullcontext():
        rows: dict[str, TaskID] = {"": progress.add_task("compiling", total=None, note="", left="")}
        paces: dict[str, Pace] = {}

        def report(stage: str, done: int, total: int | None, note: str = "", *, steady: bool = True) -> None:
            if stage not in rows:
                for row in rows.values():
                    progress.update(row, visible=False)
                rows[stage], paces[stage] = progress.add_task(stage, total=total, note="", left=""), Pace(clock)
            seconds = paces[stage].seconds_left(done, total) if steady and total is not None else None
            left = "" if seconds is None else f"{duration(seconds)} left"
            progress.update(rows[stage], completed=done, total=total, note=note, left=left)

        yield report


def duration(seconds: float) -> str:
    """Returns a time in words."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
