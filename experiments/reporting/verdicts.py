"""Decides for all tables what counts as a detected bias and which results readers must be warned of; imports no JAX."""

from collections.abc import Iterable
from typing import Any

DETECTED = 0.01
"""A p-value below this counts as a detected bias; one test in 100 of exact samples has one."""

FLAGGED = 0.01
"""A figure is marked if more than this share of its searches ended without an exact sample."""


def detected(row: dict[str, Any]) -> bool:
    """Tells whether a test distinguishes the samples of a row from exact ones.

    The tests are those of the worst dimension and of the log density ratio.

    Args:
        row: A row of a result with the p-values of both tests.

    Returns:
        Whether the lower p-value is below DETECTED.
    """
    return lowest_pvalue(row) < DETECTED


def lowest_pvalue(row: dict[str, Any]) -> float:
    """Returns the lower p-value of a row's two tests.

    Args:
        row: A row of a result with `bias_ks_pvalue` and `bias_log_ratio_pvalue`.

    Returns:
        The p-value.
    """
    return min(row["bias_ks_pvalue"], row["bias_log_ratio_pvalue"])


def smallest_undetected(rows: Iterable[dict[str, Any]], size: str) -> dict[str, Any] | None:
    """Returns the row of the smallest size such that neither it nor any larger one has a detected bias.

    Args:
        rows: Rows of a result, in any order.
        size: The key of the size, such as the number of candidates.

    Returns:
        The row, or None if a bias is detected at the largest size.
    """
    found = None
    for row in sorted(rows, key=lambda row: row[size], reverse=True):
        if detected(row):
            break
        found = row
    return found


def short_share(row: dict[str, Any]) -> float:
    """Returns the share of searches without an exact sample.

    Args:
        row: A row of a result with the counts `runs`, `exhausted` (searches that used up their budget) and optionally
            `unsuited` (searches for targets that the coder cannot handle).

    Returns:
        The larger of the two shares, in [0, 1].
    """
    return max(row["exhausted"], row.get("unsuited", 0)) / row["runs"]


def flagged(row: dict[str, Any]) -> bool:
    """Tells whether more than a share FLAGGED of a row's searches ended without an exact sample.

    Args:
        row: A row of a result, as for `short_share`.

    Returns:
        Whether the row is to be marked.
    """
    return short_share(row) > FLAGGED


def largest_of(p_value: float, tests: int) -> float:
    """Computes the chance that the lowest of several p-values of exact samples is as low as a given one.

    Args:
        p_value: The given p-value.
        tests: The number of independent tests.

    Returns:
        1 - (1 - p_value)^tests.
    """
    return 1.0 - (1.0 - p_value) ** tests
