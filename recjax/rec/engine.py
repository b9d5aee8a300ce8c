"""Encodes and decodes batches of blocks; the search loop lives here.

The blocks of a batch are flattened into rows, which pass through a fixed number of lanes. A `while_loop` under `vmap`
would run until its slowest row is done and copy the state of all others meanwhile. Here the loop is outside, the step
is vmapped, and a finished lane leaves its state alone until a quarter of the busy lanes have finished; then these take
the next rows together, as starting a row costs about as much as a step.

Blocks that share their candidates are swept together instead where that is faster (`candidates/batched.py`,
`candidates/matmul_scores.py`).
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
from recjax.rec.planned import Plan

MAX_LANES = 256
"""Largest number of rows that are searched at the same time."""


@compiler.by_own_rules
def encode(
    algorithm: RECAlgorithm | Plan,
    key: randomness.AnyKey,
    q: Distribution,
    p: CodingDistribution,
    *,
    private_key: randomness.AnyKey = None,
    bins: Any = None,
    shared_axes: Sequence[int] = (),
) -> Encoded:
    """Encodes a sample of each target q, given the coding distributions p.

    q and p are arrays [*batch, dim], or broadcast to that: one block per batch index. A scalar algorithm codes every
    coordinate alone; for it, dim is one more axis of the batch.

    Works under jit and vmap, and on arrays on a mesh, where each device searches rows of its own. A vmap that does not
    map `key` gives every instance the same candidates and the same arrival times: map both keys, or put the axis into
    the batch.

    With a plan, q and p are arrays [*batch, latent], which are divided into its blocks.

    Args:
        algorithm: What one of the factories of this package returns, such as `rec.pfr(...)`, or a `Plan`, which brings
            its bins and its shared axes.
        key: Shared randomness, from `recjax.key` or `jax.random.key` (see `randomness.as_key`). Each batch index draws
            its candidates from a stream of its own. Calls with the same key use the same candidates, so give each its
            own.
        q: Targets, from `recjax.distributions`.
        p: Coding distributions, from `recjax.distributions`, with a table of quantiles there.
        private_key: Randomness that the decoder need not share, such as arrival times; differs by row in any case. None
            derives it from `key`.
        bins: Number of intervals of each dimension in a partition of space: integers that broadcast to [*batch, dim],
            or `Bins`. Traced numbers must not exceed `algorithm.max_intervals`. None partitions nothing.
        shared_axes: Axes of the batch along which indices share one stream, so that a decoder need not know their
            number.

    Returns:
        Code, words [*batch, dim], float32 sample [*batch, dim] and `Info` of each block. Targets that cannot be coded
        raise no error: look at `info.status`. With a plan, words and sample are [*batch, latent], and code and
        `Info` have an axis of blocks after those of the batch.

    Raises:
        ValueError: If an argument cannot be used: a pair of distributions without a density ratio here, shapes that do
            not broadcast, bins out of range or not of this algorithm, a key that is none, or axes outside the batch.

    Example:
        >>> import numpy as np, recjax
        >>> from recjax import rec
        >>> algorithm, p = rec.pfr(max_candidates=1024), recjax.Normal(0.0, 1.0)
        >>> encoded = rec.encode(algorithm, recjax.key(0), recjax.Normal(np.array([[1.0, -0.5]]), 0.5), p)
        >>> encoded.sample.shape, encoded.code.index.shape
        ((1, 2), (1,))
        >>> bool((encoded.info.status == rec.Status.OK).all())
        True
    """
    if isinstance(algorithm, Plan):
        _refuse_own(bins, shared_axes)
        plan, axes = algorithm, algorithm.shared_axes
        q, p = plan.split(q, p)
        result = encode(plan.algorithm, key, q, p, private_key=private_key, bins=plan.bins, shared_axes=axes)
        return result._replace(words=plan.merge(result.words), sample=plan.merge(result.sample))
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
            result = shared.search((algorithm.sweep, blocks[:-1], axes, where), problem)
        else:
            result = _search(algorithm, problem) if where is None else _search_divided((algorithm, where), problem)
        return _merge(shape, blocks, p, *result)

    return sharding.along_batch(run, len(shape) - 1)(key, private_key, q, p, bins)


def _encode_padded(algorithm, swept: bool, shape, shared_axes, key, private_key, q, p, bins) -> Encoded:
    """Encodes by programs that do not depend on the shape of the batch."""
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
    """Returns shared and private keys, uint32 [row, 2] each, of rows that use streams of these numbers."""
    row = jnp.arange(len(stream), dtype=jnp.uint32)
    return randomness.fold_in(key, randomness.BLOCKS, stream), _private_keys(key, private_key, row)


def _private_keys(key, private_key, row):
    """Returns the private keys of rows of these numbers; `private_key` None derives them from `key`."""
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
    """Encodes blocks [row, dim] that each come with the key of the stream they use.

    For codecs that send the blocks of one batch at different times.

    Args:
        algorithm: As in `encode`.
        keys: Shared keys, uint32 [row, 2], from `stream_keys`.
        private_keys: Keys of what the decoder need not share, [row, 2].
        q: Targets [row, dim].
        p: Coding distributions that broadcast to [row, dim].
        bins: Intervals [row, dim] of a partition of space; None for none.
        count: Number of rows, from the first, that are searched; results of the others mean nothing. None for all.

    Returns:
        As `encode`, with a row for each block.
    """
    rows, dim = q.shape
    keys, private_keys = (randomness.as_key(own, (rows,)) for own in (keys, private_keys))
    problem = (keys, private_keys, q.in_rows(q.shape, rows, dim), p.in_rows(q.shape, rows, dim), bins)
    code, words, info = _search(algorithm, problem, count)
    return Encoded(code, words, _to_sample(words, p), info)


@compiler.by_own_rules
def decode(
    algorithm: RECAlgorithm | Plan,
    key: randomness.AnyKey,
    p: CodingDistribution,
    code: Any,
    *,
    bins: Any = None,
    shared_axes: Sequence[int] = (),
) -> jax.Array:
    """Decodes codes to the samples that `encode` returned: the same float32, bit for bit.

    Key, p, bins and shared axes must be those that `encode` was given. Another key, another p, or other bins that also
    contain the interval give another sample without an error.

    Args:
        algorithm: The algorithm or the plan that encoded.
        key: Shared randomness, as given to `encode`.
        p: Coding distributions that broadcast to [*batch, dim]; with a plan, to [*batch, latent].
        code: Codes as `encode` returned them: a `Code` or a `Path`, of the kind `algorithm.sends`.
        bins: Number of intervals of each dimension, as given to `encode`; None for no partition.
        shared_axes: Axes of the batch whose indices share one stream, as given to `encode`.

    Returns:
        Samples, float32 [*batch, dim]; with a plan, [*batch, latent].

    Raises:
        ValueError: If `encode` cannot have sent the code with these arguments: it has other shapes, names an interval
            that the bins do not have, or an index or depth beyond the algorithm's sizes. Under jit, numbers are
            unknown, and only shapes and types are checked.

    Example:
        >>> import numpy as np, recjax
        >>> from recjax import rec
        >>> algorithm, key, p = rec.pfr(max_candidates=1024), recjax.key(0), recjax.Normal(0.0, 1.0)
        >>> encoded = rec.encode(algorithm, key, recjax.Normal(np.array([[1.0, -0.5]]), 0.5), p)
        >>> bool((rec.decode(algorithm, key, p, encoded.code) == encoded.sample).all())
        True
    """
    if isinstance(algorithm, Plan):
        _refuse_own(bins, shared_axes)
        plan, axes = algorithm, algorithm.shared_axes
        plan.batch_of(shape_of(plan.algorithm, code))
        return plan.merge(decode(plan.algorithm, key, plan.divide(p), code, bins=plan.bins, shared_axes=axes))
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


def _refuse_own(bins: Any, shared_axes: Sequence[int]) -> None:
    if bins is not None or shared_axes:
        raise ValueError("a plan brings its own bins and shared axes; leave them out, or give its algorithm instead")


def _checked(algorithm, code, shape, bins: Bins | None, shared_axes) -> tuple[Any, frozenset[int]]:
    """Checks code and shared axes against the shape and the bins, and returns both."""
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
    """Decodes to padded rows of words [row, dim], by a program that does not depend on the shape of the batch."""
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
    """Decodes codes to words of the coding distribution's grid, which need no coding distribution.

    Args:
        algorithm: The algorithm that encoded.
        key: Shared randomness, as given to `encode`.
        code: Codes as `encode` returned them.
        shape: Shape [*batch, dim] of the samples.
        bins: Number of intervals of each dimension, as given to `encode`; None for no partition.
        shared_axes: Axes of the batch whose indices share one stream, as given to `encode`.

    Returns:
        Words, uint32 [*batch, dim] in [0, 2^24).

    Raises:
        ValueError: As for `decode`.

    Example:
        >>> import numpy as np, recjax
        >>> from recjax import rec
        >>> algorithm, key, p = rec.pfr(max_candidates=1024), recjax.key(0), recjax.Normal(0.0, 1.0)
        >>> encoded = rec.encode(algorithm, key, recjax.Normal(np.array([[1.0, -0.5]]), 0.5), p)
        >>> bool((rec.decode_words(algorithm, key, encoded.code, (1, 2)) == encoded.words).all())
        True
    """
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
    """Returns shared key, private key, q, p and bins of each row: a pytree with a leading row axis."""
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
    """Returns the shape [*batch, dim] of blocks for samples of a shape; a scalar algorithm has one for each sample."""
    return (*shape, 1) if algorithm.scalar else shape


# Compiled as a program of its own, shared by searches that differ only in their keys or in the shape of their batch.
@compiler.wide
def _search(algorithm: RECAlgorithm, problem: Any, count: Any = None):
    """Searches for the first `count` rows of a problem (None for all); results of the other rows mean nothing."""
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
def _search_divided(how: tuple[RECAlgorithm, sharding.RowPlacement], problem: Any):
    """Divides the rows of a search among the devices."""
    algorithm, where = how
    return sharding.over_rows(lambda own: _search(algorithm, own), where, problem)


@jax.jit
def _to_sample(words, p: CodingDistribution):
    # The unit is a power of two, so the product is exact.
    scale = jnp.asarray(p.scale, jnp.float32) * jnp.float32(p.form.unit)
    return grid.affine(grid.value_fixed(words, form=p.form), jnp.asarray(p.loc), scale)


def _checked_axes(shared_axes: Sequence[int], shape: tuple[int, ...]) -> frozenset[int]:
    """Returns axes of the batch counted from 0; raises ValueError for others."""
    rank = len(shape) - 1
    axes = [operator.index(axis) for axis in shared_axes]
    if any(not -rank <= axis < rank for axis in axes):
        raise ValueError(
            f"shared_axes are axes of the batch, from {-rank} to {rank - 1} here, got {axes}; the last axis of q is a "
            "block and cannot be shared"
        )
    return frozenset(axis % rank for axis in axes)


def stream_keys(key: randomness.AnyKey, batch: Sequence[int], *, shared_axes: Sequence[int] = ()) -> jax.Array:
    """Returns the key of each block of a batch, from which `encode` and `decode` draw its candidates.

    For codecs that redraw candidates, such as `cut_path_codec`.

    Args:
        key: Shared randomness, as given to `encode`.
        batch: Shape of all blocks; for a scalar algorithm, the shape of its samples.
        shared_axes: Axes of the batch whose indices share one stream, as given to `encode`.

    Returns:
        Keys, uint32 [*batch, 2].

    Raises:
        ValueError: If the key is none, or an axis is outside the batch.

    Example:
        >>> import recjax
        >>> from recjax import rec
        >>> keys = rec.stream_keys(recjax.key(0), (3, 2), shared_axes=(0,))
        >>> keys.shape, bool((keys[0] == keys[1]).all())
        ((3, 2, 2), True)
    """
    batch, key = tuple(batch), randomness.as_key(key, ())
    return _stream_keys(key, batch, _checked_axes(shared_axes, (*batch, 1))).reshape(*batch, 2)


def _stream_keys(key, batch: tuple[int, ...], shared_axes: frozenset[int]):
    """Returns a key per row: `key` folded with BLOCKS and the block's number among the axes that share no stream."""
    sizes = [1 if axis in shared_axes else size for axis, size in enumerate(batch)]
    own = randomness.fold_in(key, randomness.BLOCKS, jnp.arange(math.prod(sizes), dtype=jnp.uint32)).reshape(*sizes, 2)
    return jnp.broadcast_to(own, (*batch, 2)).reshape(-1, 2)


def _broadcast_bins(bins: Bins | None, shape: tuple[int, ...]) -> Bins | None:
    if bins is None:
        return None
    rows, dim = math.prod(shape[:-1]), shape[-1]
    return Bins(jnp.broadcast_to(bins.intervals, shape).reshape(rows, dim), bins.capacity)
