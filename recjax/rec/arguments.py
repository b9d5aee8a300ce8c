"""Checks what encoders and decoders are given: shapes, bins, and codes that no encoder can have sent with them.

Numbers are checked where they are concrete. Of traced arrays only shapes and types are known: under jit any code
decodes to words, the wrong ones if it comes with the wrong bins.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from recjax import grid
from recjax.rec.base import PATH_WORDS, Bins, Code, Path, RECAlgorithm


def as_bins(algorithm: RECAlgorithm, bins: Any) -> Bins | None:
    """Converts numbers of intervals per dimension to `Bins`, and checks them.

    Args:
        algorithm: The algorithm that will use them.
        bins: Integers that broadcast to [*batch, dim], `Bins`, or None.

    Returns:
        `Bins` of uint32 intervals, with the largest number of intervals, rounded up to a power of two, as their
        capacity (for traced numbers, `algorithm.max_intervals`). `Bins` come back unchanged, and None as None.

    Raises:
        ValueError: If the algorithm takes no bins, or they are not integers, or a concrete number is below 1 or too
            large.
    """
    if bins is None:
        return None
    if algorithm.max_intervals < 1:
        raise ValueError(f"{algorithm.name} takes no bins; leave them out, or take pfr or orc")
    if isinstance(bins, Bins):
        _check_intervals(_concrete(bins.intervals), bins.capacity)
        return bins
    if not np.issubdtype(_dtype(bins), np.integer):
        raise ValueError(
            f"bins are whole numbers of intervals per dimension, got {_dtype(bins)} {np.shape(bins)}; round them"
        )
    if isinstance(bins, Tracer):
        return Bins(bins.astype(jnp.uint32), algorithm.max_intervals)
    counts = np.asarray(bins)
    _check_intervals(counts, grid.MAX_INTERVALS)
    return Bins(counts.astype(np.uint32), 1 << (int(counts.max(initial=1)) - 1).bit_length())


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
    """Returns the shape of samples, checked.

    Args:
        algorithm: The algorithm that codes them.
        shape: Shape [*batch, dim] of the samples.
        **parts: Shapes of other arguments by name, which must broadcast to `shape`.

    Returns:
        `shape`.

    Raises:
        ValueError: If there is no last axis, blocks have no coordinates, or a part does not broadcast to `shape`.
    """
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
    """Returns the shape to which several arrays broadcast.

    Args:
        **parts: Shapes by the names of the arrays, for the error message.

    Returns:
        The common shape.

    Raises:
        ValueError: If they do not broadcast.
    """
    try:
        return np.broadcast_shapes(*parts.values())
    except ValueError:
        given = " and ".join(f"{name} {shape}" for name, shape in parts.items())
        raise ValueError(f"shapes of a batch must broadcast to one [*batch, dim], got {given}; reshape one") from None


def shape_of(algorithm: RECAlgorithm, code: Any) -> tuple[int, ...]:
    """Returns the shape of the samples that codes name.

    Args:
        algorithm: The algorithm that is to decode.
        code: A `Code` or a `Path`.

    Returns:
        The shape [*batch, dim].

    Raises:
        ValueError: If the code is not of the kind that the algorithm sends.
    """
    if not isinstance(code, algorithm.sends):
        raise ValueError(
            f"{algorithm.name} decodes a rec.{algorithm.sends.__name__}, got a {type(code).__name__}; give the code "
            "that encode returned"
        )
    return np.shape(code.depth if isinstance(code, Path) else code.interval)


def check_code(algorithm: RECAlgorithm, code: Any, shape: tuple[int, ...], bins: Bins | None) -> Code | Path:
    """Returns codes as uint32, once it is clear that the algorithm can have sent them with these bins.

    Args:
        algorithm: The algorithm that is to decode.
        code: A `Code` or a `Path` of integers.
        shape: Shape [*batch, dim] of the samples.
        bins: The partition of space; None for none, when every interval must be 0.

    Returns:
        The code, in uint32.

    Raises:
        ValueError: If the code is of another kind or shape, an index or depth is below the least or beyond the largest
            of the algorithm, or an interval is beyond the last of its dimension. Only concrete numbers are checked.
    """
    shape_of(algorithm, code)
    batch = shape if algorithm.scalar else shape[:-1]
    shapes = (shape, (*shape, PATH_WORDS)) if isinstance(code, Path) else (shape, batch)
    for name, array, expected in zip(code._fields, code, shapes, strict=True):
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
    return type(code)(*map(_as_words, code))


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
    where = "without bins" if bins is None else "with these bins"
    raise ValueError(
        f"the code names interval {chosen.max()}, which does not exist {where}; give the bins of the encoder"
    )


def _as_words(array: Any) -> Any:
    if not isinstance(array, jax.Array):
        return np.asarray(array).astype(np.uint32)
    return array if array.dtype == np.uint32 else array.astype(np.uint32)


def _dtype(array: Any) -> np.dtype:
    return array.dtype if isinstance(array, jax.Array) else np.asarray(array).dtype


def _concrete(array: Any) -> np.ndarray | None:
    """Returns the numbers of an array; None if it is traced or lies on other hosts."""
    if isinstance(array, Tracer) or not getattr(array, "is_fully_addressable", True):
        return None
    return np.asarray(array)
