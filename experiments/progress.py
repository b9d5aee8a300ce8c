"""How far an experiment is: a bar on a terminal, a line for each search elsewhere.

Searches differ too much for what is done to tell how long the rest takes.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import rich.console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


@contextmanager
def searches(console: rich.console.Console, total: int) -> Iterator[Callable[[str], None]]:
    """A function to be called with the name of each of `total` searches when it begins."""
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
