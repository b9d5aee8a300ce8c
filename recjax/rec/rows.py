"""Batches of any shape as rows of a few numbers, made on the host, so that all calls share a few programs.

A program is compiled for its shapes, and a process that codes batches of many shapes would compile, and keep, programs
for each. Rows that fill up are copies of the last one, which no search looks at. Within a traced function, and for
arrays of accelerators or of several devices, batches stay as they are: those are compiled once by their caller, or
would have to travel.
"""

import math
from typing import Any

import jax
import numpy as np
from jax.core import Tracer
from jax.sharding import SingleDeviceSharding

from recjax import sizes
from recjax.distributions.base import Distribution
from recjax.rec.base import Bins


def at_hand(arguments: Any) -> bool:
    """Whether all arrays have their values in the memory of the host, where NumPy takes them as they are."""
    arrays = [leaf for leaf in jax.tree.leaves(arguments) if isinstance(leaf, jax.Array)]
    if jax.default_backend() != "cpu" or any(isinstance(leaf, Tracer) for leaf in arrays):
        return False
    # In a function that is traced, whatever is computed is a tracer, of constants, too.
    one = jax.lax.neg(np.float32(0))
    if isinstance(one, Tracer) or not jax.sharding.get_abstract_mesh().empty:
        return False
    here = one.devices()
    return all(isinstance(leaf.sharding, SingleDeviceSharding) and leaf.devices() == here for leaf in arrays)


def padded(tree: Any, rows: int) -> Any:
    """Arrays of so many rows, with their last row repeated up to one of a few sizes."""
    return jax.tree.map(lambda leaf: sizes.repeat_last(leaf, sizes.padded(rows)), tree)


def of_distribution(distribution: Distribution, shape: tuple[int, ...], blocks: tuple[int, ...]) -> Distribution:
    """Padded rows [row, dim] of a distribution that broadcasts to arrays of a shape."""
    rows = math.prod(blocks[:-1])
    return padded(jax.tree.map(np.asarray, distribution).in_rows(shape, rows, blocks[-1]), rows)


def of_bins(bins: Bins | None, shape: tuple[int, ...]) -> Bins | None:
    """Padded rows of bins that broadcast to arrays of a shape."""
    if bins is None:
        return None
    intervals = np.broadcast_to(np.asarray(bins.intervals), shape).reshape(-1, shape[-1])
    return Bins(padded(intervals, len(intervals)), bins.capacity)


def of_code(code: Any, batch: tuple[int, ...]) -> Any:
    """Padded rows of codes with axes [*batch] in front."""
    rows = math.prod(batch)
    return padded(jax.tree.map(lambda leaf: np.asarray(leaf).reshape(rows, *leaf.shape[len(batch) :]), code), rows)


def of_streams(batch: tuple[int, ...], shared_axes: frozenset[int]) -> np.ndarray:
    """The number of each padded row's block among the axes that do not share a stream."""
    own = [1 if axis in shared_axes else size for axis, size in enumerate(batch)]
    numbers = np.arange(math.prod(own), dtype=np.uint32).reshape(own)
    return padded(np.broadcast_to(numbers, batch).reshape(-1), math.prod(batch))


def cut(tree: Any, batch: tuple[int, ...]) -> Any:
    """Undoes the padding: rows as [*batch]; arrays of the host."""
    rows = math.prod(batch)
    return jax.tree.map(lambda leaf: np.asarray(leaf)[:rows].reshape((*batch, *leaf.shape[1:])), tree)
