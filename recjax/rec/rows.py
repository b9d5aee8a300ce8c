"""Turns batches of any shape into rows of a few standard numbers, on the host, so that all calls share a few programs.

JAX compiles a program for each shape of its arguments, so a process that codes batches of many shapes would compile and
keep programs for each. Here batches are flattened into rows, and rows are padded with copies of the last one, which no
search examines. Within a traced function, and for arrays on accelerators or on several devices, batches keep their
shape: a traced function is compiled once by its caller, and the others would have to be copied to the host.
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
    """Tells whether all arrays have their values in the memory of the host, where NumPy reads them without a copy.

    Args:
        arguments: A pytree of arrays, of JAX or NumPy, traced or not.

    Returns:
        True if JAX runs on a CPU, nothing is being traced, no mesh is in use, and every JAX array lies on the default
        device.
    """
    arrays = [leaf for leaf in jax.tree.leaves(arguments) if isinstance(leaf, jax.Array)]
    if jax.default_backend() != "cpu" or any(isinstance(leaf, Tracer) for leaf in arrays):
        return False
    # Within a traced function, whatever is computed is a tracer, even from constants.
    one = jax.lax.neg(np.float32(0))
    if isinstance(one, Tracer) or not jax.sharding.get_abstract_mesh().empty:
        return False
    here = one.devices()
    return all(isinstance(leaf.sharding, SingleDeviceSharding) and leaf.devices() == here for leaf in arrays)


def padded(tree: Any, rows: int) -> Any:
    """Repeats the last row of arrays up to one of a few numbers of rows (`sizes.padded`).

    Args:
        tree: A pytree of arrays with `rows` rows in front.
        rows: Number of rows, at least 1.

    Returns:
        The padded arrays, of NumPy.
    """
    return jax.tree.map(lambda leaf: sizes.repeat_last(leaf, sizes.padded(rows)), tree)


def of_distribution(distribution: Distribution, shape: tuple[int, ...], blocks: tuple[int, ...]) -> Distribution:
    """Returns a distribution as padded rows.

    Args:
        distribution: A distribution that broadcasts to `shape`.
        shape: Shape of the samples.
        blocks: Shape [*batch, dim] of the blocks, which has as many elements as `shape`.

    Returns:
        The distribution, with NumPy arrays [row, dim] (a covariance factor, [row, dim, dim]).
    """
    rows = math.prod(blocks[:-1])
    return padded(jax.tree.map(np.asarray, distribution).in_rows(shape, rows, blocks[-1]), rows)


def of_bins(bins: Bins | None, shape: tuple[int, ...]) -> Bins | None:
    """Returns bins as padded rows.

    Args:
        bins: Bins whose intervals broadcast to `shape`, or None.
        shape: Shape [*batch, dim] of the samples.

    Returns:
        Bins with intervals [row, dim], or None.
    """
    if bins is None:
        return None
    intervals = np.broadcast_to(np.asarray(bins.intervals), shape).reshape(-1, shape[-1])
    return Bins(padded(intervals, len(intervals)), bins.capacity)


def of_code(code: Any, batch: tuple[int, ...]) -> Any:
    """Returns codes as padded rows.

    Args:
        code: A `Code` or a `Path` of arrays that lead with the axes of the batch.
        batch: Shape of the batch of blocks.

    Returns:
        The code, with one row axis in place of the batch axes.
    """
    rows = math.prod(batch)
    return padded(jax.tree.map(lambda leaf: np.asarray(leaf).reshape(rows, *leaf.shape[len(batch) :]), code), rows)


def of_streams(batch: tuple[int, ...], shared_axes: frozenset[int]) -> np.ndarray:
    """Returns the number of the stream that each padded row uses.

    Args:
        batch: Shape of the batch of blocks.
        shared_axes: Axes of the batch, counted from 0, whose indices share one stream.

    Returns:
        The number of each row's block among the axes that share no stream, uint32 [row].
    """
    own = [1 if axis in shared_axes else size for axis, size in enumerate(batch)]
    numbers = np.arange(math.prod(own), dtype=np.uint32).reshape(own)
    return padded(np.broadcast_to(numbers, batch).reshape(-1), math.prod(batch))


def cut(tree: Any, batch: tuple[int, ...]) -> Any:
    """Removes the padding and restores the axes of the batch.

    Args:
        tree: A pytree of arrays [row, ...], padded.
        batch: Shape of the batch.

    Returns:
        Arrays [*batch, ...] of NumPy.
    """
    rows = math.prod(batch)
    return jax.tree.map(lambda leaf: np.asarray(leaf)[:rows].reshape((*batch, *leaf.shape[1:])), tree)
