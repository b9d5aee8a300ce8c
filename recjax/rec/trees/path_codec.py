"""Arithmetic-coded branches of paths through trees that cut every interval at its sample.

Who knows the shared key and the way so far knows the interval and the sample of the node at its end, and so how many
words lie on either side. A branch is worth -log2 of the share of its side (Flamich, Markou, Hernandez-Lobato 2022,
arXiv:2201.12857), where `codes.path_codec` spends one bit. Towards a point in the middle of an interval that is 0.44
bits on average, towards one anywhere in it 0.72. Towards one near an end it is 1.44, as samples fall on its inner side
until one lies beyond it: single targets far out cost more than raw bits, while targets that are together as wide as the
coding distribution cost less.
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
    """A node of the tree: its path, and its words, `count` of them from the first."""

    path: Path
    first: UInt32[Array, "*lanes"]
    count: UInt32[Array, "*lanes"]


def cut_path_codec(keys: UInt32[Array | np.ndarray, "..."], masses: Int[Array | np.ndarray, "block classes"]) -> Codec:
    """Codec of the paths of several blocks: depth [block, ...] and branches [block, word, ...], as `codes.path_codec`.

    keys: [block, 2, ...], those that the samples of these paths come from (`engine.stream_keys`), with their two words
    where the branches have theirs: what moves the axes of a code moves those of its keys. Trailing axes are those of
    the message or broadcast to them; there are none where all messages share streams. masses: a row per block of an
    index code, here of the depth plus 1.

    For `as_star`, `gprs` and `grc(split="sample")`, with the key and the shared axes given to `encode`:

        keys = rec.stream_keys(key, enc.code.shape, shared_axes=...)
        code, keys = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1)[..., None], (enc.code, keys))
        message = cut_path_codec(keys, masses).push(message, code)

    Every path of up to `tree.MAX_DEPTH` branches can be sent, also one into an interval of no words.
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
            # Out of range, for a fault: a path holds no more branches, and there is no index 0.
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
    """What the branches of paths are worth under `cut_path_codec`, in bits (for tables; the depths are extra).

    keys: `engine.stream_keys` of the paths, path: as `encode` returns it.
    """
    keys, branches = (jnp.moveaxis(jnp.asarray(leaf), -1, 0) for leaf in (keys, path.branches))
    path = path._replace(branches=branches)
    upper = _upper_masses(keys, path)
    level = jnp.arange(tree.MAX_DEPTH, dtype=jnp.uint32).reshape(-1, *(1,) * path.depth.ndim)
    taken = jnp.where(jax.vmap(_branch, in_axes=(None, 0))(path, level.reshape(-1)), upper, TOTAL_MASS - upper)
    return jnp.sum(jnp.where(level < path.depth[None], MASS_BITS - jnp.log2(taken.astype(jnp.float32)), 0.0), axis=0)


def upper_mass(first: UInt32[Array, ""], count: UInt32[Array, ""], word: UInt32[Array, ""]) -> UInt32[Array, ""]:
    """The share of the words above a word in all other words of its interval, in [1, 2^16 - 1] units of 2^-16.

    A side of no words has a unit too, for 2e-5 bits of the other, so that a search whose floats err could turn there.
    """
    others = jnp.maximum(count, 2) - 1
    _, above = tree.cut(first, count, word, jnp.array(True))
    # Two digits of 8 bits, as above * 2^16 has up to 40.
    scaled = above << _HALF_MASS_BITS
    digit, rest = scaled // others, scaled % others
    share = (digit << _HALF_MASS_BITS) + (rest << _HALF_MASS_BITS) // others
    # Cutting an interval of no words leaves numbers of words that mean nothing, which is no reason to overflow.
    return jnp.where((count > 1) & (count <= tree.ALL), jnp.clip(share, 1, TOTAL_MASS - 1), TOTAL_MASS // 2)


def _upper_masses(key, path: Path) -> UInt32[Array, "level *lanes"]:
    """`upper_mass` at the nodes of paths, level by level; from the deepest path's depth on they are 0."""

    def follow(level, share, shares):
        return _branch(path, level), shares.at[level].set(share)

    shares = jnp.zeros((tree.MAX_DEPTH, *path.depth.shape), jnp.uint32)
    return _descend(key, path.depth, follow, shares)[1]


def _descend(key, depth, choose: Callable[[Any, Any, Any], tuple[Any, Any]], carry: Any) -> tuple[Node, Any]:
    """Go down from the root to the depth of the deepest path: (upper, carry) = choose(level, share, carry) at each.

    The two words of the key lie in front of its lanes, and so do those of the branches.
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
    """The sample of a node, and what it leaves above."""
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
