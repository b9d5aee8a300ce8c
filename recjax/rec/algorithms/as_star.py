"""A* coding that splits space at its samples: AS* (Flamich, Markou, Hernandez-Lobato 2022, arXiv:2201.12857).

Candidates arrive as a Poisson process over space and time, P times the unit rate, and the one of the smallest t / r(z)
is a sample of Q. The first arrival in an interval B after time t comes at t + Exp(1) / P(B) and follows P(. | B), so
the process can be searched interval by interval.

An interval is cut at its sample. For a unimodal ratio, the side without the mode has no ratio above that of the sample
and no earlier arrival, so it cannot win. What remains is one descent towards the mode, without a queue. (The paper
speaks of Gumbel variables, which are -log t.)
"""

from functools import lru_cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, UInt32

from recjax import randomness
from recjax.distributions.pairs import scalar_ratio
from recjax.distributions.ratio import DensityRatio
from recjax.numerics import unit_exponential
from recjax.rec import index_codes
from recjax.rec.base import Info, Path, RECAlgorithm, outcome
from recjax.rec.trees import tree


class State(NamedTuple):
    """Holds the progress of a search: the node to examine next, and the best sample so far.

    Attributes:
        ratio: The density ratio.
        path: Path to the next node.
        first: First word of the next node.
        count: Number of words of the next node.
        time: Time of the last sample.
        best: Smallest log(t / r) so far, in nats.
        best_depth: Depth of the node that has it; its path is the beginning of `path`.
        best_word: Word of its sample.
        stopped: Whether no later sample can win.
    """

    ratio: DensityRatio
    path: Path
    first: UInt32[Array, ""]
    count: UInt32[Array, ""]
    time: Float[Array, ""]
    best: Float[Array, ""]
    best_depth: UInt32[Array, ""]
    best_word: UInt32[Array, ""]
    stopped: Bool[Array, ""]


def as_star(*, max_depth: int = tree.MAX_DEPTH - 1) -> RECAlgorithm:
    """Makes the exact scalar coder AS*, for unimodal density ratios.

    E[steps] = O(Dinf), E[depth] = O(KL). A search that has not ended after the node at `max_depth` branches sends its
    best sample, with `Status.BUDGET`. `Status.UNSUITED` tells that the ratio has several modes on the grid, as for a
    target wider than the coding distribution, or that the grid cannot represent the target (see `Status`).

    Args:
        max_depth: Largest number of branches, in [0, 63].

    Returns:
        The algorithm, which codes every coordinate alone and takes no bins.

    Raises:
        ValueError: If a size is not a whole number or out of range.

    Example:
        >>> import numpy as np, recjax
        >>> from recjax import rec
        >>> algorithm, key, p = rec.as_star(), recjax.key(0), recjax.Normal(0.0, 1.0)
        >>> encoded = rec.encode(algorithm, key, recjax.Normal(np.array([1.0, -0.5]), 0.5), p)
        >>> bool((rec.decode(algorithm, key, p, encoded.code) == encoded.sample).all())
        True
        >>> encoded.code.depth.shape
        (2,)
    """
    return _as_star(index_codes.check_depth("as_star", max_depth, tree.MAX_DEPTH - 1))


@lru_cache(maxsize=8)
def _as_star(max_depth: int) -> RECAlgorithm:

    def init(key, private_key, q, p, bins):
        ratio = scalar_ratio(q, p)
        zero = jnp.uint32(0)
        return State(
            ratio, tree.root(), zero, zero + tree.ALL, jnp.float32(0), jnp.float32(jnp.inf), zero, zero,
            jnp.array(False),
        )  # fmt: skip

    def done(state):
        return state.stopped | (state.path.depth > max_depth)

    def step(key, private_key, state):
        active = ~done(state)
        depth, count = state.path.depth, jnp.maximum(state.count, 1)
        wait = unit_exponential(randomness.words(private_key, randomness.ARRIVAL, (depth,), 1)[0])
        time = state.time + wait * (tree.ALL / count.astype(jnp.float32))
        # Later samples arrive later, and no log ratio exceeds that of the mode, which is 0 here.
        hopeless = jnp.log(time) >= state.best
        word = tree.sample(key, state.path, state.first, count)
        score = jnp.log(time) - state.ratio.log_ratio(word)
        # The root's sample is the best so far, even if the target has no mass there.
        better = (score < state.best) | (depth == 0)
        upper = state.ratio.best_word > word
        first, left = tree.cut(state.first, count, word, upper)
        fresh = State(
            ratio=state.ratio,
            path=tree.child(state.path, upper),
            first=first,
            count=left,
            time=time,
            best=jnp.where(better, score, state.best),
            best_depth=jnp.where(better, depth, state.best_depth),
            best_word=jnp.where(better, word, state.best_word),
            stopped=state.ratio.best_word == word,
        )
        state = jax.tree.map(lambda new, old: jnp.where(active & ~hopeless, new, old), fresh, state)
        return state._replace(stopped=state.stopped | (active & hopeless))

    def result(key, private_key, state):
        status = outcome(state.ratio, state.stopped, state.ratio.unimodal)
        depth = state.best_depth.astype(jnp.float32)
        log_ratio = state.ratio.log_ratio(state.best_word)
        info = Info(state.path.depth, depth, jnp.float32(0), log_ratio, status)
        return tree.truncate(state.path, state.best_depth), state.best_word[None], info

    def decode(key, bins, code, dim):
        return tree.word_of_cuts(key, code, max_depth)[None]

    return RECAlgorithm(
        "as_star", init, step, done, result, decode, index_codes.path_codec, True, Path, max_depth,
        make=partial(as_star, max_depth=max_depth),
        scalar=True,
    )  # fmt: skip
