"""Greedy Poisson rejection sampling of scalars (Flamich 2023, arXiv:2305.15313), one arrival after the other.

Candidates z_1, z_2, ... from P are shared; the encoder gives them the arrival times t_1 < t_2 < ... of a Poisson
process and sends the first n with t_n < sigma(r(z_n)), which makes z_n a sample of Q (see `time_map.py`).
"""

from functools import lru_cache, partial
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt32

from recjax.coding.codec import Codec
from recjax.rec import index_codes
from recjax.rec.algorithms.gprs import Target, prepare
from recjax.rec.base import Bins, Code, Info, RECAlgorithm
from recjax.rec.candidates import partition
from recjax.rec.candidates import race as candidates


class State(NamedTuple):
    """Progress of the search: arrivals so far and the time of the last; the last is sent if `accepted`."""

    target: Target
    steps: UInt32[Array, ""]
    time: Float[Array, ""]
    accepted: Bool[Array, ""]


def gprs_global(*, max_candidates: int, chunk_size: int = 64) -> RECAlgorithm:
    """Exact scalar coder for targets narrower than the coding distribution; E[steps] = 2^D_inf.

    A search that accepts none of `max_candidates` sends the last, with Status.BUDGET; Status.UNSUITED as for `gprs`.
    `chunk_size` candidates are examined at a time: it changes speed, never what a code decodes to.
    """
    return _gprs_global(*index_codes.check_sizes("gprs_global", max_candidates, chunk_size, 1)[:2])


@lru_cache(maxsize=64)
def _gprs_global(max_candidates: int, chunk_size: int) -> RECAlgorithm:
    def init(key, private_key, q, p, bins):
        return State(prepare(q, p), jnp.uint32(0), jnp.float32(0), jnp.array(False))

    def done(state):
        return state.accepted | (state.steps >= max_candidates)

    def step(key, private_key, state):
        active = ~done(state)
        index = state.steps + jnp.arange(1, chunk_size + 1, dtype=jnp.uint32)
        words = partition.words_anywhere(key, 1, index)[0]
        times = state.time + candidates.running_sum(candidates.waiting_times(private_key, index - 1))
        accepts = state.target.accepts(words, times) & (index <= max_candidates)
        accepted = jnp.any(accepts)
        steps = jnp.where(accepted, index[jnp.argmax(accepts)], jnp.minimum(index[-1], max_candidates))
        return State(
            state.target,
            jnp.where(active, steps, state.steps),
            jnp.where(active, times[-1], state.time),
            jnp.where(active, accepted, state.accepted),
        )

    def result(key, private_key, state):
        index = jnp.maximum(state.steps, 1)
        words = partition.words_anywhere(key, 1, index)
        log_ratio = state.target.ratio.log_ratio(words[0])
        status = state.target.status(state.accepted)
        info = Info(state.steps, jnp.log2(index.astype(jnp.float32)), jnp.float32(0), log_ratio, status)
        # The one interval of a coordinate, so that the code has the shape of the samples that it names.
        return Code(jnp.uint32(0), index), words, info

    def decode(key, bins, code, dim):
        return partition.words_anywhere(key, dim, code.index)

    return RECAlgorithm(
        "gprs_global", init, step, done, result, decode, index_codec, True, Code, max_candidates,
        make=partial(gprs_global, max_candidates=max_candidates, chunk_size=chunk_size),
        scalar=True,
    )  # fmt: skip


def index_codec(masses: Int[Array | np.ndarray, "block classes"], bins: Bins | None, dim: int) -> Codec:
    """Codec of the indices of several coordinates, as that of blocks without bins; intervals are [block, ...], too."""
    codec = index_codes.code_codec(masses, None, dim)

    def pop(message):
        message, code = codec.pop(message)
        return message, Code(jnp.zeros_like(code.index), code.index)

    return Codec(codec.push, pop, pops_any_message=False)
