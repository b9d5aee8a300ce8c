"""A* coding that halves space down to a limited depth: DAD* (Flamich, Markou, Hernandez-Lobato 2022, arXiv:2201.12857).

A tree that ends at a depth near the target's KL divergence has so few nodes that all of them are examined at once,
without a search: their samples and ratios do not depend on one another, and their arrival times follow level by level.
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
"""Largest number of branches; with it, the lanes of the engine take about half a gigabyte."""


class State(NamedTuple):
    """Holds the best sample of the tree, once it is known.

    Attributes:
        ratio: The density ratio.
        heap: Heap index of the node of the best sample.
        word: Word of the best sample.
        found: Whether the tree was examined.
    """

    ratio: DensityRatio
    heap: UInt32[Array, ""]
    word: UInt32[Array, ""]
    found: Bool[Array, ""]


def dad_star(*, max_depth: int) -> RECAlgorithm:
    """Makes the approximate scalar coder DAD*, for any density ratio, which examines all nodes of a tree in one step.

    It sends what AD* sends if its tree ends at `max_depth` branches: the best sample of 2^(max_depth + 1) - 1 nodes.
    The bias hardly shows from KL + 2 branches on, with the KL divergence in bits.

    Args:
        max_depth: Number of branches of the deepest nodes, in [0, 16].

    Returns:
        The algorithm, which codes every coordinate alone and takes no bins.

    Raises:
        ValueError: If a size is not a whole number or out of range.

    Example:
        >>> import numpy as np, recjax
        >>> from recjax import rec
        >>> algorithm, key, p = rec.dad_star(max_depth=4), recjax.key(0), recjax.Normal(0.0, 1.0)
        >>> encoded = rec.encode(algorithm, key, recjax.Normal(np.array([1.0, -0.5]), 0.5), p)
        >>> bool((rec.decode(algorithm, key, p, encoded.code) == encoded.sample).all())
        True
        >>> encoded.info.steps.tolist()
        [31, 31]
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
        finite = jnp.isfinite(state.ratio.log_ratio(state.word))
        return conclude(state.ratio, state.heap, state.word, jnp.uint32(nodes), finite)

    def decode(key, bins, code, dim):
        return tree.word_of_halves(key, code, max_depth)[None]

    def done(state):
        return state.found

    return RECAlgorithm(
        "dad_star", init, step, done, result, decode, index_codes.path_codec, False, Path, max_depth,
        make=partial(dad_star, max_depth=max_depth),
        scalar=True,
    )  # fmt: skip
