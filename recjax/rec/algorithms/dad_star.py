"""DAD* coding: AD* coding of a limited depth (Flamich, Markou, Hernandez-Lobato 2022, arXiv:2201.12857).

A tree that ends at a depth near the target's KL has so few nodes that all of them are examined at once, without a
search: their samples and ratios do not depend on one another, and their arrival times follow level by level.
"""

from functools import lru_cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, UInt32

from recjax.distributions.pairs import scalar_ratio
from recjax.distributions.ratio import DensityRatio
from recjax.numerics import first_minimum
from recjax.rec import index_codes
from recjax.rec.algorithms.ad_star import child_waits, conclude, root_time
from recjax.rec.base import Path, RECAlgorithm
from recjax.rec.trees import tree

MAX_DEPTH = 16
"""At this depth, the lanes of the engine take about half a gigabyte."""


class State(NamedTuple):
    """The best sample, at a node of the tree, once it is `found`."""

    ratio: DensityRatio
    heap: UInt32[Array, ""]
    word: UInt32[Array, ""]
    found: Bool[Array, ""]


def dad_star(*, max_depth: int) -> RECAlgorithm:
    """Approximate scalar coder for any density ratio: the best of all 2^(max_depth + 1) - 1 nodes, in one step.

    It sends what AD* sends that is cut off at `max_depth` branches. The bias hardly shows from KL + 2 bits on.
    """
    return _dad_star(index_codes.check_depth("dad_star", max_depth, MAX_DEPTH))


@lru_cache(maxsize=MAX_DEPTH + 1)
def _dad_star(max_depth: int) -> RECAlgorithm:
    nodes = (2 << max_depth) - 1

    def init(key, private_key, q, p, bins):
        ratio = scalar_ratio(q, p)
        return State(ratio, jnp.uint32(1), jnp.uint32(0), jnp.array(False))

    def times_of(private_key, heap):
        """When the sample of each node arrives, the root's first."""
        levels = [root_time(private_key)[None]]
        lower, upper = child_waits(private_key, heap[: nodes // 2])
        for depth in range(max_depth):
            level = slice((1 << depth) - 1, (2 << depth) - 1)
            levels.append(jnp.stack([levels[-1] + lower[level], levels[-1] + upper[level]], axis=1).reshape(-1))
        return jnp.concatenate(levels)

    def step(key, private_key, state):
        heap = jnp.arange(1, nodes + 1, dtype=jnp.uint32)
        words = tree.heap_sample(key, heap)
        place, _ = first_minimum(jnp.log(times_of(private_key, heap)) - state.ratio.log_ratio(words))
        fresh = State(state.ratio, heap[place], words[place], jnp.array(True))
        return jax.tree.map(lambda new, old: jnp.where(state.found, old, new), fresh, state)

    def result(key, private_key, state):
        found = jnp.isfinite(state.ratio.log_ratio(state.word))
        return conclude(state.ratio, state.heap, state.word, jnp.uint32(nodes), found)

    def decode(key, bins, code, dim):
        return tree.word_of_halves(key, code, max_depth)[None]

    def done(state):
        return state.found

    return RECAlgorithm(
        "dad_star", init, step, done, result, decode, index_codes.path_codec, False, Path, max_depth,
        make=partial(dad_star, max_depth=max_depth),
        scalar=True,
    )  # fmt: skip
