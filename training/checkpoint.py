"""Checkpoints of a training run: one safetensors file with every leaf of the state, so that a run resumes exactly."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from recjax.io import tensor_file


def save(path: str | Path, state: Any, document: Mapping[str, Any]) -> None:
    """Write a pytree of arrays and a JSON document beside it, atomically."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(state)
    tensors = {jax.tree_util.keystr(path_): np.asarray(leaf) for path_, leaf in leaves}
    tensor_file.write(path, tensors, {"checkpoint": dict(document)})


def restore(path: str | Path, like: Any) -> tuple[Any, dict[str, Any]]:
    """The state of a checkpoint, in the shape of `like`, and its document; ValueError if they do not fit."""
    tensors, document = tensor_file.read(path)
    leaves, structure = jax.tree_util.tree_flatten_with_path(like)
    restored = []
    for path_, leaf in leaves:
        name = jax.tree_util.keystr(path_)
        found = tensors.get(name)
        if found is None or found.shape != leaf.shape or found.dtype != leaf.dtype:
            raise ValueError(
                f"{path} is a checkpoint of another configuration ({name} differs); use another directory."
            )
        restored.append(jnp.asarray(found))
    if len(restored) != len(tensors) or "checkpoint" not in document:
        raise ValueError(f"{path} is a checkpoint of another configuration; use another directory.")
    return jax.tree_util.tree_unflatten(structure, restored), document["checkpoint"]
