"""Ordered random coding: a fixed number of candidates (Theis and Yosri Ahmed 2022, arXiv:2110.12805).

As in the PFR, the winner minimises t_n / r(z_n); the times of its N candidates are the order statistics of N
exponentials, t_n = t_{n-1} + N / (N - n + 1) Exp(1), so that every candidate can be weighed against all N. The sample
is biased towards P unless N is some times 2^KL[Q || P'], hence the space partition (arXiv:2405.12203), which makes P' a
better proposal.
"""

from functools import lru_cache, partial
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

from recjax.numerics import first_minimum
from recjax.rec import index_codes
from recjax.rec.base import Code, Info, RECAlgorithm, outcome
from recjax.rec.candidates import matmul_scores, partition
from recjax.rec.candidates import race as candidates
from recjax.rec.candidates.race import Race


class State(NamedTuple):
    """Progress of the search: candidates seen, the time of the last, the best log(t / r') and who has it."""

    race: Race
    seen: UInt32[Array, " slots"]
    steps: UInt32[Array, ""]
    time: Float[Array, ""]
    best: Float[Array, ""]
    best_step: UInt32[Array, ""]
    best_index: UInt32[Array, ""]


def orc(*, num_candidates: int, chunk_size: int = 256, max_intervals: int = 64) -> RECAlgorithm:
    """Approximate coder of `num_candidates` candidates, scored `chunk_size` at a time.

    The chunk size changes speed, never what a code decodes to. `max_intervals` bounds the intervals per dimension of
    bins that are traced arrays; concrete bins bound themselves.
    """
    return _orc(*index_codes.check_sizes("orc", num_candidates, chunk_size, max_intervals))


# One bundle for the same sizes, so that what is compiled for it is found again.
@lru_cache(maxsize=64)
def _orc(num_candidates: int, chunk_size: int, max_intervals: int) -> RECAlgorithm:
    slots = min(4 << (num_candidates - 1).bit_length(), 1 << 16)

    def init(key, private_key, q, p, bins):
        race, seen = candidates.prepare(q, p, bins, partition.weights_by_mass, slots)
        zero = jnp.uint32(0)
        return State(race, seen, zero, jnp.float32(0), jnp.float32(jnp.inf), zero, zero + 1)

    def done(state):
        return state.steps >= num_candidates

    def step(key, private_key, state):
        active = ~done(state)
        steps = state.steps + jnp.arange(chunk_size, dtype=jnp.uint32)
        in_budget = steps < num_candidates
        chunk = candidates.score(key, private_key, state.race, state.seen, steps, active)
        waits = candidates.waiting_times(private_key, steps)
        remaining = jnp.maximum(num_candidates - steps.astype(jnp.float32), 1.0)
        times = state.time + candidates.running_sum(waits * (num_candidates / remaining))
        scores = jnp.where(in_budget, jnp.log(times) - chunk.log_ratio, jnp.inf)
        place, lowest = first_minimum(scores)
        better = active & (lowest < state.best)
        return State(
            state.race,
            chunk.seen,
            jnp.where(active, jnp.minimum(state.steps + chunk_size, num_candidates), state.steps),
            jnp.where(active, times[-1], state.time),
            jnp.where(better, lowest, state.best),
            jnp.where(better, state.steps + place, state.best_step),
            jnp.where(better, chunk.index[place], state.best_index),
        )

    def result(key, private_key, state):
        code, words, log2_bins, log_ratio = candidates.winner(
            key, private_key, state.race, state.best_step, state.best_index
        )
        status = outcome(state.race.ratio, jnp.isfinite(state.best), valid=state.race.known_bins)
        return code, words, Info(state.steps, jnp.log2(code.index.astype(jnp.float32)), log2_bins, log_ratio, status)

    return RECAlgorithm(
        name="orc",
        init=init,
        step=step,
        done=done,
        result=result,
        decode=candidates.decode,
        code_codec=index_codes.code_codec,
        exact=False,
        sends=Code,
        largest=num_candidates,
        make=partial(orc, num_candidates=num_candidates, chunk_size=chunk_size, max_intervals=max_intervals),
        max_intervals=max_intervals,
        sweep=matmul_scores.of(num_candidates, ordered=True),
    )
