"""Progress bars of work in stages, on standard error where it is a terminal.

The remaining time that is shown is that of the present stage alone, at the pace measured in it. Later stages have other
paces and compile programs first, which no measurement so far predicts.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from recjax.container.coder import Progress as Reporter

Clock = Callable[[], float]

_UNMEASURED = 2
"""Reports of a stage before its pace is measured: the first may be about work of an earlier run, and the second comes
after compilation."""

_MEASURED = 3
"""Reports over which a pace is measured before it is shown: a single one may have been delayed by another program."""


class Pace:
    """Estimates the remaining time of a stage from the time taken so far."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock, self._reports, self._start = clock, 0, (0.0, 0)

    def seconds_left(self, done: int, total: int) -> float | None:
        """Estimates the remaining time of the stage; to be called at each report.

        Args:
            done: How much of the stage is done.
            total: How much the stage consists of.

        Returns:
            The time in seconds; None as long as there are too few reports, or none of progress.
        """
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
    """Shows a bar for the stage that was reported last; before the first report, for compiling.

    Args:
        clock: Returns the time in seconds.
        console: Where to show the bar; None takes standard error.

    Yields:
        The function that reports progress; see `recjax.container.coder.Progress`.
    """
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
    """Puts a time into words.

    Args:
        seconds: The time in seconds.

    Returns:
        The time in seconds or, from 90 s on, in minutes.
    """
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
