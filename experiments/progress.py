"""Shows how far an experiment is: a progress bar on a terminal, otherwise a line for each search.

No remaining time is estimated, since searches differ too much in length.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import rich.console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


@contextmanager
def searches(console: rich.console.Console, total: int) -> Iterator[Callable[[str], None]]:
    """Shows the progress of `total` searches while the context is open.

    Args:
        console: Where progress is shown.
        total: The number of searches.

    Yields:
        A function to call with the name of each search when it begins.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    start = time.perf_counter()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task, begun = bar.add_task("compiling", total=total), 0

        def begin(name: str) -> None:
            nonlocal begun
            bar.update(task, completed=begun, description=name)
            begun += 1
            if not console.is_terminal:
                seconds = time.perf_counter() - start
                console.print(f"{seconds:4.0f} s, {begun} of {total}: {name}", highlight=False)

        yield begin
