"""Code that a contender of a benchmark has prepared to be timed."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Task:
    """Holds code to be timed.

    Attributes:
        codes: By name, a call that waits for its own results, and the number of things that it does.
        facts: What the table reports beside the rates, such as the bytes of a message.
    """

    codes: dict[str, tuple[Callable[[], Any], int]]
    facts: dict[str, Any] = field(default_factory=dict)


def median_seconds(code: Callable[[], Any], rounds: int) -> float:
    """Measures the median time of a call, after a first one that compiles.

    Args:
        code: The call, which waits for its own results.
        rounds: Number of calls that are timed.

    Returns:
        Seconds.
    """
    code()
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        code()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)
