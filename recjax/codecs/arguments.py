"""Checks of what Python callers hand to the codecs: each says in one sentence what must be given."""

import operator
from contextlib import suppress
from typing import Any, TypeVar

import jax
import numpy as np

from recjax.models.document import shown
from recjax.models.inr.model import INRModel
from recjax.models.vae.evaluate import Model

Owner = TypeVar("Owner", Model, INRModel)

_LOADERS = {Model: "recjax.load_model", INRModel: "recjax.load_lossy_model"}
_COMPRESSORS = {Model: "recjax.compress", INRModel: "recjax.compress_lossy"}


def require_model(model: Any, kind: type[Owner]) -> Owner:
    """Returns a model of a kind; ValueError for what is none, or one of the other kind."""
    if isinstance(model, kind):
        return model
    wanted = f"the model must be what {_LOADERS[kind]}(...) returns"
    if type(model) in _COMPRESSORS:
        raise ValueError(
            f"{wanted}, got {model.name!r}, which is for {_COMPRESSORS[type(model)]}; load one of this kind, or call "
            "that."
        )
    example = f"; call {_LOADERS[kind]}({shown(model)}) first" if isinstance(model, str) else "; load one by its name"
    raise ValueError(f"{wanted}, got a {type(model).__name__}{example}.")


def require_known_model(model: Any) -> Model | INRModel | None:
    """Returns a model of any kind, or None; ValueError for all else."""
    return model if model is None or isinstance(model, INRModel) else require_model(model, Model)


def require_bytes(data: Any) -> bytes:
    """Returns the bytes of a file; ValueError for its path, or all else."""
    if not isinstance(data, str):
        with suppress(TypeError):
            view = memoryview(data)
            if view.ndim == 1 and view.itemsize == 1:
                return bytes(view)
    raise ValueError(
        f"a file is given as its bytes, got a {type(data).__name__}; read it, as pathlib.Path(...).read_bytes() does."
    )


def require_images(images: Any) -> np.ndarray:
    """Returns images as an array; ValueError for what makes none."""
    try:
        array = np.asarray(images)
    except (TypeError, ValueError) as error:
        raise ValueError(f"images must be one uint8 array, and {error}; stack images of one shape.") from None
    if array.dtype.kind not in "uifb":
        raise ValueError(
            f"images must be one uint8 array, got a {type(images).__name__}; read them, as numpy.load does."
        )
    return array


def require_index(index: Any) -> int | None:
    """Returns the number of an image, or None for all images; ValueError for what is neither."""
    if index is None:
        return None
    try:
        return operator.index(index)
    except TypeError:
        raise ValueError(
            f"index is the number of an image, from 0, or None for all, got a {type(index).__name__}; use int()."
        ) from None


def require_number(name: str, value: Any, lowest: float = 0) -> None:
    """ValueError unless a limit is a number, of at least `lowest`; infinity is one, and NaN is not."""
    number: Any = value.item() if isinstance(value, np.ndarray | jax.Array) and value.ndim == 0 else value
    if not isinstance(number, int | float | np.integer | np.floating) or not number >= lowest:
        raise ValueError(f"{name} must be {lowest:g} or more, got {shown(value)}; give such a number.")
