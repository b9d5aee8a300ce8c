"""Greedy Poisson rejection sampling of scalars by a tree search (Flamich 2023, arXiv:2305.15313).

Candidates arrive as a Poisson process over space and time, P times the unit rate, and the first whose time is below
sigma(r(z)) is a sample of Q (see `trees/stretch.py`): the region of acceptance shrinks to the mode as time goes on.

An interval is cut at its sample if that was rejected. For a unimodal ratio, the side without the mode has no ratio
above that of the sample, so none of its later arrivals can be accepted. What remains is one descent towards the mode,
with a wait of Exp(1) / P(B) for the next arrival in the interval B. `gprs_global.py` is the same sampler without the
tree.
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
    """Holds what is fixed during the search for one coordinate.

    Attributes:
        ratio: The density ratio.
        times: The map sigma from heights of the ratio to times.
        suited: Whether samples will follow the target: it is not wider than the coding distribution.
    """

    ratio: NormalRatio
    times: TimeMap
    suited: Bool[Array, ""]

    def accepts(self, word: UInt32[Array, "*n"], time: Float[Array, "*n"]) -> Bool[Array, "*n"]:
        """Tells whether arrivals are accepted, unless an earlier one was.

        Args:
            word: Words of the grid.
            time: Their arrival times.

        Returns:
            bool, of the shape of `word`.
        """
        return jnp.log(time) < self.times.log_sigma(-self.ratio.log_ratio(word))

    def status(self, accepted: Bool[Array, ""]) -> Int32[Array, ""]:
        """Returns the status of a search that has ended.

        Args:
            accepted: Whether it ended with an acceptance.

        Returns:
            A value of `Status`, int32 [].
        """
        return outcome(self.ratio, accepted, self.suited)


class State(NamedTuple):
    """Holds the progress of a search: the node examined last, and where the next one lies.

    Attributes:
        target: What is fixed during the search.
        path: Path to the next node; once the search has stopped, to the node that is sent.
        first: First word of the next node.
        count: Number of words of the next node.
        time: Time of the last sample.
        word: Word of the last sample.
        accepted: Whether it was accepted.
        stopped: Whether the search has ended.
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
    """Prepares the search for a block of one coordinate.

    Args:
        q: The target, a `Normal`; one that is wider than p is replaced by one as wide.
        p: The coding distribution, a `Normal`.

    Returns:
        What is fixed during the search.
    """
    ratio, narrow = unimodal_ratio(q, p)
    return Target(ratio, time_map(ratio), narrow)


def gprs(*, max_depth: int = tree.MAX_DEPTH - 1) -> RECAlgorithm:
    """Makes the exact scalar coder of greedy Poisson rejection sampling, which searches a tree.

    Target and coding distribution are `Normal`, and the target is the narrower one. E[steps] and E[depth] are O(KL). A
    search that accepts no sample up to `max_depth` branches sends the last one, with `Status.BUDGET`. `Status.UNSUITED`
    tells that the target is wider than the coding distribution, and is coded as if it were as wide, or that the grid
    cannot represent it (see `Status`).

    Args:
        max_depth: Largest number of branches, in [0, 63].

    Returns:
        The algorithm, which codes every coordinate alone and takes no bins.

    Raises:
        ValueError: If a size is not a whole number or out of range.

    Example:
        >>> import numpy as np, recjax
        >>> from recjax import rec
        >>> algorithm, key, p = rec.gprs(), recjax.key(0), recjax.Normal(0.0, 1.0)
        >>> encoded = rec.encode(algorithm, key, recjax.Normal(np.array([1.0, -0.5]), 0.5), p)
        >>> bool((rec.decode(algorithm, key, p, encoded.code) == encoded.sample).all())
        True
        >>> encoded.code.depth.shape
        (2,)
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
