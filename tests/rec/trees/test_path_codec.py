"""Arithmetic-coded branches: that they come back, on any message, and what they save."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recjax
from recjax import rec
from recjax.coding import rans, serialize
from recjax.coding.integers import index_bits, zeta_masses
from recjax.rec import Path
from recjax.rec.base import PATH_WORDS
from recjax.rec.trees import path_codec, tree

ROWS = 4000
KEY = recjax.key(5)
PRIOR = recjax.Normal(0.0, 1.0)
CODERS = {"as_star": rec.as_star(), "gprs": rec.gprs(), "grc": rec.grc(split="sample")}
TARGETS = [(0.5, 0.5), (1, 0.25), (1, 0.1), (2, 0.1), (1.5, 0.02), (3, 0.1)]
# Deep paths, down to intervals of one word, and a target wider than the coding distribution.
NARROW = [(0.3, 3e-7), (5.0, 0.01), (0.3, 1e-12), (1.0, 2.0)]
MASSES = np.stack([zeta_masses(600 + 10 * block, 6) for block in range(len(TARGETS))])
every_coder = pytest.mark.parametrize("name", CODERS)


@functools.cache
def encoded(name: str, narrow: bool = False) -> rec.Encoded:
    columns = NARROW + TARGETS[: len(TARGETS) - len(NARROW)] if narrow else TARGETS
    mean, scale = jnp.broadcast_to(jnp.asarray(columns, jnp.float32).T[:, None], (2, ROWS, len(columns)))
    return rec.encode(CODERS[name], KEY, recjax.Normal(mean, scale), PRIOR)


@jax.jit
def push(keys, message, path) -> rans.Message:
    return rec.cut_path_codec(keys, MASSES).push(message, path)


@jax.jit
def pop(keys, message) -> tuple[rans.Message, Path]:
    return rec.cut_path_codec(keys, MASSES).pop(message)


def in_messages(tree, lanes: int = 1):
    """[row, block, ...] to [block, ..., message, lane], as many rows as there are lanes in a message."""
    return jax.tree.map(
        lambda leaf: jnp.moveaxis(leaf, 0, -1).reshape(*leaf.shape[1:], leaf.shape[0] // lanes, lanes), tree
    )


def some_message(shape: tuple[int, int], size: int = 9) -> rans.Message:
    """Messages full of random bits, `size` bytes beside their heads."""
    rng = np.random.default_rng(size)
    tail = np.zeros((shape[0], 250 * shape[1]), np.uint8)
    tail[:, :size] = rng.integers(0, 256, (shape[0], size))
    head = jnp.asarray(rng.integers(rans.HEAD_MIN, 1 << 32, shape), jnp.uint32)
    sizes = jnp.full(shape[:1], size, jnp.int32)
    return rans.Message(head, jnp.asarray(tail), sizes, sizes, 0 * sizes, jnp.ones(shape, bool))


def random_paths(shape: tuple[int, ...]) -> Path:
    """Paths of any depth that no search took, most of them into intervals of no words."""
    rng = np.random.default_rng(3)
    flat = int(np.prod(shape))
    branches = jnp.asarray(rng.integers(0, 1 << 32, (flat, PATH_WORDS)), jnp.uint32)
    depth = jnp.asarray(np.resize(np.arange(tree.MAX_DEPTH + 1), flat), jnp.uint32)
    paths = jax.vmap(tree.truncate)(Path(depth, branches), depth)
    return jax.tree.map(lambda leaf: leaf.reshape(*shape, *leaf.shape[1:]), paths)


def assert_comes_back(keys, code, lanes: int):
    keys, code = in_messages((keys, code), lanes)
    before = some_message(code.depth.shape[1:])
    pushed = push(keys, before, code)
    after, popped = pop(keys, pushed)
    assert not np.asarray(pushed.fault).any() and not np.asarray(after.fault).any()
    assert np.array_equal(popped.depth, code.depth) and np.array_equal(popped.branches, code.branches)
    assert np.array_equal(after.head, before.head) and np.array_equal(after.size, before.size)
    used = np.arange(before.tail.shape[-1]) < np.asarray(before.size)[:, None]
    assert np.array_equal(np.where(used, after.tail, 0), np.where(used, before.tail, 0))
    assert np.array_equal(after.active, before.active)


@every_coder
@pytest.mark.parametrize("narrow", [pytest.param(False, marks=pytest.mark.slow), True])
def test_paths_of_searches_come_back_from_any_message(name, narrow):
    code = encoded(name, narrow).code
    assert_comes_back(rec.stream_keys(KEY, code.shape), code, 1)


@pytest.mark.parametrize("lanes", [1, 5])
def test_any_path_comes_back_from_messages_of_any_number_of_lanes(lanes):
    shape = (ROWS, len(TARGETS))
    assert_comes_back(rec.stream_keys(KEY, shape), random_paths(shape), lanes)


def test_a_path_too_deep_is_a_fault():
    path = encoded("as_star").code
    path = path._replace(depth=path.depth.at[1, 2].set(tree.MAX_DEPTH + 1))
    keys, path = in_messages((rec.stream_keys(KEY, path.shape), path))
    fault = push(keys, some_message((ROWS, 1)), path).fault
    assert fault[1] == rans.ZERO_MASS and not fault.at[1].set(0).any()


@pytest.mark.parametrize("lanes", [1, 5])
@pytest.mark.parametrize("size", [0, 200])
def test_whatever_a_message_holds_it_pops_paths_that_decode(lanes, size):
    """Also where it holds fewer bits than paths."""
    shape = (ROWS, len(TARGETS))
    _, path = pop(in_messages(rec.stream_keys(KEY, shape), lanes), some_message((ROWS // lanes, lanes), size))
    path = jax.tree.map(lambda leaf: jnp.moveaxis(leaf.reshape(*leaf.shape[:-2], -1), -1, 0), path)
    kept = jax.jit(jax.vmap(jax.vmap(tree.truncate)))(path, path.depth)
    assert path.depth.max() <= tree.MAX_DEPTH and np.array_equal(kept.branches, path.branches)
    assert jax.jit(lambda path: rec.decode_words(CODERS["as_star"], KEY, path, shape))(path).max() < tree.ALL


@every_coder
def test_a_message_is_as_long_as_its_paths_are_worth(name):
    code = encoded(name).code
    keys = rec.stream_keys(KEY, code.shape)
    worth = np.asarray(rec.branch_bits(keys, code)).sum(axis=1, dtype=np.float64)
    for block, row in enumerate(MASSES):
        worth += index_bits(row, code.depth[:, block] + 1)
    keys, code = in_messages((keys, code))
    # On top of others, as the first symbols of an open message cost a bit more.
    message = some_message((ROWS, 1))
    length = serialize.to_bits(push(keys, message, code))[1] - serialize.to_bits(message)[1]
    assert np.abs(length - worth).max() < 1.1 and abs((length - worth).mean()) < 0.1


def test_branches_save_bits_unless_the_target_is_far_out(capsys):
    """The paper's probabilities suit intervals that hold their target anywhere; at 3 deviations it is near one end."""
    code = encoded("as_star").code
    saved = np.asarray(code.depth - rec.branch_bits(rec.stream_keys(KEY, code.shape), code))
    mean, error = saved.mean(axis=0), saved.std(axis=0) / ROWS**0.5
    with capsys.disabled():
        print("\nbits saved per path:", *(f"{t}: {m:.3f}" for t, m in zip(TARGETS, mean, strict=True)), sep="  ")
    assert (mean[:-1] > 4.5 * error[:-1]).all() and mean[-1] < -4.5 * error[-1]
    assert np.abs(mean - [0.495, 0.865, 1.443, 0.616, 2.079, -0.689]).max() < 4.5 * 1.1 * error.max()


def test_lengths_follow_the_numbers_of_words():
    code = jax.tree.map(lambda leaf: leaf[:40], encoded("as_star").code)
    keys = rec.stream_keys(KEY, code.shape)
    found = np.asarray(rec.branch_bits(keys, code))
    draw = jax.jit(tree.sample)
    for index in np.ndindex(*code.shape):
        path, key, first, count, bits = jax.tree.map(lambda leaf, i=index: leaf[i], code), keys[index], 0, tree.ALL, 0.0
        for level in range(int(path.depth)):
            word = int(draw(key, tree.truncate(path, jnp.uint32(level)), jnp.uint32(first), jnp.uint32(count)))
            upper = bool(path.branches[level // 32] >> level % 32 & 1)
            inside = first + count - 1 - word if upper else word - first
            bits += np.log2((count - 1) / inside)
            first, count = word + 1 if upper else first, inside
        assert found[index] == pytest.approx(bits, abs=2e-3)


def test_shares_are_those_of_integers_of_any_size():
    rng = np.random.default_rng(0)
    count = np.r_[np.exp2(rng.uniform(1, 24, 2000)).astype(int) + 1, tree.ALL, tree.ALL, 2, 2, 3]
    count = np.minimum(count, tree.ALL)
    first = rng.integers(0, tree.ALL - count + 1)
    inside = rng.integers(0, count)
    inside[-5:-1] = 0, tree.ALL - 1, 0, 1
    exact = [(n - 1 - i) * rans.TOTAL_MASS // (n - 1) for n, i in zip(count.tolist(), inside.tolist(), strict=True)]
    found = jax.vmap(path_codec.upper_mass)(*(jnp.asarray(x, jnp.uint32) for x in (first, count, first + inside)))
    assert np.array_equal(found, np.clip(exact, 1, rans.TOTAL_MASS - 1))
    # One word, none, and what cutting an interval of none makes.
    for count in (1, 0, 0xFFFFFFFF, 0xFFFFFFF0, tree.ALL + 1):
        assert path_codec.upper_mass(jnp.uint32(7), jnp.uint32(count), jnp.uint32(7)) == rans.TOTAL_MASS // 2


@pytest.mark.parametrize("shared_axes", [(), (0,)])
def test_stream_keys_are_those_of_the_engine(shared_axes):
    code, algorithm = random_paths((6, 2)), CODERS["as_star"]
    code = code._replace(depth=code.depth % 6)
    keys = rec.stream_keys(KEY, code.shape, shared_axes=shared_axes)
    words = jax.jit(jax.vmap(jax.vmap(lambda key, path: algorithm.decode(key, None, path, 1)[0])))(keys, code)
    assert np.array_equal(words, rec.decode_words(algorithm, KEY, code, code.shape, shared_axes=shared_axes))


def test_keys_without_the_axes_of_a_message_are_shared_by_it():
    code = encoded("as_star").code
    alone = rec.stream_keys(KEY, code.shape[1:])
    keys, code = in_messages((rec.stream_keys(KEY, code.shape, shared_axes=(0,)), code))
    pushed, same = (push(k, some_message((ROWS, 1)), code) for k in (keys, alone))
    assert np.array_equal(pushed.head, same.head) and np.array_equal(pushed.tail, same.tail)


def test_keys_of_other_blocks_are_refused_with_a_sentence():
    for shape in ((4, 2), (len(TARGETS), 3), (2,)):
        with pytest.raises(ValueError, match=r"6 blocks takes keys of uint32 \[6, 2, ...\], got"):
            rec.cut_path_codec(np.zeros(shape, np.uint32), MASSES)
