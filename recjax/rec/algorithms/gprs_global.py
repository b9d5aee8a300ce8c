"""Greedy Poisson rejection sampling of scalars, one arrival after the other (Flamich 2023, arXiv:2305.15313).

Candidates z_1, z_2, ... from P are shared. The encoder gives them the arrival times t_1 < t_2 < ... of a Poisson
process and sends the first n with t_n < sigma(r(z_n)), which makes z_n a sample of Q (see `trees/stretch.py`).
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
    """Holds the progress of a search.

    Attributes:
        target: What is fixed during the search.
        steps: Number of arrivals so far.
        time: Time of the last arrival that was examined.
        accepted: Whether arrival number `steps` was accepted, which is then sent.
    """

    target: Target
    steps: UInt32[Array, ""]
    time: Float[Array, ""]
    accepted: Bool[Array, ""]


def gprs_global(*, max_candidates: int, chunk_size: int = 64) -> RECAlgorithm:
    """Makes the exact scalar coder of greedy Poisson rejection sampling, which examines one arrival after the other.

    Unlike `gprs`, it sends the index of a candidate. Target and coding distribution are `Normal`, and the target is the
    narrower one. E[steps] = 2^Dinf. A search that accepts none of `max_candidates` sends the last, with
    `Status.BUDGET`; `Status.UNSUITED` as for `gprs`.

    Args:
        max_candidates: Largest number of candidates examined, in [1, 2^30].
        chunk_size: Number of candidates examined at a time. It changes speed, never what a code decodes to.

    Returns:
        The algorithm, which codes every coordinate alone and takes no bins.

    Raises:
        ValueError: If a size is not a whole number or out of range.

    Example:
        >>> import numpy as np, recjax
        >>> from recjax import rec
        >>> algorithm, key, p = rec.gprs_global(max_candidates=1024), recjax.key(0), recjax.Normal(0.0, 1.0)
        >>> encoded = rec.encode(algorithm, key, recjax.Normal(np.array([1.0, -0.5]), 0.5), p)
        >>> bool((rec.decode(algorithm, key, p, encoded.code) == encoded.sample).all())
        True
        >>> encoded.code.index.shape
        (2,)
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
        # A coordinate has one interval, number 0, so that the code has the shape of the samples that it names.
        return Code(jnp.uint32(0), index), words, info

    def decode(key, bins, code, dim):
        return partition.words_anywhere(key, dim, code.index)

    return RECAlgorithm(
        "gprs_global", init, step, done, result, decode, index_codec, True, Code, max_candidates,
        make=partial(gprs_global, max_candidates=max_candidates, chunk_size=chunk_size),
        scalar=True,
    )  # fmt: skip


def index_codec(masses: Int[Array | np.ndarray, "block classes"], bins: Bins | None, dim: int) -> Codec:
    """Makes a codec of the indices of several coordinates.

    Args:
        masses: A row for each coordinate of a table of masses of the index (see `recjax.coding.integers`), of sum 2^16.
        bins: Ignored, as there are none.
        dim: Number of coordinates of a block, 1.

    Returns:
        A codec of `Code`s with interval [block, ...], which is 0 and not sent, and index [block, ...].
    """
    codec = index_codes.code_codec(masses, None, dim)

    def pop(message):
        message, code = codec.pop(message)
        return message, Code(jnp.zeros_like(code.index), code.index)

    return Codec(codec.push, pop, pops_any_message=False)
