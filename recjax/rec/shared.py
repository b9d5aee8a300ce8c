"""Batches whose blocks share streams of candidates, where one sweep serves all blocks of a stream."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from recjax import compiler
from recjax.distributions.base import CodingDistribution, Distribution
from recjax.distributions.normal import Normal
from recjax.distributions.normal_ratio import normal_ratio
from recjax.rec import partition, sharding, sweep
from recjax.rec.base import Code, Info, RECAlgorithm, Sweep, outcome

LEAST_ROWS = 32
"""Fewer blocks of a stream are searched one by one."""


def pays(
    algorithm: RECAlgorithm,
    q: Distribution,
    p: CodingDistribution,
    shape: tuple[int, ...],
    shared_axes: frozenset[int],
) -> bool:
    """Whether blocks [*batch, dim] without bins are swept."""
    rows = math.prod(shape[axis] for axis in shared_axes)
    return algorithm.sweep is not None and isinstance(q, Normal) and isinstance(p, Normal) and rows >= LEAST_ROWS


@compiler.wide
def search(
    how: tuple[Sweep, tuple[int, ...], frozenset[int], sharding.Placed | None], problem: Any
) -> tuple[Code, jax.Array, Info]:
    """Codes, words and infos of the rows of a problem, stream by stream.

    how: the sweep, the shape of the batch, its axes along which streams are shared, and how devices divide its first.
    """
    rule, batch, shared_axes, where = how
    if where is None or batch[0] % where.devices:
        return _search(rule, batch, shared_axes, problem)
    part = (batch[0] // where.devices, *batch[1:])
    return sharding.over_rows(lambda own: _search(rule, part, shared_axes, own), where, problem)


def _search(rule: Sweep, batch: tuple[int, ...], shared_axes: frozenset[int], problem: Any):
    order = np.arange(math.prod(batch)).reshape(batch)
    last = range(len(batch) - len(shared_axes), len(batch))
    order = np.moveaxis(order, sorted(shared_axes), last)
    order = order.reshape(-1, math.prod(batch[axis] for axis in shared_axes))
    by_stream = jax.tree.map(lambda leaf: leaf[order], problem)
    found = jax.lax.map(lambda own: _search_stream(rule, *own[:4]), by_stream)
    back = np.argsort(order.reshape(-1))
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:])[back], found)


def _search_stream(rule: Sweep, keys, private_keys, q, p) -> tuple[Code, jax.Array, Info]:
    ratio = jax.vmap(normal_ratio)(q, p)
    found = sweep.search(rule, keys[0], private_keys, ratio)
    dim = q.shape[-1]
    words = partition.words_anywhere(keys[0], dim, found.index).T
    log_ratio = jax.vmap(lambda own, word: own.block_log_ratio(word[:, None])[0])(ratio, words)
    finished = jnp.isfinite(found.best) if rule.ordered else found.stopped
    steps = jnp.full_like(found.steps, rule.budget) if rule.ordered else found.steps
    zero = jnp.zeros_like(log_ratio)
    info = Info(steps, jnp.log2(found.index.astype(jnp.float32)), zero, log_ratio, jax.vmap(outcome)(ratio, finished))
    return Code(jnp.zeros(words.shape, jnp.uint32), found.index), words, info
