"""What counts as a detected bias, and which searches a reader must be warned of: one rule for all tables; no JAX."""

from collections.abc import Iterable
from typing import Any

DETECTED = 0.01
"""A p-value below this shows a bias; exact samples have one in 1 of 100 tests."""

FLAGGED = 0.01
"""Share of searches without an exact sample from which on a figure is marked."""


def detected(row: dict[str, Any]) -> bool:
    """Whether a test tells the samples of a row from exact ones: of the worst dimension, or of the log ratio."""
    return lowest_pvalue(row) < DETECTED


def lowest_pvalue(row: dict[str, Any]) -> float:
    """Of the two tests that a row has."""
    return min(row["bias_ks_pvalue"], row["bias_log_ratio_pvalue"])


def smallest_undetected(rows: Iterable[dict[str, Any]], size: str) -> dict[str, Any] | None:
    """The row of the smallest size from which on no bias is detected; None if one is at the largest."""
    found = None
    for row in sorted(rows, key=lambda row: row[size], reverse=True):
        if detected(row):
            break
        found = row
    return found


def short_share(row: dict[str, Any]) -> float:
    """Share of searches that a budget ended, or whose target the coder cannot be given: the larger of the two."""
    return max(row["exhausted"], row.get("unsuited", 0)) / row["runs"]


def flagged(row: dict[str, Any]) -> bool:
    """Whether these are more than a few."""
    return short_share(row) > FLAGGED


def largest_of(p_value: float, tests: int) -> float:
    """The chance that one of so many tests of exact samples has a p-value as low as this."""
    return 1.0 - (1.0 - p_value) ** tests
