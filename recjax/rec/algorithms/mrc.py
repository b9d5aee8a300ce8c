"""Minimal random coding: importance sampling with a flat index (Havasi et al. 2019, arXiv:1810.00440).

Of N shared candidates from P, the encoder sends one with probability proportional to its density ratio. The index is
nearly uniform, so it costs log2 N bits flat; the sample is biased towards P unless N is much more than 2^KL.
"""

from functools import lru_cache, partial
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

from recjax.coding.codec import Codec, raw_bits, serial, uniform
from recjax.coding.sequence import scan
from recjax.numerics import first_minimum
from recjax.rec import index_codes
from recjax.rec.base import Code, Info, RECAlgorithm, outcome
from recjax.rec.candidates import partition
from recjax.rec.candidates import race as candidates
from recjax.rec.candidates.race import Race

_LOW_BITS = 16


class State(NamedTuple):
    """Progress of the search: candidates seen, the best log(e / r) for e of Exp(1), and who has it."""

    race: Race
    seen: UInt32[Array, " slots"]
    steps: UInt32[Array, ""]
    best: Float[Array, ""]
    best_index: UInt32[Array, ""]


def mrc(*, num_candidates: int, chunk_size: int = 256) -> RECAlgorithm:
    """Approximate coder of `num_candidates` candidates, scored `chunk_size` at a time; it knows no bins.

    The chunk size changes speed, never what a code decodes to.
    """
    return _mrc(*index_codes.check_sizes("mrc", num_candidates, chunk_size, 1)[:2])


@lru_cache(maxsize=64)
def _mrc(num_candidates: int, chunk_size: int) -> RECAlgorithm:
    def init(key, private_key, q, p, bins):
        race, seen = candidates.prepare(q, p, None, partition.weights_by_mass, 1)
        return State(race, seen, jnp.uint32(0), jnp.float32(jnp.inf), jnp.uint32(1))

    def done(state):
        return state.steps >= num_candidates

    def step(key, private_key, state):
        active = ~done(state)
        steps = state.steps + jnp.arange(chunk_size, dtype=jnp.uint32)
        chunk = candidates.score(key, private_key, state.race, state.seen, steps, active)
        # The smallest of independent Exp(r) times belongs to n with probability r_n / sum of r.
        times = candidates.waiting_times(private_key, steps)
        scores = jnp.where(steps < num_candidates, jnp.log(times) - chunk.log_ratio, jnp.inf)
        place, lowest = first_minimum(scores)
        better = active & (lowest < state.best)
        return State(
            state.race,
            chunk.seen,
            jnp.where(active, jnp.minimum(state.steps + chunk_size, num_candidates), state.steps),
            jnp.where(better, lowest, state.best),
            jnp.where(better, chunk.index[place], state.best_index),
        )

    def result(key, private_key, state):
        code, words, log2_bins, log_ratio = candidates.winner(
            key, private_key, state.race, jnp.uint32(0), state.best_index
        )
        status = outcome(state.race.ratio, jnp.isfinite(state.best))
        return code, words, Info(state.steps, jnp.log2(jnp.float32(num_candidates)), log2_bins, log_ratio, status)

    def code_codec(masses, bins, dim):
        return flat_codec(num_candidates, len(masses), dim)

    make = partial(mrc, num_candidates=num_candidates, chunk_size=chunk_size)
    return RECAlgorithm(
        "mrc", init, step, done, result, candidates.decode, code_codec, False, Code, num_candidates, make
    )


def flat_codec(num_candidates: int, blocks: int, dim: int) -> Codec:
    """Codec of the codes of several blocks, whose indices are uniform on 1 ... num_candidates."""
    upper = -(-num_candidates >> _LOW_BITS) if num_candidates > 1 << _LOW_BITS else 1
    lower = uniform(num_candidates) if upper == 1 else raw_bits(_LOW_BITS)
    both = scan(lambda _: serial(uniform(upper), lower), jnp.arange(blocks))

    def push(message, code):
        return both.push(message, ((code.index - 1) >> _LOW_BITS, (code.index - 1) & ((1 << _LOW_BITS) - 1)))

    def pop(message):
        message, (high, low) = both.pop(message)
        index = ((high << _LOW_BITS) | low) + 1
        return message, Code(jnp.zeros((blocks, dim, *index.shape[1:]), jnp.uint32), index)

    return Codec(push, pop)
