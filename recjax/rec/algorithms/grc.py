"""Greedy rejection coding of scalars (Flamich, Markou, Hernandez-Lobato 2023, arXiv:2309.15746).

This is rejection sampling without a bound of the ratio. The sample of an interval B is accepted for as much of Q as P
offers there, up to the same height of the ratio everywhere in B. Let L be the height so far and T = E_P[(r - L)_+] over
B the part of Q that is left there. The sample is accepted with probability min(1, P(B) (r - L)_+ / T), and L grows by
T / P(B). Otherwise B is cut in two, and the search continues in one part, drawn in proportion to what is left in each.
"""

from functools import lru_cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, UInt32

from recjax import grid, randomness
from recjax.distributions.normal_ratio import NormalRatio
from recjax.distributions.superlevel import excess, ratio_above, unimodal_ratio
from recjax.rec import index_codes
from recjax.rec.base import Info, Path, RECAlgorithm, outcome
from recjax.rec.trees import tree

SPLITS = {"sample": tree.MAX_DEPTH - 1, "dyadic": grid.BITS}
"""Where an interval can be cut, and the largest depth of the tree that results."""


class State(NamedTuple):
    """Holds the progress of a search: the node examined last, and where the next one lies.

    Attributes:
        ratio: The density ratio.
        suited: Whether samples will follow the target.
        path: Path to the next node; once the search has stopped, to the node that is sent.
        first: First word of the next node.
        count: Number of words of the next node.
        drop: log(max r / L) at the next node, in nats; infinity at the root, where L is 0.
        left: T / max r of the next node.
        word: Word of the last sample.
        accepted: Whether it was accepted.
        stopped: Whether the search has ended.
    """

    ratio: NormalRatio
    suited: Bool[Array, ""]
    path: Path
    first: UInt32[Array, ""]
    count: UInt32[Array, ""]
    drop: Float[Array, ""]
    left: Float[Array, ""]
    word: UInt32[Array, ""]
    accepted: Bool[Array, ""]
    stopped: Bool[Array, ""]


def grc(*, split: str = "dyadic", max_depth: int | None = None) -> RECAlgorithm:
    """Makes the exact scalar coder of greedy rejection coding, for targets narrower than the coding distribution.

    Target and coding distribution are `Normal`. E[steps] and E[depth] are O(KL). A search that accepts no sample up to
    `max_depth` branches sends the last one, with `Status.BUDGET`. `Status.UNSUITED` tells that the target is wider than
    the coding distribution, and is coded as if it were as wide, or that the grid cannot represent it (see `Status`).

    Args:
        split: "dyadic" cuts an interval into two halves of equal mass, "sample" at its sample.
        max_depth: Largest number of branches, in [0, 24] for "dyadic" and in [0, 63] for "sample"; None for the
            largest.

    Returns:
        The algorithm, which codes every coordinate alone and takes no bins.

    Raises:
        ValueError: If `split` is another word, or the depth is out of range.

    Example:
        >>> import numpy as np, recjax
        >>> from recjax import rec
        >>> algorithm, key, p = rec.grc(), recjax.key(0), recjax.Normal(0.0, 1.0)
        >>> encoded = rec.encode(algorithm, key, recjax.Normal(np.array([1.0, -0.5]), 0.5), p)
        >>> bool((rec.decode(algorithm, key, p, encoded.code) == encoded.sample).all())
        True
    """
    if split not in SPLITS:
        raise ValueError(f'grc splits intervals by "sample" or "dyadic", got {split!r}; choose one of them')
    largest = SPLITS[split]
    return _grc(split == "dyadic", index_codes.check_depth("grc", largest if max_depth is None else max_depth, largest))


@lru_cache(maxsize=64)
def _grc(dyadic: bool, max_depth: int) -> RECAlgorithm:

    def init(key, private_key, q, p, bins):
        ratio, narrow = unimodal_ratio(q, p)
        zero, no, nothing = jnp.uint32(0), jnp.array(False), jnp.float32(jnp.inf)
        mean = left_over(ratio, nothing, zero, zero + tree.ALL)
        return State(ratio, narrow, tree.root(), zero, zero + tree.ALL, nothing, mean, zero, no, no)

    def done(state):
        return state.stopped

    def step(key, private_key, state):
        ratio, depth, count = state.ratio, state.path.depth, jnp.maximum(state.count, 1)
        coins = randomness.words(private_key, randomness.ARRIVAL, (depth,), 2)
        accept_coin, branch_coin = (coins >> 8).astype(jnp.float32) * jnp.float32(2.0**-24)
        word = tree.sample(key, state.path, state.first, count)
        share = tree.ALL / count.astype(jnp.float32)
        here = ratio_above(ratio, state.drop, grid.to_float(grid.value_fixed(word) - ratio.best_fixed))
        accepted = accept_coin * state.left * share < here
        stopped = accepted | (depth >= max_depth)

        drop = raise_height(state.drop, state.left * share)
        if dyadic:
            half = count >> 1
            firsts, counts = state.first + jnp.stack([jnp.zeros_like(half), half]), jnp.stack([half, half])
        else:
            sides = jnp.array([False, True])
            firsts, counts = jax.vmap(tree.cut, in_axes=(None, None, None, 0))(state.first, count, word, sides)
        lower, upper = jax.vmap(left_over, in_axes=(None, None, 0, 0))(ratio, drop, firsts, counts)
        above = branch_coin * (lower + upper) >= lower
        child = tree.child(state.path, above)
        fresh = (
            jax.tree.map(lambda own, next: jnp.where(stopped, own, next), state.path, child),
            jnp.where(above, firsts[1], firsts[0]),
            jnp.where(above, counts[1], counts[0]),
            drop,
            jnp.where(above, upper, lower),
            word,
            accepted,
            stopped,
        )
        kept = jax.tree.map(lambda new, old: jnp.where(state.stopped, old, new), fresh, tuple(state[2:]))
        return State(ratio, state.suited, *kept)

    def result(key, private_key, state):
        status = outcome(state.ratio, state.accepted, state.suited)
        depth = state.path.depth
        log_ratio = state.ratio.log_ratio(state.word)
        return (
            state.path,
            state.word[None],
            Info(depth + 1, depth.astype(jnp.float32), jnp.float32(0), log_ratio, status),
        )

    def decode(key, bins, code, dim):
        word = tree.word_of_halves if dyadic else tree.word_of_cuts
        return word(key, code, max_depth)[None]

    return RECAlgorithm(
        "grc", init, step, done, result, decode, index_codes.path_codec, True, Path, max_depth,
        make=partial(grc, split="dyadic" if dyadic else "sample", max_depth=max_depth),
        scalar=True,
    )  # fmt: skip


def raise_height(drop: Float[Array, ""], by: Float[Array, ""]) -> Float[Array, ""]:
    """Returns the drop log(max r / L) after the height L has grown.

    Args:
        drop: The drop before, in nats; infinity for a height of 0.
        by: Growth of the height as a part of the largest ratio.

    Returns:
        The drop, in nats, never negative.
    """
    # The new height is exp(-drop) + by = exp(-drop) (1 + by exp(drop)), whose logarithm keeps the digits of a small
    # drop. From height 0, where the drop is infinite, it is `by`.
    from_zero = -jnp.log(jnp.maximum(by, 1e-30))
    return jnp.maximum(jnp.where(jnp.isinf(drop), from_zero, drop - jnp.log1p(by * jnp.exp(drop))), 0.0)


def left_over(
    ratio: NormalRatio, drop: Float[Array, ""], first: UInt32[Array, ""], count: UInt32[Array, ""]
) -> Float[Array, ""]:
    """Returns E_P[(r - L)_+ / max r] over an interval of words, what is left of the target there.

    Args:
        ratio: The density ratio.
        drop: log(max r / L), in nats; infinity for L = 0.
        first: First word of the interval.
        count: Number of its words.

    Returns:
        A positive number, or 0 if the interval does not hold the best word and nothing is left in it.
    """
    ends = jnp.stack([first, first + count])
    last = jnp.uint32(tree.ALL - 1)
    edges = jnp.clip(grid.edge_fixed(ends), grid.value_fixed(jnp.uint32(0)), grid.value_fixed(last)) - ratio.best_fixed
    inner = excess(ratio, drop, *grid.to_float(edges))
    # The outer half of an outermost word's cell lies beyond its value, where the ratio counts as constant.
    outermost = ends == jnp.array([0, tree.ALL], jnp.uint32)
    outer = jnp.sum(jnp.where(outermost, ratio_above(ratio, drop, grid.to_float(edges)), 0.0)) * 2.0 ** -(grid.BITS + 1)
    # A target narrower than a cell must still find its best word.
    inside = (ratio.best_word >= first) & (ratio.best_word < first + count)
    return jnp.where(count > 0, inner + outer, 0.0) + jnp.where(inside, 1e-20, 0.0)
