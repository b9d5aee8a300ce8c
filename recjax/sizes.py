"""A few sizes an octave: arrays are padded to them, so that inputs of any size share a few compiled programs."""

from typing import Any

import numpy as np


def padded(count: int) -> int:
    """The least of the sizes 1, 2, 3, 4, 6, 8, 12, ..., 64, 80, 96, 112, 128, 160, ... that is not below `count`.

    What is added is at most half of `count`, and at most a quarter from 64 on.
    """
    parts = 4 if count > 64 else 2
    step = max((1 << max(count - 1, 0).bit_length()) // (2 * parts), 1)
    return -(-count // step) * step


def repeat_last(rows: Any, size: int) -> np.ndarray:
    """An array of at least one row, with the last one repeated up to `size` rows; on the host."""
    rows = np.asarray(rows)
    return rows if len(rows) == size else rows[np.minimum(np.arange(size), len(rows) - 1)]
