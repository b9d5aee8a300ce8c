"""Searches batches whose blocks share streams of candidates, with one sweep for all blocks of a stream."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from recjax import compiler, sizes
from recjax.distributions.base import CodingDistribution, Distribution
from recjax.distributions.normal import Normal
from recjax.distributions.normal_ratio import normal_ratio
from recjax.rec import sharding
from recjax.rec.base import Code, Info, RECAlgorithm, Sweep, outcome
from recjax.rec.candidates import matmul_scores, partition

LEAST_ROWS = 32
"""Least number of blocks of a stream that are swept together; fewer are searched one by one."""


def pays(
    algorithm: RECAlgorithm,
    q: Distribution,
    p: CodingDistribution,
    shape: tuple[int, ...],
    shared_axes: frozenset[int],
) -> bool:
    """Tells whether blocks without bins are swept.

    Args:
        algorithm: The algorithm.
        q: Targets.
        p: Coding distributions.
        shape: Shape [*batch, dim] of the blocks.
        shared_axes: Axes of the batch, counted from 0, whose indices share one stream.

    Returns:
        True if the algorithm has a sweep, all distributions are `Normal`, and at least `LEAST_ROWS` blocks share a
        stream.
    """
    rows = math.prod(shape[axis] for axis in shared_axes)
    return algorithm.sweep is not None and isinstance(q, Normal) and isinstance(p, Normal) and rows >= LEAST_ROWS


@compiler.wide
def search(
    how: tuple[Sweep, tuple[int, ...], frozenset[int], sharding.RowPlacement | None], problem: Any
) -> tuple[Code, jax.Array, Info]:
    """Searches for the rows of a problem, stream by stream.

    Args:
        how: The sweep; the shape of the batch; its axes whose indices share one stream; and the devices over which the
            first axis of the batch is divided, None for one device.
        problem: Shared keys, private keys, q, p and bins (None) of each row.

    Returns:
        Codes, words and diagnostics of each row.
    """
    rule, batch, shared_axes, where = how
    if where is None or batch[0] % where.devices:
        return _search(rule, batch, shared_axes, problem)
    part = (batch[0] // where.devices, *batch[1:])
    return sharding.over_rows(lambda own: _search(rule, part, shared_axes, own), where, problem)


def _search(rule: Sweep, batch: tuple[int, ...], shared_axes: frozenset[int], problem: Any):
    order = _by_stream(batch, shared_axes)
    by_stream = jax.tree.map(lambda leaf: leaf[order], problem)
    result = _search_streams(rule, by_stream, *order.shape)
    back = np.argsort(order.reshape(-1))
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:])[back], result)


def search_padded(
    rule: Sweep, batch: tuple[int, ...], shared_axes: frozenset[int], problem: Any
) -> tuple[Any, Any, Any]:
    """Searches for padded rows, as `search` does, by programs that depend only on their number and that of streams.

    Args:
        rule: The sweep.
        batch: Shape of the batch.
        shared_axes: Axes of the batch, counted from 0, whose indices share one stream.
        problem: Shared keys, private keys, q, p and bins (None) of each row, padded (see `rows.py`).

    Returns:
        Codes, words and diagnostics of each row, padded, as NumPy arrays.
    """
    order = _by_stream(batch, shared_axes)
    streams, rows = order.shape
    wide = sizes.repeat_last(sizes.repeat_last(order, sizes.padded(streams)).T, sizes.padded(rows)).T
    by_stream = jax.tree.map(lambda leaf: np.asarray(leaf)[wide], problem)
    result = _search_padded(rule, by_stream, np.int32(streams), np.int32(rows))
    back = np.argsort(order.reshape(-1))
    back = sizes.repeat_last(back, sizes.padded(len(back)))
    return jax.tree.map(lambda leaf: np.asarray(leaf)[:streams, :rows].reshape(-1, *leaf.shape[2:])[back], result)


@compiler.wide
def _search_padded(rule: Sweep, by_stream: Any, streams: jax.Array, rows: jax.Array) -> tuple[Code, jax.Array, Info]:
    return _search_streams(rule, by_stream, streams, rows)


def _by_stream(batch: tuple[int, ...], shared_axes: frozenset[int]) -> np.ndarray:
    """Returns the numbers of the rows of each stream, [stream, row]."""
    order = np.arange(math.prod(batch)).reshape(batch)
    last = range(len(batch) - len(shared_axes), len(batch))
    order = np.moveaxis(order, sorted(shared_axes), last)
    return order.reshape(-1, math.prod(batch[axis] for axis in shared_axes))


def _search_streams(rule: Sweep, by_stream: Any, streams: Any, rows: Any) -> tuple[Code, jax.Array, Info]:
    """Searches arrays [stream, row, ...] for the first `streams` streams and the first `rows` rows of each."""

    def search_one(number):
        return _search_stream(rule, rows, *(jax.tree.map(lambda leaf: leaf[number], part) for part in by_stream[:4]))

    def one(number, results):
        return jax.tree.map(lambda whole, part: whole.at[number].set(part), results, search_one(number))

    every = jax.eval_shape(search_one, 0)
    blank = jax.tree.map(lambda leaf: jnp.zeros((len(by_stream[0]), *leaf.shape), leaf.dtype), every)
    return jax.lax.fori_loop(0, streams, one, blank)


def _search_stream(rule: Sweep, count, keys, private_keys, q, p) -> tuple[Code, jax.Array, Info]:
    ratio = jax.vmap(normal_ratio)(q, p)
    state = matmul_scores.search(rule, keys[0], private_keys, ratio, count)
    dim = q.shape[-1]
    words = partition.words_anywhere(keys[0], dim, state.index).T
    log_ratio = jax.vmap(lambda own, word: own.block_log_ratio(word[:, None])[0])(ratio, words)
    finished = jnp.isfinite(state.best) if rule.ordered else state.stopped
    steps = jnp.full_like(state.steps, rule.budget) if rule.ordered else state.steps
    zero = jnp.zeros_like(log_ratio)
    info = Info(steps, jnp.log2(state.index.astype(jnp.float32)), zero, log_ratio, jax.vmap(outcome)(ratio, finished))
    return Code(jnp.zeros(words.shape, jnp.uint32), state.index), words, info
