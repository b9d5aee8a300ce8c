"""Safetensors files with a JSON document in their header, written atomically and read with sentences for errors."""

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
    """Write tensors and document; a crash on the way leaves the old file in place."""
    data = save(
        {name: np.asarray(array, order="C") for name, array in tensors.items()},
        {_KEY: json.dumps(document, sort_keys=True)},
    )
    write_atomically(path, lambda part: part.write_bytes(data))


def read(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Tensors and document of a file; ValueError if it is missing, damaged, too large, or not one of recjax's.

    So is a document that is nested deeply or has a key twice, and tensors of types that NumPy does not know.
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
    # Types that NumPy lacks end in an AttributeError.
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
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("its document has a key twice")
    return found


def digest(tensors: Mapping[str, np.ndarray], document: Mapping[str, Any]) -> str:
    """SHA-256, in hexadecimal, of tensors and document."""
    found = hashlib.sha256(json.dumps(document, sort_keys=True).encode())
    for name, array in sorted(tensors.items()):
        little_endian = array.astype(array.dtype.newbyteorder("<"))
        found.update(f"{name} {array.dtype.name} {array.shape}\n".encode() + little_endian.tobytes())
    return found.hexdigest()
