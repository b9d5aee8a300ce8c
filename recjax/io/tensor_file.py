"""Writes and reads safetensors files with a JSON document in their header.

Files are written atomically, and errors of reading are sentences.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from recjax.io.atomic import write_atomically

MAX_BYTES = 2**30
_KEY = "recjax"


def write(path: str | Path, tensors: Mapping[str, np.ndarray], document: Mapping[str, Any]) -> None:
    """Writes tensors and a document; a crash on the way leaves the old file in place.

    Args:
        path: The path of the file, which may be replaced.
        tensors: Arrays by name.
        document: What else the file holds, of types that JSON has.
    """
    data = save(
        {name: np.asarray(array, order="C") for name, array in tensors.items()},
        {_KEY: json.dumps(document, sort_keys=True)},
    )
    write_atomically(path, lambda part: part.write_bytes(data))


def read(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Reads the tensors and the document of a file.

    Args:
        path: The path of the file.

    Returns:
        The arrays by name, and the document.

    Raises:
        ValueError: The file is missing, damaged, larger than MAX_BYTES, or not one of recjax: its document is nested
            too deeply or has a key twice, or a tensor has a type that NumPy does not have.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"there is no file {path}; check the path.")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(
            f"{path} has {path.stat().st_size} bytes, more than the {MAX_BYTES} allowed; is it a recjax file?"
        )
    try:
        with safe_open(path, framework="np") as file:
            document = _parse((file.metadata() or {})[_KEY])
            return {name: file.get_tensor(name) for name in file.keys()}, document  # noqa: SIM118
    # Types that NumPy does not have raise an AttributeError.
    except (SafetensorError, OSError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is not a whole safetensors file of recjax ({error}); make or fetch it again."
        ) from error


def _parse(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("its document is nested too deeply") from None
    if not isinstance(document, dict):
        raise TypeError("its document is not a JSON object")
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("its document has a key twice")
    return result


def digest(tensors: Mapping[str, np.ndarray], document: Mapping[str, Any]) -> str:
    """Computes the SHA-256 digest of tensors and a document.

    It is the same on machines of either byte order.

    Args:
        tensors: Arrays by name; their order does not matter.
        document: What else is digested, of types that JSON has.

    Returns:
        The digest in hexadecimal, 64 digits.
    """
    hasher = hashlib.sha256(json.dumps(document, sort_keys=True).encode())
    for name, array in sorted(tensors.items()):
        little_endian = array.astype(array.dtype.newbyteorder("<"))
        hasher.update(f"{name} {array.dtype.name} {array.shape}\n".encode() + little_endian.tobytes())
    return hasher.hexdigest()
