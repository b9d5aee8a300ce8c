"""Greedy rejection coding of scalars (Flamich, Markou, Hernandez-Lobato 2023, arXiv:2309.15746).

Rejection sampling without a constant: the sample of the node of an interval B accepts as much of Q as P offers there,
up to the same height of the ratio everywhere in B. With L the height so far and T = E_P[(r - L)_+] over B what is left
of Q there, the sample is accepted with probability P(B) (r - L)_+ / T if that is below 1, and L grows by T / P(B).
Otherwise B is cut, and the search goes on in one of the two parts, drawn in proportion to what is left in them.
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
"""Where an interval is cut, and how deep the tree can be."""


class State(NamedTuple):
    """The node examined last (to be examined first, at the start): its path, its words and its sample.

    first, count, drop and left are those of the node to examine next. drop: log(max r / L). left: T / max r.
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
    """Exact scalar coder for targets narrower than the coding distribution; E[steps] and E[depth] are O(KL).

    An interval is cut in two `dyadic` halves of equal mass, or at its `sample`. A search that accepts no sample up to
    `max_depth` branches (by default, all there can be) sends the last, with Status.BUDGET. Status.UNSUITED if the
    target is wider than the coding distribution, and is coded as if it were as wide, or if its law on words does not
    pass for a density (see `Status`).
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
    """The drop of a height that grows by a part of the largest ratio; never negative."""
    # As a product, since 1 - exp(-drop) would lose the digits of a small drop; from height 0 there is no product.
    from_zero = -jnp.log(jnp.maximum(by, 1e-30))
    return jnp.maximum(jnp.where(jnp.isinf(drop), from_zero, drop - jnp.log1p(by * jnp.exp(drop))), 0.0)


def left_over(
    ratio: NormalRatio, drop: Float[Array, ""], first: UInt32[Array, ""], count: UInt32[Array, ""]
) -> Float[Array, ""]:
    """E_P[(r - L)_+ / max r] over `count` words from the first."""
    ends = jnp.stack([first, first + count])
    last = jnp.uint32(tree.ALL - 1)
    edges = jnp.clip(grid.edge_fixed(ends), grid.value_fixed(jnp.uint32(0)), grid.value_fixed(last)) - ratio.best_fixed
    inner = excess(ratio, drop, *grid.to_float(edges))
    # Beyond the value of an outermost word lies half a cell.
    outermost = ends == jnp.array([0, tree.ALL], jnp.uint32)
    outer = jnp.sum(jnp.where(outermost, ratio_above(ratio, drop, grid.to_float(edges)), 0.0)) * 2.0 ** -(grid.BITS + 1)
    # A target narrower than a cell still has its best word.
    inside = (ratio.best_word >= first) & (ratio.best_word < first + count)
    return jnp.where(count > 0, inner + outer, 0.0) + jnp.where(inside, 1e-20, 0.0)
