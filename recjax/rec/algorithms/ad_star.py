"""A* coding that halves space at its medians: AD* (Flamich, Markou, Hernandez-Lobato 2022, arXiv:2201.12857).

Candidates arrive as a Poisson process over space and time, P times the unit rate, and the one of the smallest t / r(z)
is a sample of Q. The words of the grid are halved again and again, which makes a tree of intervals. The sample of an
interval B is the first arrival in B that is later than the sample of B's parent; the samples of all nodes are the whole
process. (A word may arrive again below its node; it is later there, and cannot win.)

The search examines nodes in the order of what they could still hold: log t of the node less the largest log r in its
interval. It ends when that is no less than the best log(t / r). A decoder knows the interval from the path alone. (The
paper speaks of Gumbel variables, which are -log t.)
"""

import operator
from functools import lru_cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

from recjax import grid, randomness
from recjax.distributions.pairs import scalar_ratio
from recjax.distributions.ratio import DensityRatio
from recjax.numerics import unit_exponential
from recjax.rec import index_codes
from recjax.rec.base import Info, Path, RECAlgorithm, outcome
from recjax.rec.trees import frontier, tree
from recjax.rec.trees.frontier import Frontier

MAX_CAPACITY = 1 << 16
"""Largest number of nodes that can wait."""


class Node(NamedTuple):
    """Names a node of the tree whose sample has arrived.

    Attributes:
        heap: Heap index: 1 for the root, 2h and 2h + 1 for the children of h.
        time: Time when the sample arrived.
    """

    heap: UInt32[Array, ""]
    time: Float[Array, ""]


class State(NamedTuple):
    """Holds the progress of a search: the node to examine next, those that wait, and the best sample so far.

    Attributes:
        ratio: The density ratio.
        waiting: Nodes that wait, by their keys.
        node: The node to examine next.
        key: Lower bound of log(t / r) at and below it, in nats; no waiting node has a smaller one.
        best: Smallest log(t / r) so far, in nats.
        best_heap: Heap index of the node that has it.
        best_word: Word of its sample.
        steps: Number of nodes examined.
    """

    ratio: DensityRatio
    waiting: Frontier
    node: Node
    key: Float[Array, ""]
    best: Float[Array, ""]
    best_heap: UInt32[Array, ""]
    best_word: UInt32[Array, ""]
    steps: UInt32[Array, ""]


def ad_star(*, max_depth: int = grid.BITS, capacity: int = 64, max_steps: int = 1024) -> RECAlgorithm:
    """Makes the exact scalar coder AD*, for any density ratio.

    E[steps] = O(Dinf), E[depth] = O(KL). The best sample is sent with `Status.BUDGET` if a better one may have been
    missed: after `max_steps` nodes, or if a node was dropped because it lay deeper than `max_depth` branches or because
    `capacity` better ones were waiting.

    Args:
        max_depth: Largest number of branches, in [0, 24].
        capacity: Largest number of nodes that wait, in [1, 2^16].
        max_steps: Largest number of nodes examined, in [1, 2^30].

    Returns:
        The algorithm, which codes every coordinate alone and takes no bins.

    Raises:
        ValueError: If a size is not a whole number or out of range.

    Example:
        >>> import numpy as np, recjax
        >>> from recjax import rec
        >>> algorithm, key, p = rec.ad_star(), recjax.key(0), recjax.Normal(0.0, 1.0)
        >>> encoded = rec.encode(algorithm, key, recjax.Normal(np.array([1.0, -0.5]), 0.5), p)
        >>> bool((rec.decode(algorithm, key, p, encoded.code) == encoded.sample).all())
        True
        >>> encoded.code.depth.shape
        (2,)
    """
    max_depth = index_codes.check_depth("ad_star", max_depth, grid.BITS)
    max_steps, _, _ = index_codes.check_sizes("ad_star", max_steps, 1, 1)
    try:
        capacity = operator.index(capacity)
    except TypeError as error:
        raise ValueError(f"ad_star takes a whole number as its capacity, and {error}; use int()") from None
    if not 1 <= capacity <= MAX_CAPACITY:
        raise ValueError(
            f"ad_star keeps between 1 and {MAX_CAPACITY} nodes waiting, got capacity={capacity}; 64 is usual"
        )
    return _ad_star(max_depth, capacity, max_steps)


@lru_cache(maxsize=16)
def _ad_star(max_depth: int, capacity: int, max_steps: int) -> RECAlgorithm:

    def init(key, private_key, q, p, bins):
        ratio = scalar_ratio(q, p)
        root = Node(jnp.uint32(1), root_time(private_key))
        zero, far = jnp.uint32(0), jnp.float32(jnp.inf)
        return State(ratio, frontier.empty(capacity, root), root, -far, far, zero + 1, zero, zero)

    def done(state):
        return (state.key >= state.best) | (state.steps >= max_steps)

    def step(key, private_key, state):
        active = ~done(state)
        heap, time = state.node
        word = tree.heap_sample(key, heap)
        score = jnp.log(time) - state.ratio.log_ratio(word)
        # The root's sample is the best so far, even if the target has no mass there.
        better = active & ((score < state.best) | (state.steps == 0))
        best = jnp.where(better, score, state.best)

        children = 2 * heap + jnp.arange(2, dtype=jnp.uint32)
        times = time + jnp.stack(child_waits(private_key, heap))
        # A node of one word has no children, so their indices are clipped here, and `promising` leaves them out below.
        first, last = grid.dyadic_words(jnp.minimum(children, 2 * tree.ALL - 1))
        keys = jnp.log(times) - state.ratio.log_supremum(first, last)
        promising = active & (keys < best) & (heap < tree.ALL)
        within = promising & (heap < 1 << max_depth)
        waiting = frontier.drop(state.waiting, jnp.min(jnp.where(promising & ~within, keys, jnp.inf)))
        for side in range(2):
            waiting = frontier.push(waiting, keys[side], Node(children[side], times[side]), within[side])
        next_key, next_node, waiting = frontier.pop(waiting, active)
        return State(
            ratio=state.ratio,
            waiting=waiting,
            node=jax.tree.map(lambda new, old: jnp.where(active, new, old), next_node, state.node),
            key=jnp.where(active, next_key, state.key),
            best=best,
            best_heap=jnp.where(better, heap, state.best_heap),
            best_word=jnp.where(better, word, state.best_word),
            steps=state.steps + active,
        )

    def result(key, private_key, state):
        complete = (state.key >= state.best) & (state.waiting.lost >= state.best)
        return conclude(state.ratio, state.best_heap, state.best_word, state.steps, complete)

    def decode(key, bins, code, dim):
        return tree.word_of_halves(key, code, max_depth)[None]

    return RECAlgorithm(
        "ad_star", init, step, done, result, decode, index_codes.path_codec, True, Path, max_depth,
        make=partial(ad_star, max_depth=max_depth, capacity=capacity, max_steps=max_steps),
        scalar=True,
    )  # fmt: skip


def conclude(ratio: DensityRatio, heap, word, steps, complete) -> tuple[Path, UInt32[Array, "1"], Info]:
    """Returns the result of a search that ended with the sample of a node.

    Args:
        ratio: The density ratio.
        heap: Heap index of the node.
        word: Word of its sample.
        steps: Number of nodes examined.
        complete: Whether no better sample was missed.

    Returns:
        The path to the node, its word [1], and diagnostics.
    """
    path = tree.heap_path(heap)
    depth = path.depth.astype(jnp.float32)
    return path, word[None], Info(steps, depth, jnp.float32(0), ratio.log_ratio(word), outcome(ratio, complete))


def root_time(private_key: randomness.Key) -> Float[Array, ""]:
    """Draws the time when the sample of the root arrives.

    Args:
        private_key: Randomness of the encoder.

    Returns:
        A variable of Exp(1).
    """
    return unit_exponential(randomness.words(private_key, randomness.ARRIVAL, (0,), 1)[0])


def child_waits(
    private_key: randomness.Key, heap: UInt32[Array, "*n"]
) -> tuple[Float[Array, "*n"], Float[Array, "*n"]]:
    """Draws how much later than the sample of a node the samples of its two children arrive: Exp(1) / P(child) each.

    Args:
        private_key: Randomness of the encoder.
        heap: Heap indices of the nodes.

    Returns:
        The waiting times of the lower and of the upper child.
    """
    lower, upper = randomness.draw(randomness.stream(private_key, randomness.ARRIVAL), heap, 2)
    children = (jnp.uint32(2) << (31 - jax.lax.clz(heap))).astype(jnp.float32)
    # Two arrays, as XLA:CPU would compute the words again for each part that is taken of one array.
    return unit_exponential(lower) * children, unit_exponential(upper) * children
