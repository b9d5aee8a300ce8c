"""Ordered random coding: a fixed number of candidates (Theis and Yosri Ahmed 2022, arXiv:2110.12805).

As in PFR, the candidate that minimises t_n / r(z_n) wins. The times of the N candidates are the order statistics of N
exponentials, t_n = t_{n-1} + N / (N - n + 1) Exp(1), so that the winner is a draw of importance sampling among all N,
and small indices win more often. The sample is biased towards P unless N is some times 2^KL[Q || P']; the space
partition (arXiv:2405.12203) makes P' a better proposal than P.
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
    """Holds the progress of a search.

    Attributes:
        race: What is fixed during the search.
        seen: Number of candidates in each slot of bins (`candidates.race`).
        steps: Number of candidates so far.
        time: Time of the last candidate.
        best: Smallest log(t / r') so far, in nats.
        best_step: Step (from 0) of the candidate that has it.
        best_index: Index of that candidate within its bin.
    """

    race: Race
    seen: UInt32[Array, " slots"]
    steps: UInt32[Array, ""]
    time: Float[Array, ""]
    best: Float[Array, ""]
    best_step: UInt32[Array, ""]
    best_index: UInt32[Array, ""]


def orc(*, num_candidates: int, chunk_size: int = 256, max_intervals: int = 64) -> RECAlgorithm:
    """Makes the approximate coder of ordered random coding, which examines a fixed number of candidates.

    Args:
        num_candidates: Number of candidates, in [1, 2^30]. The bias shows unless it is some times 2^KL[Q || P'].
        chunk_size: Number of candidates scored at a time. It changes speed, never what a code decodes to.
        max_intervals: Bound of the intervals per dimension of bins that are traced arrays; other bins need none.

    Returns:
        The algorithm, for blocks of any dimension, with or without bins.

    Raises:
        ValueError: If a size is not a whole number or out of range.

    Example:
        >>> import numpy as np, recjax
        >>> from recjax import rec
        >>> algorithm, key, p = rec.orc(num_candidates=64), recjax.key(0), recjax.Normal(0.0, 1.0)
        >>> encoded = rec.encode(algorithm, key, recjax.Normal(np.array([[1.0, -0.5]]), 0.5), p)
        >>> bool((rec.decode(algorithm, key, p, encoded.code) == encoded.sample).all())
        True
        >>> int(encoded.info.steps[0])
        64
    """
    return _orc(*index_codes.check_sizes("orc", num_candidates, chunk_size, max_intervals))


# The same sizes give the same object, so that JAX reuses what it compiled for it.
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
