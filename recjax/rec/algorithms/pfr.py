"""Poisson functional representation: exact relative entropy coding (Li and El Gamal 2018, arXiv:1701.02827).

Candidates z_1, z_2, ... from P are shared. The encoder gives them the arrival times t_1 < t_2 < ... of a Poisson
process and sends the n that minimises t_n / r(z_n), which makes z_n a sample of Q. No later arrival can win once t_n
exceeds the best t / r times the largest r. With a space partition (arXiv:2405.12203), r' = dQ/dP' takes the place of r.
"""

from functools import lru_cache, partial
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, UInt32

from recjax.numerics import first_minimum
from recjax.rec import index_codes
from recjax.rec.base import Code, Info, RECAlgorithm, outcome
from recjax.rec.candidates import matmul_scores, partition
from recjax.rec.candidates import race as candidates
from recjax.rec.candidates.race import Race

# Slots for counting candidates by bin. A partitioned search takes tens of steps, so bins rarely share a slot.
_SLOTS = 1 << 10


class State(NamedTuple):
    """Holds the progress of a search.

    Attributes:
        race: What is fixed during the search.
        seen: Number of candidates in each slot of bins (`candidates.race`).
        steps: Number of arrivals so far.
        time: Time of the last arrival.
        best: Smallest log(t / r') so far, in nats.
        best_step: Step (from 0) of the candidate that has it.
        best_index: Index of that candidate within its bin.
        stopped: Whether no later arrival can win.
    """

    race: Race
    seen: UInt32[Array, " slots"]
    steps: UInt32[Array, ""]
    time: Float[Array, ""]
    best: Float[Array, ""]
    best_step: UInt32[Array, ""]
    best_index: UInt32[Array, ""]
    stopped: Bool[Array, ""]


def pfr(*, max_candidates: int, chunk_size: int = 256, max_intervals: int = 64) -> RECAlgorithm:
    """Makes the exact coder of the Poisson functional representation.

    The search ends by its stopping rule, or with `Status.BUDGET` after `max_candidates`. E[steps] is about 2^Dinf[Q ||
    P'], where P' is P without bins.

    Args:
        max_candidates: Largest number of candidates examined, in [1, 2^30].
        chunk_size: Number of candidates scored at a time. It changes speed, never what a code decodes to.
        max_intervals: Bound of the intervals per dimension of bins that are traced arrays; other bins need none.

    Returns:
        The algorithm, for blocks of any dimension, with or without bins.

    Raises:
        ValueError: If a size is not a whole number or out of range.

    Example:
        >>> import numpy as np, recjax
        >>> from recjax import rec
        >>> algorithm, key, p = rec.pfr(max_candidates=1024), recjax.key(0), recjax.Normal(0.0, 1.0)
        >>> encoded = rec.encode(algorithm, key, recjax.Normal(np.array([[1.0, -0.5]]), 0.5), p)
        >>> bool((rec.decode(algorithm, key, p, encoded.code) == encoded.sample).all())
        True
        >>> int(encoded.info.status[0]) == rec.Status.OK
        True
    """
    return _pfr(*index_codes.check_sizes("pfr", max_candidates, chunk_size, max_intervals))


# The same sizes give the same object, so that JAX reuses what it compiled for it.
@lru_cache(maxsize=64)
def _pfr(max_candidates: int, chunk_size: int, max_intervals: int) -> RECAlgorithm:
    def init(key, private_key, q, p, bins):
        race, seen = candidates.prepare(q, p, bins, partition.weights_by_supremum, _SLOTS)
        zero = jnp.uint32(0)
        return State(race, seen, zero, jnp.float32(0), jnp.float32(jnp.inf), zero, zero + 1, jnp.array(False))

    def done(state):
        return state.stopped | (state.steps >= max_candidates)

    def step(key, private_key, state):
        active = ~done(state)
        offset = jnp.arange(chunk_size, dtype=jnp.uint32)
        chunk = candidates.score(key, private_key, state.race, state.seen, state.steps + offset, active)
        waits = candidates.waiting_times(private_key, state.steps + offset)
        times = state.time + candidates.running_sum(waits)
        log_time = jnp.log(times)
        in_budget = offset < max_candidates - state.steps
        # Only the budget needs a mask: arrivals after the stop, which `used` does not count, cannot win anyway.
        scores = jnp.where(in_budget, log_time - chunk.log_ratio, jnp.inf)
        place, lowest = first_minimum(scores)
        better = active & (lowest < state.best)
        best = jnp.where(better, lowest, state.best)
        hopeless = (log_time - state.race.log_best_nats > best) & in_budget
        used = jnp.where(jnp.any(hopeless), jnp.argmax(hopeless) + 1, jnp.sum(in_budget)).astype(jnp.uint32)
        return State(
            state.race,
            chunk.seen,
            jnp.where(active, state.steps + used, state.steps),
            jnp.where(active, times[-1], state.time),
            best,
            jnp.where(better, state.steps + place, state.best_step),
            jnp.where(better, chunk.index[place], state.best_index),
            jnp.where(active, jnp.any(hopeless), state.stopped),
        )

    def result(key, private_key, state):
        code, words, log2_bins, log_ratio = candidates.winner(
            key, private_key, state.race, state.best_step, state.best_index
        )
        status = outcome(state.race.ratio, state.stopped, valid=state.race.known_bins)
        return code, words, Info(state.steps, jnp.log2(code.index.astype(jnp.float32)), log2_bins, log_ratio, status)

    return RECAlgorithm(
        name="pfr",
        init=init,
        step=step,
        done=done,
        result=result,
        decode=candidates.decode,
        code_codec=index_codes.code_codec,
        exact=True,
        sends=Code,
        largest=max_candidates,
        make=partial(pfr, max_candidates=max_candidates, chunk_size=chunk_size, max_intervals=max_intervals),
        max_intervals=max_intervals,
        sweep=matmul_scores.of(max_candidates, ordered=False),
    )
