"""Blocks: a shared permutation, a split by KL budget, padding and back."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recjax import randomness
from recjax.rec import blocks

GOLDEN_PERMUTATION = [0, 7, 2, 1, 4, 9, 5, 3, 6, 8, 10, 11]


def test_golden_permutation():
    """The order of latents is part of every file."""
    assert blocks.permutation(randomness.key(0), 12).tolist() == GOLDEN_PERMUTATION


def test_a_permutation_holds_everything_once_and_follows_the_key():
    orders = [blocks.permutation(randomness.key(seed), 50).tolist() for seed in (0, 1)]
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert orders[0] != orders[1]


def test_a_split_by_hand():
    kl = np.array([5, 30, 10, 0, 25, 100], np.int64)
    split = blocks.split_by_budget(kl, 40, np.array([1, 2, 0, 5, 3, 4]))
    assert split.place.tolist() == [[1, 2], [0, -1], [5, -1], [3, 4]]
    assert split.used.sum() == 6


@settings(max_examples=60, deadline=None)
@given(
    kl=st.lists(st.integers(0, 9000), min_size=1, max_size=40),
    budget=st.integers(0, 20_000),
    seed=st.integers(0, 2**32),
)
def test_every_latent_lies_in_one_block_within_the_budget(kl, budget, seed):
    kl = np.array(kl, np.int64)
    order = np.random.default_rng(seed).permutation(len(kl))
    split = blocks.split_by_budget(kl, budget, order)
    assert np.array_equal(split.place[split.used], order)
    filled = [kl[row[row >= 0]] for row in split.place]
    assert all(len(block) and (block.sum() <= budget or len(block) == 1) for block in filled)
    assert all(a.sum() + b[0] > budget for a, b in itertools.pairwise(filled))


@pytest.mark.parametrize("xp", [np, jnp])
def test_merge_undoes_split(xp):
    rng = np.random.default_rng(2)
    split = blocks.split_by_budget(rng.integers(0, 3000, 17), 6000, rng.permutation(17))
    x = xp.asarray(rng.normal(size=(2, 5, 17)), dtype=np.float32)
    parts = split.split(x, -7.0)
    assert parts.shape == (2, 5, *split.place.shape) and parts.dtype == x.dtype
    assert (np.asarray(parts)[..., ~np.asarray(split.used)] == -7).all()
    assert np.array_equal(split.merge(parts), x)
