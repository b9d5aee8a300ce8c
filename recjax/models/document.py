"""Checks the fields of the JSON document in a model file before they are used.

Model files may come from anywhere, so no field is trusted. The messages of the errors are parts of sentences ("its
levels must be ..."), which the reader of the file completes with its path.
"""

import os
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

_MAX_NAME = 100
_MAX_SIDE = 1 << 16
_MAX_SIDES = 4
_MAX_NESTING = 16


def path_of(name_or_path: Any) -> Path:
    """Converts a model's name or the path of its file to a path.

    Args:
        name_or_path: What a caller gave to name a model: a string or a path.

    Returns:
        The name or path as a `Path`, which need not exist.

    Raises:
        ValueError: The argument is neither a string nor a path.
    """
    if not isinstance(name_or_path, str | PathLike):
        raise ValueError(
            f"a model is loaded by its name or the path of its file, got {shown(name_or_path)}; give one of them."
        )
    return Path(os.fsdecode(name_or_path))


def check_name(name: Any) -> str:
    """Checks that a model's name can be printed and is no path.

    Args:
        name: The name that the document states.

    Returns:
        The name, unchanged.

    Raises:
        ValueError: The name is not a string of 1 to 100 printable characters without slashes and backslashes.
    """
    if not isinstance(name, str) or not 0 < len(name) <= _MAX_NAME or not name.isprintable() or set(name) & set("/\\"):
        raise ValueError(f"a model's name has 1 to {_MAX_NAME} characters that print, and no slash, got {shown(name)}")
    return name


def whole(document: Mapping[str, Any], field: str, lowest: int, highest: int, default: int | None = None) -> int:
    """Reads a whole number from a document and checks its range.

    Args:
        document: The JSON document of a model file.
        field: Name of the field.
        lowest: Smallest number allowed.
        highest: Largest number allowed.
        default: Number to return if the field is absent; None if the field is required.

    Returns:
        The number.

    Raises:
        KeyError: The field is required and absent.
        ValueError: The field is not an integer from `lowest` to `highest`.
    """
    number = document[field] if default is None else document.get(field, default)
    if type(number) is not int or not lowest <= number <= highest:
        raise ValueError(f"its {field} must be a whole number from {lowest} to {highest}, got {shown(number)}")
    return number


def text(document: Mapping[str, Any], field: str, default: str | None = None) -> str:
    """Reads a short string from a document.

    Args:
        document: The JSON document of a model file.
        field: Name of the field.
        default: String to return if the field is absent; None if the field is required.

    Returns:
        The string.

    Raises:
        KeyError: The field is required and absent.
        ValueError: The field is not a string of at most 100 characters.
    """
    value = document[field] if default is None else document.get(field, default)
    if not isinstance(value, str) or len(value) > _MAX_NAME:
        raise ValueError(f"its {field} must be a string of at most {_MAX_NAME} characters, got {shown(value)}")
    return value


def sides(document: Mapping[str, Any], field: str) -> tuple[int, ...]:
    """Reads the shape of a model's images from a document.

    Args:
        document: The JSON document of a model file.
        field: Name of the field.

    Returns:
        The 1 to 4 sides of an image, each from 1 to 65,536.

    Raises:
        KeyError: The field is absent.
        ValueError: The field is not such a list.
    """
    value = document[field]
    fits = isinstance(value, Sequence) and 1 <= len(value) <= _MAX_SIDES
    if not fits or any(type(side) is not int or not 1 <= side <= _MAX_SIDE for side in value):
        raise ValueError(
            f"its {field} must be a list of 1 to {_MAX_SIDES} whole numbers from 1 to {_MAX_SIDE}, got {shown(value)}"
        )
    return tuple(value)


def card(document: Mapping[str, Any]) -> dict[str, Any]:
    """Reads the card of a model: information for people, which decoding does not use.

    Args:
        document: The JSON document of a model file.

    Returns:
        The card as a dictionary.

    Raises:
        KeyError: The document has no card.
        ValueError: The card is not a JSON object, or it is nested more than 16 deep.
    """
    value = document["card"]
    if not isinstance(value, dict) or not _is_shallow(value, _MAX_NESTING):
        raise ValueError(f"its card must be an object, nested at most {_MAX_NESTING} deep")
    return value


def require_integers(tensors: Mapping[str, np.ndarray]) -> None:
    """Checks that every tensor has one of the two dtypes that models consist of, int8 and int32.

    Args:
        tensors: The tensors of a model file, by name.

    Raises:
        ValueError: A tensor has another dtype.
    """
    for name, array in tensors.items():
        if array.dtype not in (np.int8, np.int32):
            raise ValueError(f"its tensor {shown(name)} must be of int8 or int32, got {array.dtype}")


def check_tensors(tensors: Mapping[str, np.ndarray], used: Mapping[str, np.ndarray]) -> None:
    """Checks that a file has no other tensors than the model made from them, and the same dtypes.

    A `weight_low` that is all 0 may be in the file or not.

    Args:
        tensors: The tensors of the file, by name.
        used: The tensors of the model that was made from them, by name.

    Raises:
        ValueError: The file has a tensor that the model does not use, or one of another dtype.
    """
    for name, array in tensors.items():
        if name not in used and not (name.endswith(".weight_low") and not array.any()):
            raise ValueError(f"it has a tensor {shown(name)} that no model of its kind has")
        if name in used and used[name].dtype != array.dtype:
            raise ValueError(f"its tensor {shown(name)} must be of {used[name].dtype}, got {array.dtype}")


def shown(value: Any) -> str:
    """Formats a value for an error message in at most 60 ASCII characters.

    Args:
        value: Any value of a JSON document.

    Returns:
        Its `ascii` form, cut after 57 characters where it is longer; only its type if it is nested deeply.
    """
    if isinstance(value, dict | list) and not _is_shallow(value, _MAX_NESTING):
        return f"a {type(value).__name__} that is nested deeply"
    written = ascii(value)
    return written if len(written) <= 60 else written[:57] + "..."


def _is_shallow(value: Any, nesting: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return nesting > 0 and all(_is_shallow(one, nesting - 1) for one in inner)
