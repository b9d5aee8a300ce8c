"""Codes the branches of paths by their probabilities, in trees that cut every interval at its sample.

With the shared key and the branches so far, encoder and decoder know the interval and the sample of the node that was
reached, and so the number of words on either side of it. A branch costs -log2 of the share of its side (Flamich,
Markou, Hernandez-Lobato 2022, arXiv:2201.12857), where `index_codes.path_codec` spends one bit. On average over
samples, a branch towards a point in the middle of an interval costs 0.44 bits, towards a point anywhere in it 0.72, and
towards a point near an end 1.44, as samples fall on its inner side until one lies beyond it. So single targets far out
cost more than one bit a branch, and targets that are together as wide as the coding distribution cost less.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt32

from recjax import randomness
from recjax.coding.codec import Codec, bernoulli, masked
from recjax.coding.integers import index_codec
from recjax.coding.rans import MASS_BITS, TOTAL_MASS
from recjax.coding.sequence import scan
from recjax.rec.base import PATH_WORDS, Path
from recjax.rec.trees import tree

_HALF_MASS_BITS = MASS_BITS // 2


class Node(NamedTuple):
    """Describes a node of the tree.

    Attributes:
        path: The path to it.
        first: Its first word.
        count: Number of its words.
    """

    path: Path
    first: UInt32[Array, "*lanes"]
    count: UInt32[Array, "*lanes"]


def cut_path_codec(keys: UInt32[Array | np.ndarray, "..."], masses: Int[Array | np.ndarray, "block classes"]) -> Codec:
    """Makes a codec of the paths of several blocks, with branches coded by their probabilities.

    For `as_star`, `gprs` and `grc(split="sample")`. Every path of up to `tree.MAX_DEPTH` branches can be sent, even one
    into an interval of no words.

    Args:
        keys: Keys of the blocks' streams, [block, 2, ...], from `stream_keys` with the key and the shared axes given to
            `encode`. Trailing axes are those of the message or broadcast to them; none are needed if all messages share
            streams.
        masses: A row for each block of a table of masses of depth + 1 (see `recjax.coding.integers`), of sum 2^16.

    Returns:
        A codec of `Path`s with depth [block, ...] and branches [block, word, ...], as `index_codes.path_codec`.

    Raises:
        ValueError: If the keys are not uint32 or do not have these shapes.

    Example:
        >>> import numpy as np, recjax
        >>> from recjax import rec
        >>> from recjax.coding import integers, rans
        >>> codec = rec.cut_path_codec(rec.stream_keys(recjax.key(0), (1,)), integers.zeta_masses(512, 6)[None])
        >>> path = rec.Path(depth=np.uint32([[2]]), branches=np.uint32([[[0b10], [0]]]))  # one block, in one lane
        >>> _, popped = codec.pop(codec.push(rans.empty((), lanes=1, capacity=64), path))
        >>> popped.depth.tolist(), bool((popped.branches == path.branches).all())
        ([[2]], True)
    """
    if keys.ndim < 2 or keys.shape[:2] != (len(masses), 2) or keys.dtype != np.uint32:
        raise ValueError(
            f"a codec of {len(masses)} blocks takes keys of uint32 [{len(masses)}, 2, ...], got {keys.dtype} "
            f"{keys.shape}; give each row of masses the two words of its block's key"
        )

    def one(block):
        row, key = block
        depths = index_codec(masses, row)

        def push(message, path):
            shares = _upper_masses(key, path)
            deepest = _deepest(path.depth)

            def last(step, message):
                level = deepest - 1 - step
                codec = masked(bernoulli(shares[level]), level < path.depth)
                return codec.push(message, _branch(path, level))

            message = jax.lax.fori_loop(jnp.uint32(0), deepest, last, message)
            # A depth that no path can have is pushed as index 0, which does not exist, and so sets a fault.
            return depths.push(message, jnp.where(path.depth <= tree.MAX_DEPTH, path.depth + 1, 0))

        def pop(message):
            message, index = depths.pop(message)
            depth = jnp.minimum(index - 1, tree.MAX_DEPTH)

            def choose(level, share, message):
                goes_on = level < depth
                message, upper = masked(bernoulli(share), goes_on).pop(message)
                return goes_on & (upper == 1), message

            node, message = _descend(key, depth, choose, message)
            return message, Path(depth, node.path.branches)

        return Codec(push, pop, pops_any_message=False)

    return scan(one, (jnp.arange(len(masses)), jnp.asarray(keys)), pops_any_message=False)


@jax.jit
def branch_bits(keys: UInt32[Array | np.ndarray, "*batch 2"], path: Path) -> Float[Array, "*batch"]:
    """Returns the ideal codelength of the branches of paths under `cut_path_codec`.

    Args:
        keys: Keys of the blocks' streams, from `stream_keys`.
        path: Paths, with depth [*batch].

    Returns:
        Bits of the branches; the depths cost extra.

    Example:
        >>> import numpy as np, recjax
        >>> from recjax import rec
        >>> root = rec.Path(np.zeros(3, np.uint32), np.zeros((3, 2), np.uint32))
        >>> rec.branch_bits(rec.stream_keys(recjax.key(0), (3,)), root).tolist()
        [0.0, 0.0, 0.0]
    """
    keys, branches = (jnp.moveaxis(jnp.asarray(leaf), -1, 0) for leaf in (keys, path.branches))
    path = path._replace(branches=branches)
    upper = _upper_masses(keys, path)
    level = jnp.arange(tree.MAX_DEPTH, dtype=jnp.uint32).reshape(-1, *(1,) * path.depth.ndim)
    taken = jnp.where(jax.vmap(_branch, in_axes=(None, 0))(path, level.reshape(-1)), upper, TOTAL_MASS - upper)
    return jnp.sum(jnp.where(level < path.depth[None], MASS_BITS - jnp.log2(taken.astype(jnp.float32)), 0.0), axis=0)


def upper_mass(first: UInt32[Array, ""], count: UInt32[Array, ""], word: UInt32[Array, ""]) -> UInt32[Array, ""]:
    """Returns the share of the words above a word among all other words of its interval.

    A side of no words has one unit too, at the cost of 2e-5 bits for the other, as a search whose floats err could turn
    there.

    Args:
        first: First word of the interval.
        count: Number of its words.
        word: A word of it.

    Returns:
        The share in units of 2^-16, in [1, 2^16 - 1].
    """
    others = jnp.maximum(count, 2) - 1
    _, above = tree.cut(first, count, word, jnp.array(True))
    # The quotient is taken in two digits of 8 bits, as above * 2^16 may have 40 bits.
    scaled = above << _HALF_MASS_BITS
    digit, rest = scaled // others, scaled % others
    share = (digit << _HALF_MASS_BITS) + (rest << _HALF_MASS_BITS) // others
    # To cut an interval of no words leaves meaningless counts, which must not overflow the share.
    return jnp.where((count > 1) & (count <= tree.ALL), jnp.clip(share, 1, TOTAL_MASS - 1), TOTAL_MASS // 2)


def _upper_masses(key, path: Path) -> UInt32[Array, "level *lanes"]:
    """Returns `upper_mass` at the nodes of paths, level by level, and 0 from the depth of the deepest path on."""

    def follow(level, share, shares):
        return _branch(path, level), shares.at[level].set(share)

    shares = jnp.zeros((tree.MAX_DEPTH, *path.depth.shape), jnp.uint32)
    return _descend(key, path.depth, follow, shares)[1]


def _descend(key, depth, choose: Callable[[Any, Any, Any], tuple[Any, Any]], carry: Any) -> tuple[Node, Any]:
    """Descends from the root to the depth of the deepest path.

    The branch at each node is chosen by (upper, carry) = choose(level, share, carry).

    The two words of the key are its leading axis, and so are the words of the branches.
    """
    lanes = depth.shape
    key = jnp.broadcast_to(key.reshape(2, *(1,) * (len(lanes) + 1 - key.ndim), *key.shape[1:]), (2, *lanes))
    zero = jnp.zeros(lanes, jnp.uint32)
    root = Node(Path(zero, jnp.zeros((PATH_WORDS, *lanes), jnp.uint32)), zero, zero + tree.ALL)
    look, go_on = _over_lanes(_look, len(lanes)), _over_lanes(_child, len(lanes))

    def step(level, walk):
        node, carry = walk
        word, share = look(key, node)
        upper, carry = choose(level, share, carry)
        return go_on(node, word, upper), carry

    return jax.lax.fori_loop(jnp.uint32(0), _deepest(depth), step, (root, carry))


def _look(key: randomness.Key, node: Node) -> tuple[UInt32[Array, ""], UInt32[Array, ""]]:
    """Returns the sample of a node, and the share of the words above it."""
    word = tree.sample(key, node.path, node.first, jnp.maximum(node.count, 1))
    return word, upper_mass(node.first, node.count, word)


def _child(node: Node, word: UInt32[Array, ""], upper: Bool[Array, ""]) -> Node:
    return Node(tree.child(node.path, upper), *tree.cut(node.first, node.count, word, upper))


def _branch(path: Path, level) -> Bool[Array, "*lanes"]:
    return _over_lanes(lambda lane: tree.branch(lane, level), path.depth.ndim)(path)


def _deepest(depth) -> UInt32[Array, ""]:
    return jnp.minimum(jnp.max(depth, initial=0), tree.MAX_DEPTH)


def _over_lanes(function, rank: int):
    for _ in range(rank):
        function = jax.vmap(function, in_axes=-1, out_axes=-1)
    return function
