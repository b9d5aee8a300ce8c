"""Sizes that arrays are padded to, a few per octave, so that inputs of any size share a few compiled programs."""

from typing import Any

import numpy as np


def padded(count: int) -> int:
    """Rounds a count up to one of the sizes 1, 2, 3, 4, 6, 8, 12, ..., 64, 80, 96, 112, 128, 160, ...

    Args:
        count: The number of elements, at least 0.

    Returns:
        The smallest such size that is not below `count`: at most half of `count` larger, and at most a quarter from 64
        on.
    """
    parts = 4 if count > 64 else 2
    step = max((1 << max(count - 1, 0).bit_length()) // (2 * parts), 1)
    return -(-count // step) * step


def repeat_last(rows: Any, size: int) -> np.ndarray:
    """Pads an array along its first axis by repeating its last row, on the host.

    Args:
        rows: Array of at least one row, [n, ...].
        size: The number of rows to pad to, at least n.

    Returns:
        NumPy array [size, ...].
    """
    rows = np.asarray(rows)
    return rows if len(rows) == size else rows[np.minimum(np.arange(size), len(rows) - 1)]
