"""Sweeps many blocks that share their candidates by matrix products, for PFR and ORC without a partition.

The log ratio of normals is the product of [z^2, z] with numbers of the block, so one matrix product scores a run of
candidates for all blocks. Arrival times differ by block, but only few are needed: candidates come in spans of 128,
whose waiting times sum to a Gamma variable, and a span is examined only if its largest ratio could still win at its
very beginning. Then its times are drawn given their sum, and its ratios are computed from differences, as the product
is not exact enough. The winner has the distribution of the search one by one (arXiv:1701.02827; arXiv:2110.12805).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt32

from recjax import grid, randomness
from recjax.distributions.normal_ratio import NormalRatio
from recjax.numerics import first_minimum, quick_normal, unit_exponential
from recjax.rec.base import Sweep
from recjax.rec.candidates.fused_scores import HALF, best_values
from recjax.rec.candidates.race import running_sum

SPAN = 128
"""Number of candidates of a span, whose waiting times are summed at once."""
_SPANS = 8
"""Number of spans that one product scores."""
_TILE = 128
"""Number of blocks that one product serves; blocks that have finished are left out."""
_LOOKED = 32
"""Number of blocks of a tile that examine a span at the same time."""
_TRIES = 3
"""Number of tries of a rejection sampler, of which the last is taken in any case."""
_ROUNDING = 2.0**-24
"""Relative error of a rounding to float32."""


class SearchState(NamedTuple):
    """Holds the progress of the search for each block.

    Attributes:
        time: Time at the beginning of the next span.
        best: Smallest log(t / r) so far, in nats.
        index: Index of the candidate that has it, from 1.
        steps: Number of candidates so far, in whole spans.
        stopped: Whether no later candidate can win, or the block is not searched.
    """

    time: Float[Array, " rows"]
    best: Float[Array, " rows"]
    index: UInt32[Array, " rows"]
    steps: UInt32[Array, " rows"]
    stopped: Bool[Array, " rows"]


class _Rows(NamedTuple):
    """Holds what is fixed of each block: its key, its ratio around the best value, and the time after all arrivals."""

    private_key: Any
    best_value: Any
    slope: Any
    curvature: Any
    total: Any


def of(budget: int, *, ordered: bool) -> Sweep | None:
    """Returns the sweep of an algorithm.

    Args:
        budget: Number of candidates.
        ordered: Whether arrival times are the order statistics of exponentials.

    Returns:
        The sweep; None unless the budget is a multiple of `SPAN`.
    """
    return Sweep(budget, ordered) if budget % SPAN == 0 else None


def search(
    rule: Sweep, key: randomness.Key, private_keys: UInt32[Array, "rows 2"], ratio: NormalRatio, upto: Any = None
) -> SearchState:
    """Searches for many blocks in one stream of candidates.

    Args:
        rule: The sweep.
        key: Shared randomness of the stream.
        private_keys: Randomness of the encoder for each block.
        ratio: The density ratios of the blocks, with arrays [row, dim].
        upto: Number of blocks, from the first, that are searched; None for all.

    Returns:
        The winner of each block.
    """
    best_value = jax.vmap(best_values)(ratio)
    total = jax.vmap(lambda own: _last_time(own, rule.budget))(private_keys) if rule.ordered else None
    rows = _Rows(private_keys, best_value, ratio.slope, ratio.curvature, total)
    count, dim = best_value.shape
    stream = randomness.stream(key, randomness.CANDIDATE)

    def unfinished(carry):
        turn, states = carry
        return jnp.any(~states.stopped) & (turn * (_SPANS * SPAN) < rule.budget)

    def body(carry):
        turn, states = carry
        first = (turn * (_SPANS * SPAN)).astype(jnp.uint32)
        z = _values(stream, first, dim)
        active = jnp.nonzero(~states.stopped, size=-(-count // _TILE) * _TILE, fill_value=count)[0]

        def tile(number, states):
            place = jax.lax.dynamic_slice(active, (number * _TILE,), (_TILE,))
            own, state = jax.tree.map(lambda leaf: leaf[jnp.minimum(place, count - 1)], (rows, states))
            state = _search_tile(rule, own, state._replace(stopped=state.stopped | (place >= count)), turn, z)
            return jax.tree.map(lambda whole, part: whole.at[place].set(part, mode="drop"), states, state)

        tiles = (jnp.sum(~states.stopped) + _TILE - 1) // _TILE
        return turn + 1, jax.lax.fori_loop(0, tiles, tile, states)

    zero = jnp.zeros((count,), jnp.float32)
    one, none = jnp.ones((count,), jnp.uint32), jnp.zeros((count,), jnp.uint32)
    left_out = jnp.arange(count, dtype=jnp.int32) >= (count if upto is None else upto)
    start = SearchState(zero, zero + jnp.inf, one, none, left_out)
    return jax.lax.while_loop(unfinished, body, (jnp.int32(0), start))[1]


def _values(stream: randomness.Stream, first: UInt32[Array, ""], dim: int) -> Float[Array, "spans span dim"]:
    """Returns the values of the candidates first + 1, first + 2, ..., as quick scores see them."""
    index = first + 1 + jnp.arange(_SPANS * SPAN, dtype=jnp.uint32)
    words = randomness.draw(stream, index, dim) >> (32 - grid.BITS)
    return quick_normal(words.T.astype(jnp.float32) - HALF).reshape(_SPANS, SPAN, dim)


def _search_tile(
    rule: Sweep, rows: _Rows, state: SearchState, turn: Int[Array, ""], z: Float[Array, "spans span dim"]
) -> SearchState:
    """Examines the spans of one product for the blocks of a tile."""
    spans = turn * _SPANS + jnp.arange(_SPANS)
    sums = jax.vmap(lambda own: gamma_sums(own, spans))(rows.private_key)
    ends = state.time[:, None] + running_sums(sums)
    starts = jnp.concatenate([state.time[:, None], ends[:, :-1]], axis=1)
    total = rows.total[:, None] if rule.ordered else None
    lowest = jnp.log(_time(rule, starts, total)) - _largest_ratios(rows, z)
    within = spans * SPAN < rule.budget
    lowest = jnp.where(within & ~state.stopped[:, None], lowest, jnp.inf)

    def pending(carry):
        lowest, state = carry
        return jnp.any(lowest < state.best[:, None])

    def look(carry):
        lowest, state = carry
        nearest = jnp.min(lowest, axis=1)
        some = jnp.nonzero(nearest < state.best, size=_LOOKED, fill_value=len(nearest))[0]
        row = jnp.minimum(some, len(nearest) - 1)
        span = jnp.argmin(lowest[row], axis=1)
        own = jax.tree.map(lambda leaf: leaf[row], rows)
        place, score = jax.vmap(lambda *one: _score_span(rule, *one))(
            own, z[span], starts[row, span], sums[row, span], spans[span]
        )
        better = score < state.best[row]
        index = (spans[span] * SPAN).astype(jnp.uint32) + place + 1
        best = state.best.at[some].set(jnp.where(better, score, state.best[row]), mode="drop")
        index = state.index.at[some].set(jnp.where(better, index, state.index[row]), mode="drop")
        return lowest.at[some, span].set(jnp.inf, mode="drop"), state._replace(best=best, index=index)

    _, state = jax.lax.while_loop(pending, look, (lowest, state))
    # Log ratios are at most 0 but for rounding, so no later candidate can win once the time alone exceeds the best.
    hopeless = within & (jnp.log(_time(rule, ends, total)) > state.best[:, None])
    used = jnp.where(jnp.any(hopeless, axis=1), jnp.argmax(hopeless, axis=1) + 1, _SPANS)
    steps = jnp.minimum(state.steps + (used * SPAN).astype(jnp.uint32), jnp.uint32(rule.budget))
    return state._replace(
        time=ends[:, -1],
        steps=jnp.where(state.stopped, state.steps, steps),
        stopped=state.stopped | jnp.any(hopeless, axis=1),
    )


def _largest_ratios(rows: _Rows, z: Float[Array, "spans span dim"]) -> Float[Array, "rows spans"]:
    """Returns an upper bound of the log ratios of each span, which allows for the rounding of the product."""
    linear = rows.slope + 2 * rows.curvature * rows.best_value
    constant = -jnp.sum(rows.best_value * (rows.slope + rows.curvature * rows.best_value), axis=1)
    flat = z.reshape(-1, z.shape[-1])
    features = jnp.concatenate([flat * flat, flat], axis=1)
    numbers = jnp.concatenate([-rows.curvature, linear], axis=1)
    scores = jax.lax.dot_general(numbers, features, (((1,), (1,)), ((), ())), precision=jax.lax.Precision.HIGHEST)
    largest = jnp.max(scores.reshape(len(numbers), *z.shape[:2]), axis=2) + constant[:, None]
    sizes = jnp.abs(numbers) @ jnp.max(jnp.abs(features), axis=0)
    return largest + 4 * numbers.shape[1] * _ROUNDING * (sizes + jnp.abs(constant))[:, None]


def _score_span(rule: Sweep, own: _Rows, z, start, total_wait, span) -> tuple[UInt32[Array, ""], Float[Array, ""]]:
    """Returns place and value of the smallest log(t / r) of one span of one block."""
    delta = z - own.best_value
    log_ratio = jnp.sum(delta * (own.slope - own.curvature * delta), axis=1)
    stream = randomness.stream(own.private_key, randomness.ARRIVAL, (1,))
    words = randomness.draw(stream, span.astype(jnp.uint32), SPAN)
    waits = running_sum(unit_exponential(words))
    times = _time(rule, start + total_wait * (waits / waits[-1]), own.total)
    return first_minimum(jnp.log(times) - log_ratio)


def _time(rule: Sweep, arrival: Any, total: Any) -> Any:
    """Returns the time of a Poisson arrival; if ordered, as an order statistic given that the last comes at `total`."""
    if not rule.ordered:
        return arrival
    return -rule.budget * jnp.log1p(-jnp.minimum(arrival / total, 1 - _ROUNDING))


def _last_time(private_key: randomness.Key, budget: int) -> Float[Array, ""]:
    """Returns the time of the arrival that follows all candidates."""
    turns = -(-budget // (_SPANS * SPAN))

    def add(turn, total):
        spans = turn * _SPANS + jnp.arange(_SPANS)
        return total + jnp.sum(jnp.where(spans * SPAN < budget, gamma_sums(private_key, spans), 0.0))

    last = unit_exponential(randomness.draw(randomness.stream(private_key, randomness.ARRIVAL, (2,)), 0, 1)[0])
    return jax.lax.fori_loop(0, turns, add, last)


def running_sums(x: Float[Array, "rows n"]) -> Float[Array, "rows n"]:
    """Returns the cumulative sums of each row.

    Args:
        x: Rows of numbers.

    Returns:
        Their cumulative sums.
    """
    return jax.vmap(running_sum)(x)


def gamma_sums(private_key: randomness.Key, span: Int[Array, " n"]) -> Float[Array, " n"]:
    """Draws sums of `SPAN` unit exponentials, by rejection (Marsaglia and Tsang 2000).

    All of three tries are rejected once in 10^10, and then the last is taken.

    Args:
        private_key: Randomness of the encoder for one block.
        span: Numbers of the spans.

    Returns:
        A Gamma variable for each span.
    """
    stream = randomness.stream(private_key, randomness.ARRIVAL)
    words = randomness.draw(stream, span.astype(jnp.uint32), 2 * _TRIES)
    shape = SPAN - 1 / 3
    sums = jnp.zeros(span.shape, jnp.float32)
    accepted = jnp.zeros(span.shape, bool)
    for number in range(_TRIES):
        x = quick_normal((words[2 * number] >> (32 - grid.BITS)).astype(jnp.float32) - HALF)
        v = (1 + x / jnp.sqrt(jnp.float32(9 * shape))) ** 3
        fine = -unit_exponential(words[2 * number + 1]) < 0.5 * x * x + shape * (1 - v + jnp.log(v))
        sums = jnp.where(accepted, sums, shape * v)
        accepted |= fine
    return sums
