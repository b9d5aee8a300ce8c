"""The loop over blocks: any number of rows through a fixed number of lanes, refilled as they finish.

Blocks that share their candidates are swept instead where that pays (`shared.py`, `sweep.py`).

A `while_loop` under `vmap` runs until its slowest row is done and copies the state of all others meanwhile; here the
loop is outside and the step is vmapped, a finished lane leaves its state alone, and takes the next row as soon as a
quarter of the lanes wait (starting a row costs about as much as a step, so rows are started together).
"""

import math
import operator
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from recjax import compiler, grid, memory, randomness
from recjax.distributions.base import CodingDistribution, Distribution
from recjax.distributions.pairs import check_coding_distribution, check_pair
from recjax.rec import rows as rows_
from recjax.rec import sharding
from recjax.rec.arguments import as_bins, broadcast_shape, check_code, check_shape, shape_of
from recjax.rec.base import Bins, Encoded, RECAlgorithm
from recjax.rec.candidates import batched as shared

MAX_LANES = 256


@compiler.by_own_rules
def encode(
    algorithm: RECAlgorithm,
    key: randomness.AnyKey,
    q: Distribution,
    p: CodingDistribution,
    *,
    private_key: randomness.AnyKey = None,
    bins: Any = None,
    shared_axes: Sequence[int] = (),
) -> Encoded:
    """Send a sample of each target q, given the coding distributions p: arrays [*batch, dim], a block per batch index.

    Both come from `recjax.distributions`; p has a table of quantiles there. A scalar algorithm sends every coordinate
    by itself: for it, dim is one more axis of the batch.

    Shared randomness comes from `key` (consumed), a stream per batch index; indices along `shared_axes` (axes of the
    batch) share one, so that a decoder need not know their number. What the decoder need not share comes from
    `private_key`, by default derived from `key`, and differs by row always. `bins` (integers [*batch, dim], or anything
    that broadcasts to it) gives the number of intervals per dimension of a space partition; see `RECAlgorithm` for
    traced ones.

    Keys are those of `recjax.key`, or of JAX (see `randomness.as_key`). ValueError says what is wrong with an argument;
    what the numbers of a target come to is in `Encoded.info.status`, which is to be looked at.

    Works under jit and vmap, and on arrays on a mesh, whose devices each search rows of their own. A vmap that does not
    map `key` gives every instance the same streams and the same arrivals: map both keys, or put the axis into the
    batch.
    """
    check_pair(q, p, algorithm.scalar)
    key = randomness.as_key(key, ())
    private_key = None if private_key is None else randomness.as_key(private_key, ())
    bins = as_bins(algorithm, bins)
    parts = {"q": q.shape, "p": p.shape} | ({} if bins is None else {"bins": bins.intervals.shape})
    shape = check_shape(algorithm, broadcast_shape(**parts))
    blocks = _block_shape(algorithm, shape)
    axes = _checked_axes(shared_axes, blocks)

    rows = math.prod(blocks[:-1])
    swept = bins is None and rows > 0 and shared.pays(algorithm, q, p, blocks, axes)
    if rows and rows_.at_hand((key, private_key, q, p, bins)):
        memory.bound()
        return _encode_padded(algorithm, swept, shape, axes, key, private_key, q, p, bins)
    where = sharding.placed((q, p, bins))

    def run(key, private_key, q, p, bins):
        problem = _problem(shape, blocks, axes, key, private_key, q, p, bins)
        if swept:
            found = shared.search((algorithm.sweep, blocks[:-1], axes, where), problem)
        else:
            found = _search(algorithm, problem) if where is None else _search_divided((algorithm, where), problem)
        return _merge(shape, blocks, p, *found)

    return sharding.along_batch(run, len(shape) - 1)(key, private_key, q, p, bins)


def _encode_padded(algorithm, swept: bool, shape, shared_axes, key, private_key, q, p, bins) -> Encoded:
    """`encode` in programs that do not depend on the shape of the batch."""
    *batch, dim = _block_shape(algorithm, shape)
    keys, private_keys = _keys_of_rows(key, private_key, rows_.of_streams(tuple(batch), shared_axes))
    of_q, of_p = (rows_.of_distribution(each, shape, (*batch, dim)) for each in (q, p))
    problem = (keys, private_keys, of_q, of_p, rows_.of_bins(bins, shape))
    if swept:
        code, words, info = shared.search_padded(algorithm.sweep, tuple(batch), shared_axes, problem)
    else:
        code, words, info = _search(algorithm, problem, np.int32(math.prod(batch)))
    code, info = rows_.cut((code, info), tuple(batch))
    words, sample = rows_.cut((words, _to_sample(words, of_p)), tuple(batch))
    return jax.device_put(Encoded(code, words.reshape(shape), sample.reshape(shape), info))


@jax.jit
def _keys_of_rows(key, private_key, stream):
    """Shared and private keys of rows that use streams of these numbers."""
    row = jnp.arange(len(stream), dtype=jnp.uint32)
    return randomness.fold_in(key, randomness.BLOCKS, stream), _private_keys(key, private_key, row)


def _private_keys(key, private_key, row):
    """Keys of what the decoder need not share, of rows of these numbers; None stands for one derived from `key`."""
    private_key = randomness.fold_in(key, randomness.PRIVATE) if private_key is None else private_key
    return randomness.fold_in(private_key, row)


@partial(jax.jit, static_argnums=0)
def encode_rows(
    algorithm: RECAlgorithm,
    keys: randomness.AnyKey,
    private_keys: randomness.AnyKey,
    q: Distribution,
    p: CodingDistribution,
    bins: Bins | None = None,
    count: Any = None,
) -> Encoded:
    """`encode` for blocks [row, dim] that say themselves which stream they use: keys [row, 2] of `stream_keys`.

    For codecs that send the blocks of one batch at different times. bins: of the rows. count: of the first rows, which
    are searched for; what comes out for the others means nothing.
    """
    rows, dim = q.shape
    keys, private_keys = (randomness.as_key(own, (rows,)) for own in (keys, private_keys))
    problem = (keys, private_keys, q.in_rows(q.shape, rows, dim), p.in_rows(q.shape, rows, dim), bins)
    code, words, info = _search(algorithm, problem, count)
    return Encoded(code, words, _to_sample(words, p), info)


@compiler.by_own_rules
def decode(
    algorithm: RECAlgorithm,
    key: randomness.AnyKey,
    p: CodingDistribution,
    code: Any,
    *,
    bins: Any = None,
    shared_axes: Sequence[int] = (),
) -> jax.Array:
    """The samples that `encode` sent: the same float32 bit for bit, from key, p, code and bins alone.

    Key, p, bins and shared axes are those that `encode` was given. ValueError if the code cannot have been sent with
    them: it has other shapes, names an interval that the bins do not have, or an index or a depth beyond the
    algorithm's sizes. Another key, another p, or other bins that have this interval too give another sample without an
    error. Under jit, numbers are not known, and no code is refused for them.
    """
    check_coding_distribution(p)
    key, bins = randomness.as_key(key, ()), as_bins(algorithm, bins)
    shape = shape_of(algorithm, code)
    code, axes = _checked(algorithm, code, shape, bins, shared_axes)
    check_shape(algorithm, shape, p=p.shape)
    if math.prod(shape) and rows_.at_hand((key, p, code, bins)):
        memory.bound()
        blocks = _block_shape(algorithm, shape)
        words = _decode_padded(algorithm, shape, axes, key, code, bins)
        sample = _to_sample(words, rows_.of_distribution(p, shape, blocks))
        return jax.device_put(rows_.cut(sample, blocks[:-1]).reshape(shape))

    def run(key, p, code, bins):
        return _to_sample(_decode_words(algorithm, key, code, shape, bins, shared_axes=axes), p)

    return sharding.along_batch(run, len(shape) - 1)(key, p, code, bins)


def _checked(algorithm, code, shape, bins: Bins | None, shared_axes) -> tuple[Any, frozenset[int]]:
    """Code and shared axes, checked against each other and the bins."""
    check_shape(algorithm, shape, **({} if bins is None else {"bins": bins.intervals.shape}))
    code = check_code(algorithm, code, shape, bins)
    return code, _checked_axes(shared_axes, _block_shape(algorithm, shape))


@partial(jax.jit, static_argnums=(0, 3), static_argnames=("shared_axes",))
def _decode_words(algorithm, key, code, shape, bins, shared_axes):
    *batch, dim = _block_shape(algorithm, shape)
    keys = _stream_keys(key, tuple(batch), shared_axes)
    rows = _broadcast_bins(bins, shape)
    flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[len(batch) :]), code)
    words = jax.vmap(lambda k, b, c: algorithm.decode(k, b, c, dim))(keys, rows, flat)
    return words.reshape(shape)


def _decode_padded(algorithm, shape, shared_axes, key, code, bins) -> jax.Array:
    """Words as padded rows [row, dim], by a program that does not depend on the shape of the batch."""
    *batch, dim = _block_shape(algorithm, shape)
    streams = rows_.of_streams(tuple(batch), shared_axes)
    codes = rows_.of_code(code, tuple(batch))
    return _decode_rows(algorithm, dim, key, streams, rows_.of_bins(bins, shape), codes)


@partial(jax.jit, static_argnums=(0, 1))
def _decode_rows(algorithm, dim, key, stream, bins, code):
    keys = randomness.fold_in(key, randomness.BLOCKS, stream)
    return jax.vmap(lambda k, b, c: algorithm.decode(k, b, c, dim))(keys, bins, code)


@compiler.by_own_rules
def decode_words(
    algorithm: RECAlgorithm,
    key: randomness.AnyKey,
    code: Any,
    shape: Sequence[int],
    *,
    bins: Any = None,
    shared_axes: Sequence[int] = (),
) -> jax.Array:
    """The words that codes name; `shape` is [*batch, dim]. ValueError as from `decode`."""
    shape, key, bins = tuple(shape), randomness.as_key(key, ()), as_bins(algorithm, bins)
    code, axes = _checked(algorithm, code, shape, bins, shared_axes)
    batch = _block_shape(algorithm, shape)[:-1]
    if math.prod(batch) and rows_.at_hand((key, code, bins)):
        memory.bound()
        words = _decode_padded(algorithm, shape, axes, key, code, bins)
        return jax.device_put(rows_.cut(words, batch).reshape(shape))
    return _decode_words(algorithm, key, code, shape, bins, shared_axes=axes)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _problem(shape, blocks, shared_axes, key, private_key, q, p, bins):
    """Shared key, private key, q, p and bins of each row: a pytree with a leading row axis."""
    *batch, dim = blocks
    rows = math.prod(batch)
    return (
        _stream_keys(key, tuple(batch), shared_axes),
        _private_keys(key, private_key, jnp.arange(rows, dtype=jnp.uint32)),
        q.in_rows(shape, rows, dim),
        p.in_rows(shape, rows, dim),
        _broadcast_bins(bins, shape),
    )


@partial(jax.jit, static_argnums=(0, 1))
def _merge(shape, blocks, p, code, words, info) -> Encoded:
    code, info = jax.tree.map(lambda leaf: leaf.reshape(*blocks[:-1], *leaf.shape[1:]), (code, info))
    words = words.reshape(shape)
    return Encoded(code, words, _to_sample(words, p), info)


def _block_shape(algorithm: RECAlgorithm, shape: tuple[int, ...]) -> tuple[int, ...]:
    """[*batch, dim] of the blocks of samples of a shape: a scalar algorithm has a block for each of them."""
    return (*shape, 1) if algorithm.scalar else shape


# Jitted by itself, so that searches that differ in their keys alone, or in the shape of their batch, share it.
@compiler.wide
def _search(algorithm: RECAlgorithm, problem: Any, count: Any = None):
    """Results of the first `count` rows of a problem, by default of all; those of the others mean nothing."""
    rows = len(problem[0])
    lanes = min(rows, MAX_LANES)
    row = jnp.arange(lanes)
    count = rows if count is None else jnp.asarray(count, row.dtype)

    def take(row):
        return jax.tree.map(lambda leaf: leaf[jnp.minimum(row, rows - 1)], problem)

    init = jax.vmap(algorithm.init)
    result = jax.vmap(algorithm.result)
    current = take(row)
    state = init(*current)
    blank = jax.tree.map(
        lambda leaf: jnp.zeros((rows, *leaf.shape[1:]), leaf.dtype),
        jax.eval_shape(result, current[0], current[1], state),
    )

    def unfinished(carry):
        return jnp.any(carry[0] < count)

    def harvest(carry):
        row, waiting, current, state, results = carry
        finished = jax.vmap(algorithm.done)(state)
        place = jnp.where(finished, row, rows)
        results = jax.tree.map(
            lambda whole, part: whole.at[place].set(part, mode="drop"), results, result(current[0], current[1], state)
        )
        fresh_row = jnp.where(finished, jnp.minimum(waiting + jnp.cumsum(finished) - 1, count), row)
        fresh = take(fresh_row)

        def replace(new, old):
            return jnp.where(finished.reshape(-1, *(1,) * (new.ndim - 1)), new, old)

        return (
            fresh_row,
            jnp.minimum(waiting + jnp.sum(finished), count),
            jax.tree.map(replace, fresh, current),
            jax.tree.map(replace, init(*fresh), state),
            results,
        )

    def body(carry):
        row, waiting, current, state, results = carry
        state = jax.vmap(algorithm.step)(current[0], current[1], state)
        carry = (row, waiting, current, state, results)
        finished = jax.vmap(algorithm.done)(state) & (row < count)
        busy = jnp.sum(row < count)
        return jax.lax.cond(4 * jnp.sum(finished) >= busy, harvest, lambda same: same, carry)

    return jax.lax.while_loop(unfinished, body, (row, jnp.asarray(lanes), current, state, blank))[-1]


@compiler.wide
def _search_divided(how: tuple[RECAlgorithm, sharding.Placed], problem: Any):
    """`_search`, by every device of its own rows."""
    algorithm, where = how
    return sharding.over_rows(lambda own: _search(algorithm, own), where, problem)


@jax.jit
def _to_sample(words, p: CodingDistribution):
    # The unit is a power of two, so that the product is exact.
    scale = jnp.asarray(p.scale, jnp.float32) * jnp.float32(p.law.unit)
    return grid.affine(grid.value_fixed(words, law=p.law), jnp.asarray(p.loc), scale)


def _checked_axes(shared_axes: Sequence[int], shape: tuple[int, ...]) -> frozenset[int]:
    """Axes of the batch, from 0; ValueError for others."""
    rank = len(shape) - 1
    axes = [operator.index(axis) for axis in shared_axes]
    if any(not -rank <= axis < rank for axis in axes):
        raise ValueError(
            f"shared_axes are axes of the batch, from {-rank} to {rank - 1} here, got {axes}; the last axis of q is a "
            "block and cannot be shared"
        )
    return frozenset(axis % rank for axis in axes)


def stream_keys(key: randomness.AnyKey, batch: Sequence[int], *, shared_axes: Sequence[int] = ()) -> jax.Array:
    """The key of each block of a batch, [*batch, 2], from which `encode` and `decode` draw its candidates.

    For codecs that redraw candidates (`cut_paths.py`). `batch` is the shape of all blocks, for a scalar algorithm that
    of its samples; `key` and `shared_axes` are those given to `encode`.
    """
    batch, key = tuple(batch), randomness.as_key(key, ())
    return _stream_keys(key, batch, _checked_axes(shared_axes, (*batch, 1))).reshape(*batch, 2)


def _stream_keys(key, batch: tuple[int, ...], shared_axes: frozenset[int]):
    """A key per row: the path (BLOCKS, number of the block among the axes that do not share a stream)."""
    sizes = [1 if axis in shared_axes else size for axis, size in enumerate(batch)]
    own = randomness.fold_in(key, randomness.BLOCKS, jnp.arange(math.prod(sizes), dtype=jnp.uint32)).reshape(*sizes, 2)
    return jnp.broadcast_to(own, (*batch, 2)).reshape(-1, 2)


def _broadcast_bins(bins: Bins | None, shape: tuple[int, ...]) -> Bins | None:
    if bins is None:
        return None
    rows, dim = math.prod(shape[:-1]), shape[-1]
    return Bins(jnp.broadcast_to(bins.intervals, shape).reshape(rows, dim), bins.capacity)
