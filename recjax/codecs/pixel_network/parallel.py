"""Runs calls in threads, as many at a time as there are processors. Imports no JAX.

XLA uses little more than one core for the small steps of a wavefront, so batches of tiles run beside each other.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def in_parallel(calls: Sequence[Callable[[], Result]]) -> Iterator[Result]:
    """Runs calls in parallel.

    Args:
        calls: The calls. Of those that have not begun, none begins after one has raised an exception or the caller has
            stopped to ask for results.

    Yields:
        Their results, in order.
    """
    with ThreadPoolExecutor(max(1, min(len(calls), _processors()))) as pool:
        waiting = [pool.submit(call) for call in calls]
        try:
            for one in waiting:
                yield one.result()
        finally:
            for one in waiting:
                one.cancel()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
