"""A progress bar of lossy encoding: rate and quality as they are, and how long it will take, before it takes it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def bar(shape: tuple[int, ...]) -> Iterator[Callable[[int, int, Any], None]]:
    """What `recjax.codecs.lossy.compress` reports of pictures of a shape [picture, height, width, channel]."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[quality]}"),
        TimeRemainingColumn(),
    )
    start: list[tuple[float, int]] = []
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        row = progress.add_task("compiling", total=None, quality="")

        def report(batch: int, batches: int, facts: Any) -> None:
            done, total = batch * facts.total + facts.done, batches * facts.total
            now = time.monotonic()
            # The first call holds the compilation, the second tells what steps cost.
            if len(start) == 1:
                seconds = (now - start[0][0]) / (done - start[0][1]) * (total - done)
                console.print(f"about {_duration(seconds)} for {shape[0]} picture{'s' * (shape[0] != 1)}")
            if len(start) < 2:
                start.append((now, done))
            rate = facts.bits / (facts.count * shape[1] * shape[2])
            quality = f"{facts.psnr:.2f} dB, {rate:.3f} bits per pixel"
            progress.update(row, description="fitting", completed=done, total=total, quality=quality)

        yield report


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
