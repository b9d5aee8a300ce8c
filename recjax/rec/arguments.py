"""Checks of what is given to an encoder and a decoder: shapes, bins, and codes that no encoder can have sent with them.

Numbers are looked at where they are concrete. Of traced arrays the shapes and types are known, and no more: under jit
any code decodes to words, the wrong ones if it comes with the wrong bins.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from recjax import grid
from recjax.rec.base import PATH_WORDS, Bins, Code, Path, RECAlgorithm


def as_bins(algorithm: RECAlgorithm, bins: Any) -> Bins | None:
    """Numbers of intervals per dimension as Bins; ValueError if they are not, as far as they are concrete."""
    if bins is None:
        return None
    if algorithm.max_intervals < 1:
        raise ValueError(f"{algorithm.name} takes no bins; leave them out, or take pfr or orc")
    if isinstance(bins, Bins):
        _check_intervals(_concrete(bins.intervals), bins.capacity)
        return bins
    if not np.issubdtype(_dtype(bins), np.integer) or np.size(bins) == 0:
        raise ValueError(
            f"bins are whole numbers of intervals per dimension, got {_dtype(bins)} {np.shape(bins)}; round them"
        )
    if isinstance(bins, Tracer):
        return Bins(bins.astype(jnp.uint32), algorithm.max_intervals)
    counts = np.asarray(bins)
    _check_intervals(counts, grid.MAX_INTERVALS)
    return Bins(counts.astype(np.uint32), 1 << (int(counts.max()) - 1).bit_length())


def _check_intervals(counts: np.ndarray | None, most: int) -> None:
    if counts is None or not counts.size:
        return
    if counts.min() < 1:
        raise ValueError(
            f"bins are at least 1 interval per dimension, got {counts.min()}; 1 leaves a dimension whole, and without "
            "bins nothing is partitioned"
        )
    if counts.max() > most:
        raise ValueError(
            f"bins are at most {most} intervals per dimension here, got {counts.max()}; give fewer, the index within a "
            "bin says the rest"
        )


def check_shape(algorithm: RECAlgorithm, shape: tuple[int, ...], **parts: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the shape [*batch, dim] of samples; ValueError if it is none, or a part's does not broadcast to it."""
    if not shape:
        raise ValueError("q and p hold a block along their last axis, got scalars; give arrays of shape [..., dim]")
    if not algorithm.scalar and shape[-1] == 0:
        raise ValueError(
            f"a block has at least one coordinate, along the last axis, got the shape {shape}; leave empty blocks out"
        )
    for name, part in parts.items():
        if len(part) > len(shape) or any(own not in (1, of) for own, of in zip(part[::-1], shape[::-1], strict=False)):
            raise ValueError(
                f"{name} must broadcast to the samples, of shape {shape}, got {part}; give what the encoder was given"
            )
    return shape


def broadcast_shape(**parts: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the shape of several arrays together; ValueError if they have none."""
    try:
        return np.broadcast_shapes(*parts.values())
    except ValueError:
        found = " and ".join(f"{name} {shape}" for name, shape in parts.items())
        raise ValueError(f"shapes of a batch must broadcast to one [*batch, dim], got {found}; reshape one") from None


def shape_of(algorithm: RECAlgorithm, code: Any) -> tuple[int, ...]:
    """Returns the shape [*batch, dim] of what a code names; ValueError if it is of another kind."""
    if not isinstance(code, algorithm.sends):
        raise ValueError(
            f"{algorithm.name} decodes a rec.{algorithm.sends.__name__}, got a {type(code).__name__}; give the code "
            "that encode returned"
        )
    return np.shape(code.depth if isinstance(code, Path) else code.interval)


def check_code(algorithm: RECAlgorithm, code: Any, shape: tuple[int, ...], bins: Bins | None) -> Code | Path:
    """Returns the code of samples of a shape, in uint32; ValueError if the algorithm cannot have sent it with the bins.

    That is a code of another kind, or of other shapes; an index or a depth of 0 or beyond the algorithm's largest; and
    an interval beyond the last of its dimension, which without bins is the first.
    """
    shape_of(algorithm, code)
    batch = shape if algorithm.scalar else shape[:-1]
    wanted = (shape, (*shape, PATH_WORDS)) if isinstance(code, Path) else (shape, batch)
    for name, array, expected in zip(code._fields, code, wanted, strict=True):
        if np.shape(array) != expected or not np.issubdtype(_dtype(array), np.integer):
            raise ValueError(
                f"the {name} of a code for samples of shape {shape} are whole numbers of shape {expected}, got "
                f"{_dtype(array)} {np.shape(array)}; give the code as encode returned it"
            )
    if isinstance(code, Path):
        _check_numbers(algorithm, "a depth", code.depth, 0)
    else:
        _check_numbers(algorithm, "an index", code.index, 1)
        _check_bins(code.interval, bins)
    return jax.tree.map(_as_words, code)


def _check_numbers(algorithm: RECAlgorithm, name: str, array: Any, least: int) -> None:
    numbers = _concrete(array)
    if numbers is None or not numbers.size:
        return
    if numbers.min() < least or numbers.max() > algorithm.largest:
        raise ValueError(
            f"{algorithm.name} sends {name} of {least} to {algorithm.largest} with these sizes, got "
            f"{numbers.min()} to {numbers.max()}; decode with the algorithm that encoded"
        )


def _check_bins(interval: Any, bins: Bins | None) -> None:
    chosen, counts = _concrete(interval), np.uint32(1) if bins is None else _concrete(bins.intervals)
    if chosen is None or counts is None or not ((chosen >= counts) | (chosen < 0)).any():
        return
    found = "without bins" if bins is None else "with these bins"
    raise ValueError(
        f"the code names an interval, {chosen.max()}, that there is not {found}; give the bins of the encoder"
    )


def _as_words(array: Any) -> Any:
    return array.astype(np.uint32) if hasattr(array, "dtype") else np.asarray(array, np.uint32)


def _dtype(array: Any) -> np.dtype:
    return np.asarray(array).dtype if not hasattr(array, "dtype") else array.dtype


def _concrete(array: Any) -> np.ndarray | None:
    """The numbers of an array, None if it is traced or lies on other hosts."""
    if isinstance(array, Tracer) or not getattr(array, "is_fully_addressable", True):
        return None
    return np.asarray(array)
