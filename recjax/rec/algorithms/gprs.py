"""Greedy Poisson rejection sampling of scalars (Flamich 2023, arXiv:2305.15313), searched interval by interval.

Candidates arrive as a Poisson process over space and time, P times the unit rate, and the first whose time is below
sigma(r(z)) is a sample of Q (see `time_map.py`): the region of acceptance shrinks to the mode as time goes on. Cut an
interval at the sample that was rejected: for a unimodal ratio, the side without the mode has no ratio above that of
the sample, and none of its arrivals will ever be accepted. What remains is one descent towards the mode, with Exp(1) /
P(B) from one arrival in the interval B to the next. `gprs_global.py` is the same sampler without the tree.
"""

from functools import lru_cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32, UInt32

from recjax import randomness
from recjax.distributions.base import Distribution
from recjax.distributions.normal_ratio import NormalRatio
from recjax.distributions.superlevel import unimodal_ratio
from recjax.numerics import unit_exponential
from recjax.rec import index_codes
from recjax.rec.base import Info, Path, RECAlgorithm, outcome
from recjax.rec.trees import tree
from recjax.rec.trees.stretch import TimeMap, time_map


class Target(NamedTuple):
    """What a search knows of its coordinate, fixed while it runs, and whether samples will follow it."""

    ratio: NormalRatio
    times: TimeMap
    suited: Bool[Array, ""]

    def accepts(self, word: UInt32[Array, "*n"], time: Float[Array, "*n"]) -> Bool[Array, "*n"]:
        """Whether an arrival is accepted, unless an earlier one was."""
        return jnp.log(time) < self.times.log_sigma(-self.ratio.log_ratio(word))

    def status(self, accepted: Bool[Array, ""]) -> Int32[Array, ""]:
        """The status of a search that ended with or without an acceptance."""
        return outcome(self.ratio, accepted, self.suited)


class State(NamedTuple):
    """The node examined last (to be examined first, at the start): its path, its words, its time and its sample.

    first, count and time are those of the node to examine next.
    """

    target: Target
    path: Path
    first: UInt32[Array, ""]
    count: UInt32[Array, ""]
    time: Float[Array, ""]
    word: UInt32[Array, ""]
    accepted: Bool[Array, ""]
    stopped: Bool[Array, ""]


def prepare(q: Distribution, p: Distribution) -> Target:
    """The target of a block of one coordinate."""
    ratio, narrow = unimodal_ratio(q, p)
    return Target(ratio, time_map(ratio), narrow)


def gprs(*, max_depth: int = tree.MAX_DEPTH - 1) -> RECAlgorithm:
    """Exact scalar coder for targets narrower than the coding distribution; E[steps] and E[depth] are O(KL).

    A search that accepts no sample up to `max_depth` branches sends the last, with Status.BUDGET. Status.UNSUITED if
    the target is wider than the coding distribution, and is coded as if it were as wide, or if its law on words does
    not pass for a density (see `Status`).
    """
    return _gprs(index_codes.check_depth("gprs", max_depth, tree.MAX_DEPTH - 1))


@lru_cache(maxsize=8)
def _gprs(max_depth: int) -> RECAlgorithm:

    def init(key, private_key, q, p, bins):
        zero, no = jnp.uint32(0), jnp.array(False)
        return State(prepare(q, p), tree.root(), zero, zero + tree.ALL, jnp.float32(0), zero, no, no)

    def done(state):
        return state.stopped

    def step(key, private_key, state):
        depth, count = state.path.depth, jnp.maximum(state.count, 1)
        wait = unit_exponential(randomness.words(private_key, randomness.ARRIVAL, (depth,), 1)[0])
        time = state.time + wait * (tree.ALL / count.astype(jnp.float32))
        word = tree.sample(key, state.path, state.first, count)
        accepted = state.target.accepts(word, time)
        stopped = accepted | (depth >= max_depth)
        upper = state.target.ratio.best_word > word
        first, left = tree.cut(state.first, count, word, upper)
        child = tree.child(state.path, upper)
        path = jax.tree.map(lambda own, next: jnp.where(stopped, own, next), state.path, child)
        fresh = (path, first, left, time, word, accepted, stopped)
        kept = jax.tree.map(lambda new, old: jnp.where(state.stopped, old, new), fresh, tuple(state[1:]))
        return State(state.target, *kept)

    def result(key, private_key, state):
        ratio, depth = state.target.ratio, state.path.depth
        status = state.target.status(state.accepted)
        info = Info(depth + 1, depth.astype(jnp.float32), jnp.float32(0), ratio.log_ratio(state.word), status)
        return state.path, state.word[None], info

    def decode(key, bins, code, dim):
        return tree.word_of_cuts(key, code, max_depth)[None]

    return RECAlgorithm(
        "gprs", init, step, done, result, decode, index_codes.path_codec, True, Path, max_depth,
        make=partial(gprs, max_depth=max_depth),
        scalar=True,
    )  # fmt: skip
