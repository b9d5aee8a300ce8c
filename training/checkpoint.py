"""Saves and restores the state of a training run as one safetensors file, so that a run resumes exactly."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from recjax.io import tensor_file


def save(path: str | Path, state: Any, document: Mapping[str, Any]) -> None:
    """Writes a pytree of arrays and a document, atomically.

    Args:
        path: The path of the checkpoint, which may be replaced.
        state: The pytree, with arrays as leaves.
        document: What else the checkpoint holds, of types that JSON has.
    """
    leaves, _ = jax.tree_util.tree_flatten_with_path(state)
    tensors = {jax.tree_util.keystr(path_): np.asarray(leaf) for path_, leaf in leaves}
    tensor_file.write(path, tensors, {"checkpoint": dict(document)})


def restore(path: str | Path, like: Any) -> tuple[Any, dict[str, Any]]:
    """Reads the state and the document of a checkpoint.

    Args:
        path: The path of the checkpoint.
        like: A state with the same structure, shapes and dtypes.

    Returns:
        The state, with the structure of `like`, and the document.

    Raises:
        ValueError: The file is missing or damaged, or its structure, shapes or dtypes are different.
    """
    tensors, document = tensor_file.read(path)
    leaves, structure = jax.tree_util.tree_flatten_with_path(like)
    restored = []
    for path_, leaf in leaves:
        name = jax.tree_util.keystr(path_)
        tensor = tensors.get(name)
        if tensor is None or tensor.shape != leaf.shape or tensor.dtype != leaf.dtype:
            raise ValueError(
                f"{path} is a checkpoint of another configuration ({name} differs); use another directory."
            )
        restored.append(jnp.asarray(tensor))
    if len(restored) != len(tensors) or "checkpoint" not in document:
        raise ValueError(f"{path} is a checkpoint of another configuration; use another directory.")
    return jax.tree_util.tree_unflatten(structure, restored), document["checkpoint"]
