"""Checks of values that callers give; each error says in one sentence what to give instead.

Nothing here imports JAX.
"""

import operator
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from recjax.container.methods import METHODS
from recjax.models.document import shown

MAX_CANDIDATES_LOG2 = METHODS["pfr"].parameters["candidates_log2"].highest
"""log2 of the largest number of candidates that a file can state."""

MAX_BLOCK_BITS = METHODS["pfr"].parameters["block_budget_bits_q10"].highest // 1024
"""The largest budget of a block that a file can state, in bits."""


def require_number(name: str, value: Any, lowest: float = 0) -> None:
    """Checks that a value is a number within a lower bound; infinity is allowed, and NaN is not.

    Args:
        name: The name of the value, for the error message.
        value: The value: a number of Python or NumPy, or an array without axes.
        lowest: The lowest value allowed.

    Raises:
        ValueError: The value is not a number, or is below `lowest`.
    """
    number = value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value
    if not isinstance(number, int | float) or not number >= lowest:
        raise ValueError(f"{name} must be {lowest:g} or more, got {shown(value)}; give such a number.")


def require_block_bits(name: str, value: Any) -> None:
    """Checks the number of bits that fill a block.

    Args:
        name: The name of the value, for the error message.
        value: The number of bits.

    Raises:
        ValueError: The value is not a number, or does not lie between 1/1024 and MAX_BLOCK_BITS.
    """
    require_number(name, value)
    if not 1 / 1024 <= value <= MAX_BLOCK_BITS:
        raise ValueError(f"{name} must lie between 1/1024 and {MAX_BLOCK_BITS} bits, got {value}.")


def require_choice(name: str, value: Any, choices: Sequence[str], *, optional: bool = True) -> None:
    """Checks that a value is one of a set of names.

    Args:
        name: The name of the value, for the error message.
        value: The value.
        choices: The names allowed.
        optional: Whether None is allowed, too, as it stands for a default.

    Raises:
        ValueError: The value is none of the names.
    """
    if not (isinstance(value, str) and value in choices) and not (optional and value is None):
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}.")


def require_flag(name: str, value: Any) -> None:
    """Checks that a value is True or False, of Python or of NumPy.

    Args:
        name: The name of the value, for the error message.
        value: The value.

    Raises:
        ValueError: The value is neither.
    """
    if not is_flag(value):
        raise ValueError(f"{name} must be True or False, got {value!r}.")


def is_flag(value: Any) -> bool:
    """Tells whether a value is True or False, of Python or of NumPy.

    Args:
        value: Any value.

    Returns:
        Whether it is one of them.
    """
    return type(value).__name__ in ("bool", "bool_")


def whole_number(name: str, value: Any, lowest: int, highest: int) -> int:
    """Checks that a value is a whole number within bounds.

    Args:
        name: The name of the value, for the error message.
        value: The value.
        lowest: The lowest value allowed.
        highest: The highest value allowed.

    Returns:
        The number as an int.

    Raises:
        ValueError: The value is not a whole number, or is out of bounds.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} must be a whole number, got {value!r}; use int().") from None
    if not lowest <= number <= highest:
        raise ValueError(f"{name} must lie between {lowest} and {highest}, got {number}.")
    return number


def log2_of_candidates(candidates: Any) -> int:
    """Checks a number of candidates and takes its logarithm.

    Args:
        candidates: The number of candidates, a power of two.

    Returns:
        The logarithm of the number to base 2.

    Raises:
        ValueError: The number is not a power of two from 1 to 2^MAX_CANDIDATES_LOG2.
    """
    try:
        candidates = operator.index(candidates)
    except TypeError:
        raise ValueError(f"candidates must be a whole number, got {candidates!r}; use int().") from None
    nearest_log2 = min(max(candidates, 1).bit_length() - 1, MAX_CANDIDATES_LOG2)
    if candidates != 1 << nearest_log2:
        raise ValueError(
            f"candidates must be a power of two up to 2^{MAX_CANDIDATES_LOG2}, got {candidates}; "
            f"try {1 << nearest_log2}."
        )
    return nearest_log2


def require_bytes(data: Any) -> bytes:
    """Checks that a file is given as its bytes.

    Args:
        data: The bytes: bytes, a bytearray, a memoryview, or a one-dimensional array of bytes.

    Returns:
        The bytes.

    Raises:
        ValueError: The value is something else, such as the path of a file.
    """
    if not isinstance(data, str):
        with suppress(TypeError):
            view = memoryview(data)
            if view.ndim == 1 and view.itemsize == 1:
                return bytes(view)
    raise ValueError(
        f"a file is given as its bytes, got a {type(data).__name__}; read it, as pathlib.Path(...).read_bytes() does."
    )


def require_index(index: Any) -> int | None:
    """Checks the number of an image.

    Args:
        index: The number of an image, or None for all images.

    Returns:
        The number as an int, or None.

    Raises:
        ValueError: The value is not a whole number.
    """
    if index is None:
        return None
    try:
        return operator.index(index)
    except TypeError:
        raise ValueError(
            f"index is the number of an image, from 0, or None for all, got a {type(index).__name__}; use int()."
        ) from None


def require_images(images: Any) -> np.ndarray:
    """Checks that images are given as one array of numbers.

    Args:
        images: An array, or a value that NumPy can convert to one.

    Returns:
        The images as a NumPy array.

    Raises:
        ValueError: The value is something else, such as the path of a file.
    """
    try:
        array = np.asarray(images)
    except (TypeError, ValueError) as error:
        raise ValueError(f"images must be one uint8 array, and {error}; stack images of one shape.") from None
    if array.dtype.kind not in "uifb":
        raise ValueError(
            f"images must be one uint8 array, got a {type(images).__name__}; read them, as numpy.load does."
        )
    return array
