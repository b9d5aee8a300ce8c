"""A new coder in one file: plain rejection sampling, with all that recjax gives a coder.

    python -m experiments.tutorials.d_a_new_coder_in_one_file

Candidates z_1, z_2, ... from P are shared. The encoder accepts candidate n with probability r(z_n) / max r, for the
density ratio r = q / p, and sends the first n that it accepts: an exact sample of Q, whose index costs about
log2 max r bits. A coder is a handful of pure functions for one block. The engine owns the loop, the batch, the streams
and jit; the code of an index, the bytes and the checks are there too.
"""

from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

import recjax
from recjax import randomness, rec
from recjax.distributions import density_ratio
from recjax.rec import index_codes
from recjax.rec.base import outcome
from recjax.rec.candidates import partition, race


class State(NamedTuple):
    """Holds the progress of a search: the density ratio, how many candidates were examined, and the one accepted."""

    ratio: Any
    steps: Any
    index: Any
    accepted: Any


def rejection(*, max_candidates: int, chunk_size: int = 64) -> rec.RECAlgorithm:
    """Makes the coder; sizes are Python ints."""
    return _rejection(*index_codes.check_sizes("rejection", max_candidates, chunk_size, 1)[:2])


# The same sizes give the same object, so that JAX compiles one program for them.
@lru_cache(maxsize=16)
def _rejection(max_candidates: int, chunk_size: int) -> rec.RECAlgorithm:
    def init(key, private_key, q, p, bins):
        return State(density_ratio(q, p), jnp.uint32(0), jnp.uint32(1), jnp.array(False))

    def done(state):
        return state.accepted | (state.steps >= max_candidates)

    def step(key, private_key, state):
        # A chunk of candidates at a time. A state that is done must stay as it is.
        index = state.steps + jnp.arange(1, chunk_size + 1, dtype=jnp.uint32)
        words = partition.words_anywhere(key, state.ratio.valid.shape[0], index)
        coins = randomness.draw(randomness.stream(private_key, randomness.ARRIVAL), index, 1)[0]
        log_coin = jnp.log((coins.astype(jnp.float32) + 0.5) * jnp.float32(2.0**-32))
        accepts = log_coin < state.ratio.block_log_ratio(words) - state.ratio.block_log_best
        accepts &= index <= max_candidates
        fresh = State(
            state.ratio,
            jnp.minimum(index[-1], max_candidates),
            jnp.where(jnp.any(accepts), index[jnp.argmax(accepts)], jnp.minimum(index[-1], max_candidates)),
            jnp.any(accepts),
        )
        stay = done(state)
        return State(state.ratio, *(jnp.where(stay, old, new) for old, new in zip(state[1:], fresh[1:], strict=True)))

    def result(key, private_key, state):
        dim = state.ratio.valid.shape[0]
        words = partition.words_anywhere(key, dim, state.index)
        log_ratio = state.ratio.block_log_ratio(words[:, None])[0] - state.ratio.block_log_best
        code = rec.Code(jnp.zeros(dim, jnp.uint32), state.index)
        bits = jnp.log2(state.index.astype(jnp.float32))
        status = outcome(state.ratio, state.accepted)
        return code, words, rec.Info(state.steps, bits, jnp.float32(0), log_ratio, status)

    return rec.RECAlgorithm(
        "rejection", init, step, done, result,
        decode=race.decode,  # the candidate of an index: a decoder needs no search
        code_codec=index_codes.code_codec,  # a truncated zeta distribution of the index
        exact=True,
        sends=rec.Code,
        largest=max_candidates,
        make=partial(rejection, max_candidates=max_candidates, chunk_size=chunk_size),
    )  # fmt: skip


def main() -> dict[str, float]:
    """Encodes samples of many targets with the new coder, and looks whether they follow their targets."""
    rec.ALGORITHMS["rejection"] = rejection  # now bytes can name it
    kl, key, p = [1.0, 0.6, 1.4], recjax.key(3), recjax.Normal(0.0, 1.0)
    scale = np.exp2(-np.array(kl, np.float32))
    rng = np.random.default_rng(0)
    loc = rng.uniform(-1, 1, (4000, 3)).astype(np.float32)
    q = recjax.Normal(loc, np.broadcast_to(scale, loc.shape))

    plan = rec.plan(kl, algorithm=rejection(max_candidates=1 << 12), partition=False)
    encoded = rec.encode(plan, key, q, p)
    data = rec.to_bytes(plan, key, encoded.code)
    received, code = rec.from_bytes(data, key)
    assert np.array_equal(rec.decode(received, key, p, code), encoded.sample)

    noise = (np.asarray(encoded.sample) - loc) / scale
    poor = int((np.asarray(encoded.info.status) != rec.Status.OK).sum())
    print(f"{poor} of {len(loc)} searches ran out of candidates")
    found = {
        "bits": 8 * len(data) / len(loc),
        "index bits": float(np.asarray(encoded.info.log2_index).mean()),
        "mean": float(noise.mean()),
        "deviation": float(noise.std()),
    }
    print({name: round(value, 3) for name, value in found.items()}, "where a sample of Q has mean 0 and deviation 1")
    return found


if __name__ == "__main__":
    main()
