"""What the JSON document of a model file may hold. Files come from anywhere: each field is checked before its use."""

import math
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
    """Returns the path that names a model; ValueError for what is neither a name nor a path."""
    if not isinstance(name_or_path, str | PathLike):
        raise ValueError(
            f"a model is loaded by its name or the path of its file, got {shown(name_or_path)}; give one of them."
        )
    return Path(os.fsdecode(name_or_path))


def check_name(name: Any) -> str:
    """Returns a model's name; ValueError unless it is one that can be printed, and no path."""
    if not isinstance(name, str) or not 0 < len(name) <= _MAX_NAME or not name.isprintable() or set(name) & set("/\\"):
        raise ValueError(f"a model's name has 1 to {_MAX_NAME} characters that print, and no slash, got {shown(name)}")
    return name


def whole(document: Mapping[str, Any], field: str, lowest: int, highest: int, default: int | None = None) -> int:
    """Returns a whole number of a document; ValueError for all else."""
    number = document[field] if default is None else document.get(field, default)
    if type(number) is not int or not lowest <= number <= highest:
        raise ValueError(f"its {field} must be a whole number from {lowest} to {highest}, got {shown(number)}")
    return number


def text(document: Mapping[str, Any], field: str, default: str | None = None) -> str:
    """Returns a short string of a document; ValueError for all else."""
    value = document[field] if default is None else document.get(field, default)
    if not isinstance(value, str) or len(value) > _MAX_NAME:
        raise ValueError(f"its {field} must be a string of at most {_MAX_NAME} characters, got {shown(value)}")
    return value


def sides(document: Mapping[str, Any], field: str) -> tuple[int, ...]:
    """Returns the shape of images that a document states; ValueError for all else."""
    value = document[field]
    fits = isinstance(value, Sequence) and 1 <= len(value) <= _MAX_SIDES
    if not fits or any(type(side) is not int or not 1 <= side <= _MAX_SIDE for side in value):
        raise ValueError(
            f"its {field} must be a list of 1 to {_MAX_SIDES} whole numbers from 1 to {_MAX_SIDE}, got {shown(value)}"
        )
    return tuple(value)


def card(document: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the card of a document; ValueError unless it is an object, not nested deeply, of finite numbers."""
    value = document["card"]
    if not isinstance(value, dict) or not _is_plain(value, _MAX_NESTING):
        raise ValueError(f"its card must be an object of finite numbers, nested at most {_MAX_NESTING} deep")
    return value


def require_integers(tensors: Mapping[str, np.ndarray]) -> None:
    """ValueError unless tensors are of the two types that models are made of."""
    for name, array in tensors.items():
        if array.dtype not in (np.int8, np.int32):
            raise ValueError(f"its tensor {shown(name)} must be of int8 or int32, got {array.dtype}")


def check_tensors(found: Mapping[str, np.ndarray], used: Mapping[str, np.ndarray]) -> None:
    """ValueError unless a file's tensors are those of the model that was made of them, with their types.

    A `weight_low` whose digits are all 0 may be there or not.
    """
    for name, array in found.items():
        if name not in used and not (name.endswith(".weight_low") and not array.any()):
            raise ValueError(f"it has a tensor {shown(name)} that no model of its kind has")
        if name in used and used[name].dtype != array.dtype:
            raise ValueError(f"its tensor {shown(name)} must be of {used[name].dtype}, got {array.dtype}")


def shown(value: Any) -> str:
    """Returns a value in a few ASCII characters, for a sentence."""
    if isinstance(value, dict | list) and not _is_plain(value, _MAX_NESTING):
        return f"a {type(value).__name__} that is nested deeply, or of infinite numbers"
    found = ascii(value)
    return found if len(found) <= 60 else found[:57] + "..."


def _is_plain(value: Any, nesting: int) -> bool:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return nesting > 0 and all(_is_plain(one, nesting - 1) for one in inner)
    return not isinstance(value, float) or math.isfinite(value)
