"""Codes of a bin and an index on a message, their lengths, and checks of sizes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax.coding import integers, rans, serialize
from recjax.rec import Bins, Code, Path, index_codes, orc, pfr
from recjax.rec.base import PATH_WORDS

BLOCKS, DIM, IMAGES = 2, 3, 50
COUNTS = np.array([[4, 1, 7], [1, 1, 1000]])


@pytest.fixture(scope="module")
def masses():
    return np.stack([integers.zeta_masses(512, 12), integers.zeta_masses(1500, 12)])


@pytest.fixture(scope="module")
def some_codes():
    rng = np.random.default_rng(0)
    interval = rng.integers(0, COUNTS[..., None, None], (BLOCKS, DIM, IMAGES, 1))
    index = np.exp2(rng.uniform(0, 12, (BLOCKS, IMAGES, 1))).astype(int)
    index[0, 0] = 1 << 31
    return Code(jnp.asarray(interval, jnp.uint32), jnp.asarray(index, jnp.uint32))


@pytest.mark.parametrize("partitioned", [True, False])
def test_a_message_gives_back_its_codes_in_the_bits_they_are_worth(partitioned, masses, some_codes):
    bins = Bins(jnp.asarray(COUNTS, jnp.uint32), 1024) if partitioned else None
    code = some_codes if partitioned else Code(jnp.zeros_like(some_codes.interval), some_codes.index)
    codec = index_codes.code_codec(masses, bins, DIM)
    message = jax.jit(codec.push)(rans.empty((IMAGES,), 1, 64), code)
    assert not np.asarray(message.fault).any()
    rest, popped = jax.jit(codec.pop)(message)
    assert np.array_equal(popped.interval, code.interval) and np.array_equal(popped.index, code.index)
    assert (np.asarray(rest.head) == 1).all() and not np.asarray(rest.size).any()
    worth = sum(integers.index_bits(row, n[:, 0]) for row, n in zip(masses, code.index, strict=True))
    worth += np.log2(COUNTS).sum() if partitioned else 0
    lengths = np.asarray(serialize.to_bits(message)[1])
    assert abs(lengths.mean() - worth.mean()) < 1
    assert np.abs(lengths - worth).max() < 2


def test_paths_come_back_and_one_too_deep_is_a_fault(masses):
    rng = np.random.default_rng(1)
    depth = np.array([[0, 1, 31, 32], [33, 63, 64, 65]])[..., None]
    words = rng.integers(0, 1 << 32, (2, PATH_WORDS, 4, 1))
    kept = np.clip(depth[:, None] - 32 * np.arange(PATH_WORDS)[:, None, None], 0, 32)
    path = Path(jnp.asarray(depth, jnp.uint32), jnp.asarray(words % 2**kept, jnp.uint32))
    codec = index_codes.path_codec(masses, None, 1)
    message = jax.jit(codec.push)(rans.empty((4,), 1, 64), path)
    assert message.fault.tolist() == [0, 0, 0, rans.ZERO_MASS]
    rest, popped = jax.jit(codec.pop)(message)
    assert np.array_equal(popped.depth[:, :3], path.depth[:, :3])
    assert np.array_equal(popped.branches[:, :, :3], path.branches[:, :, :3])
    assert (np.asarray(rest.head)[:3] == 1).all()


def test_expected_index_bounds_are_integers_that_follow_the_formula():
    kl = np.array([[2500, 0, 3000], [40, 10, 5], [9000, 9000, 9000]], np.int64)
    bins = np.array([[5, 1, 8], [2, 1, 1], [512, 256, 1]])
    saved = np.minimum(np.floor(1024 * np.log2(bins)), kl).sum(axis=1)
    for table, less in ((bins, saved), (None, 0)):
        exact = np.clip(kl.sum(axis=1) + 1024 - less, 128, 12 * 1024) // 4
        found = index_codes.expected_log2_index(kl, table, 1 << 12)
        assert found.dtype.kind == "i" and np.array_equal(found, exact)


@pytest.mark.parametrize(
    ("make", "sizes", "sentence"),
    [
        (pfr, {"max_candidates": 0}, "pfr examines between 1 and 2"),
        (pfr, {"max_candidates": (1 << 30) + 1}, "choose a number in that range"),
        (orc, {"num_candidates": -5}, "orc examines between 1 and 2"),
        (orc, {"num_candidates": 8, "chunk_size": 0}, "got chunk_size=0"),
        (pfr, {"max_candidates": 8, "max_intervals": 1 << 16}, "max_intervals between 1 and 32768"),
    ],
)
def test_impossible_sizes_are_refused_with_a_sentence(make, sizes, sentence):
    with pytest.raises(ValueError, match=sentence):
        make(**sizes)
