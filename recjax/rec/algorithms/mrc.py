"""Minimal random coding: importance sampling with a flat index (Havasi et al. 2019, arXiv:1810.00440).

Of N shared candidates from P, the encoder sends one with probability proportional to its density ratio. The index is
nearly uniform, so it costs log2 N bits flat. The sample is biased towards P unless N is much more than 2^KL.
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
"""Bits of the lower part of an index, which is sent in two parts when it has more."""


class State(NamedTuple):
    """Holds the progress of a search.

    Attributes:
        race: What is fixed during the search.
        seen: Empty, as there are no bins.
        steps: Number of candidates so far.
        best: Smallest log(e / r) so far, in nats, for e of Exp(1).
        best_index: Index of the candidate that has it.
    """

    race: Race
    seen: UInt32[Array, " slots"]
    steps: UInt32[Array, ""]
    best: Float[Array, ""]
    best_index: UInt32[Array, ""]


def mrc(*, num_candidates: int, chunk_size: int = 256) -> RECAlgorithm:
    """Makes the approximate coder of minimal random coding, which takes no bins.

    Args:
        num_candidates: Number of candidates, in [1, 2^30]. The bias shows unless it is much more than 2^KL[Q || P].
        chunk_size: Number of candidates scored at a time. It changes speed, never what a code decodes to.

    Returns:
        The algorithm, for blocks of any dimension. Its `code_codec` ignores index masses, as all indices are equal.

    Raises:
        ValueError: If a size is not a whole number or out of range.

    Example:
        >>> import numpy as np, recjax
        >>> from recjax import rec
        >>> algorithm, key, p = rec.mrc(num_candidates=64), recjax.key(0), recjax.Normal(0.0, 1.0)
        >>> encoded = rec.encode(algorithm, key, recjax.Normal(np.array([[1.0, -0.5]]), 0.5), p)
        >>> bool((rec.decode(algorithm, key, p, encoded.code) == encoded.sample).all())
        True
        >>> float(encoded.info.log2_index[0])
        6.0
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
        # The smallest of independent times of rates r_1, r_2, ... is the n-th with probability r_n / (r_1 + r_2 + ...).
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
    """Makes a codec of the codes of several blocks, whose indices are uniform on 1 ... num_candidates.

    Args:
        num_candidates: Number of candidates.
        blocks: Number of blocks.
        dim: Number of coordinates of a block.

    Returns:
        A codec of `Code`s with interval [block, dim, ...], which is 0 and not sent, and index [block, ...].
    """
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
