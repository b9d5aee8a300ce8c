"""What a contender of a benchmark is: code to be timed, and how much of what a call of it does."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Task:
    """Ready to be timed. codes: by name, each with the number of things that a call does. facts: what else came out."""

    codes: dict[str, tuple[Callable[[], Any], int]]
    facts: dict[str, Any] = field(default_factory=dict)


def median_seconds(code: Callable[[], Any], rounds: int) -> float:
    """Of so many calls, after one that compiles; the code waits for its own results."""
    code()
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        code()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)
