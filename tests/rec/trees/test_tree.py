"""Paths through trees of intervals, beside Python's lists of branches and integers of any size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recjax
from recjax import grid
from recjax.rec import Path
from recjax.rec.trees import tree

GOLDEN = [2697732, 5813441, 5011569, 16777215]
DEPTHS = [0, 1, 31, 32, 33, 63, 64]


def path_of(branches) -> Path:
    whole = sum(int(branch) << i for i, branch in enumerate(branches))
    words = [whole >> (32 * i) & 0xFFFFFFFF for i in range(tree.MAX_DEPTH // 32)]
    return Path(jnp.uint32(len(branches)), jnp.asarray(words, jnp.uint32))


def some_branches(depth: int) -> list[bool]:
    return (np.random.default_rng(depth).random(depth) < 0.5).tolist()


def node(paths: Path, i: int) -> Path:
    return Path(paths.depth[i], paths.branches[i])


def assert_same(got: Path, expected: Path):
    assert got.depth == expected.depth and got.branches.tolist() == expected.branches.tolist()


@pytest.mark.parametrize("depth", DEPTHS)
def test_children_append_a_branch(depth):
    branches = some_branches(depth)
    step = jax.jit(tree.child)
    path = tree.root()
    for branch in branches:
        path = step(path, jnp.array(branch))
    assert_same(path, path_of(branches))
    assert path.depth.dtype == path.branches.dtype == jnp.uint32


@pytest.mark.parametrize("depth", DEPTHS)
def test_branches_are_those_of_the_list(depth):
    branches = some_branches(depth)
    levels = jnp.arange(tree.MAX_DEPTH, dtype=jnp.uint32)
    got = jax.vmap(tree.branch, in_axes=(None, 0))(path_of(branches), levels)
    assert got.tolist() == branches + [False] * (tree.MAX_DEPTH - depth)


def test_truncated_paths_are_the_beginnings_of_the_list():
    branches = some_branches(tree.MAX_DEPTH)
    depths = jnp.arange(tree.MAX_DEPTH + 1, dtype=jnp.uint32)
    got = jax.vmap(tree.truncate, in_axes=(None, 0))(path_of(branches), depths)
    for depth in range(tree.MAX_DEPTH + 1):
        assert_same(node(got, depth), path_of(branches[:depth]))


def test_heap_indices_and_paths_name_the_same_nodes():
    rng = np.random.default_rng(0)
    heaps = np.concatenate([np.arange(1, 64), rng.integers(1, 1 << 32, 500), [1 << 31, (1 << 32) - 1]])
    paths = tree.heap_path(jnp.asarray(heaps, jnp.uint32))
    for i, heap in enumerate(heaps.tolist()):
        branches = [bit == "1" for bit in f"{heap:b}"[1:]]
        assert_same(node(paths, i), path_of(branches))
    assert tree.heap_index(paths).tolist() == heaps.tolist()


def test_bits_beyond_a_path_do_not_count_in_its_heap_index():
    everything = jnp.full((tree.MAX_DEPTH // 32,), 0xFFFFFFFF, jnp.uint32)
    assert [int(tree.heap_index(Path(jnp.uint32(depth), everything))) for depth in (0, 1, 24)] == [1, 3, (1 << 25) - 1]


def test_samples_of_dyadic_intervals_are_those_of_their_paths():
    rng = np.random.default_rng(1)
    depth = np.arange(300) % (grid.BITS + 1)
    heap = jnp.asarray((1 << depth) + rng.integers(0, 1 << depth), jnp.uint32)
    first, last = grid.dyadic_words(heap)
    key = recjax.key(5)
    expected = jax.vmap(tree.sample, in_axes=(None, 0, 0, 0))(key, tree.heap_path(heap), first, last - first + 1)
    got = np.asarray(tree.heap_sample(key, heap))
    assert np.array_equal(got, expected) and (got >= first).all() and (got <= last).all()


def test_samples_stay_what_they_are():
    """Part of the wire format: the root, a node of a dyadic tree, one beyond 32 branches, one of three words."""
    key, upper = recjax.key(1), [True, False, True]
    drawn = [
        tree.heap_sample(key, jnp.uint32(1)),
        tree.heap_sample(key, tree.heap_index(path_of([False, True, False]))),
        tree.sample(key, path_of(upper * 13), jnp.uint32(1 << 20), jnp.uint32(12345679)),
        tree.sample(key, path_of(upper), jnp.uint32(tree.ALL - 3), jnp.uint32(3)),
    ]
    assert [int(word) for word in drawn] == GOLDEN


@pytest.mark.parametrize(("first", "count", "word"), [(0, 10, 0), (5, 7, 8), (5, 7, 11), (9, 1, 9), (0, 1 << 24, 77)])
def test_a_cut_leaves_its_word_on_neither_side(first, count, word):
    sides = [tree.cut(*map(jnp.uint32, (first, count, word)), jnp.array(upper)) for upper in (False, True)]
    lower, upper = ([int(number) for number in side] for side in sides)
    assert lower == [first, word - first] and upper == [word + 1, first + count - word - 1]
    assert lower[1] + 1 + upper[1] == count
