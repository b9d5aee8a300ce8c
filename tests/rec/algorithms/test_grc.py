"""Greedy rejection coding: what it costs, its bookkeeping in float64, and targets that it is not made for."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import recjax
from recjax import grid, rec
from recjax.distributions.superlevel import unimodal_ratio
from recjax.rec import Status
from recjax.rec.algorithms.grc import left_over, raise_height
from recjax.rec.trees import tree

ROWS = 4000
PRIOR = recjax.Normal(0.0, 1.0)
TARGETS = [(0.5, 0.5), (1, 0.25), (1, 0.1), (2, 0.1), (0, 0.9), (-0.5, 1.0)]
# Wider than the coding distribution, and of few words (at 0.3, a cell is 1.6e-7 wide; at 5, 0.04).
UNSUITED = [(0.4, 1.001), (-0.7, 5.0), (0.3, 3e-7), (5.0, 0.01), (0.3, 1e-12), (30.0, 0.5)]
SPLITS = ["dyadic", "sample"]


def encode(split: str, targets) -> rec.Encoded:
    mean, scale = (np.broadcast_to(np.float32(column), (ROWS, len(targets))) for column in zip(*targets, strict=True))
    enc = rec.encode(rec.grc(split=split), recjax.key(6), recjax.Normal(mean, scale), PRIOR)
    return jax.tree.map(np.asarray, enc)


@functools.cache
def encoded(split: str) -> rec.Encoded:
    return encode(split, TARGETS)


@pytest.fixture(scope="module")
def values():
    return np.asarray(jax.jit(lambda: grid.value_fixed(jnp.arange(1 << grid.BITS, dtype=jnp.uint32)))()) / 2.0**26


@pytest.mark.parametrize("split", SPLITS)
def test_samples_follow_their_targets(split):
    enc = encoded(split)
    assert (enc.info.status == Status.OK).all() and np.array_equal(enc.info.steps, enc.code.depth + 1)
    for (mean, scale), column in zip(TARGETS, enc.sample.T, strict=True):
        assert scipy.stats.kstest((column.astype(np.float64) - mean) / scale, "norm").pvalue > 1e-4


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("column", range(len(TARGETS)))
def test_the_first_sample_is_accepted_up_to_a_ratio_of_1(split, column):
    """That is, with probability E_P[min(1, r)], 1 less the total variation of P and Q."""
    mean, scale = TARGETS[column]
    z = np.linspace(-8, 8, 200_001)
    accepted = np.minimum(scipy.stats.norm.pdf(z), scipy.stats.norm.pdf(z, mean, scale)).sum() * (z[1] - z[0])
    found = (encoded(split).code.depth[:, column] == 0).mean()
    assert abs(found - accepted) < 4.5 * (accepted * (1 - accepted) / ROWS) ** 0.5


@pytest.mark.parametrize(
    ("split", "depths"),
    [("dyadic", (0.583, 1.467, 2.40, 4.264)), ("sample", (0.837, 2.021, 3.483, 4.742))],
)
def test_depths(split, depths):
    """2.40 is the depth of an independent simulation, the others are those of 20,000 draws."""
    depth = encoded(split).code.depth[:, : len(depths)].astype(float)
    assert (np.abs(depth.mean(axis=0) - depths) < 4.5 * depth.std(axis=0) / ROWS**0.5 + 0.02).all()


def test_halves_are_dyadic_intervals():
    enc = encoded("dyadic")
    heap = np.asarray(tree.heap_index(jax.tree.map(jnp.asarray, enc.code)))
    first, last = grid.dyadic_words(jnp.asarray(heap))
    assert ((enc.words >= first) & (enc.words <= last)).all() and enc.code.depth.max() > 8


@pytest.mark.parametrize(("mean", "scale"), [(0.8, 0.25), (1.5, 1e-4), (-0.3, 0.97), (3.0, 1.0), (4.2, 0.1)])
def test_what_is_left_of_a_target_against_sums_over_words(mean, scale, values):
    ratio, _ = jax.jit(unimodal_ratio)(recjax.Normal(jnp.float32([mean]), jnp.float32([scale])), PRIOR)
    compiled = jax.jit(left_over)
    mean, scale = float(np.float32(mean)), float(np.float32(scale))
    log_ratio = -0.5 * ((values - mean) / scale) ** 2 + 0.5 * values**2
    r = np.exp(log_ratio - log_ratio.max())
    half, best = tree.ALL // 2, int(ratio.best_word)
    for drop in (np.inf, 12.0, 3.0, 0.5, 0.01):
        height = np.exp(-drop)
        for first, stop in ((0, tree.ALL), (half, tree.ALL), (0, best), (best, tree.ALL), (best, best)):
            expected = np.maximum(r[first:stop] - height, 0).sum() / tree.ALL
            found = compiled(ratio, jnp.float32(drop), jnp.uint32(first), jnp.uint32(stop - first))
            # A word is some of what is left near the top.
            assert float(found) == pytest.approx(expected, rel=3e-3, abs=2.0**-grid.BITS)


def test_a_height_grows_by_parts_of_the_largest_ratio():
    drop = np.concatenate([np.geomspace(1e-7, 40, 50), [np.inf]])
    for part in (1e-9, 1e-4, 0.5, 0.99):
        by = np.where(drop < np.inf, -np.expm1(-drop), 1.0) * part
        found = jax.vmap(raise_height)(jnp.asarray(drop, jnp.float32), jnp.asarray(by, jnp.float32))
        assert np.asarray(found) == pytest.approx(-np.log(np.exp(-drop) + by), rel=2e-4)
    assert raise_height(jnp.float32(0.1), jnp.float32(1.0)) == 0


@pytest.mark.parametrize("split", SPLITS)
def test_unsuited_targets_are_told_and_coded_as_well_as_can_be(split):
    """A wide one as if it were as wide as the coding distribution; one of few words by words near it."""
    enc = encode(split, UNSUITED)
    assert (enc.info.status == Status.UNSUITED).all()
    assert np.array_equal(rec.decode(rec.grc(split=split), recjax.key(6), PRIOR, enc.code), enc.sample)
    for mean, column in zip((0.4, -0.7), enc.sample.T, strict=False):
        assert scipy.stats.kstest(column.astype(np.float64) - mean, "norm").pvalue > 1e-4
    mean, scale = np.array(UNSUITED[2:5]).T
    near = np.abs(enc.sample[:, 2:5] - mean) < 6 * scale + np.array([1.6e-7, 0.04, 1.6e-7])
    assert near.mean(axis=0).min() > 0.99
    assert (enc.words[:, 5] == tree.ALL - 1).mean() > 0.99


def test_choices_that_make_no_tree():
    for split, depth in (("dyadic", 25), ("sample", 64), ("dyadic", -1)):
        with pytest.raises(ValueError, match="grc descends between 0 and"):
            rec.grc(split=split, max_depth=depth)
    with pytest.raises(ValueError, match='by "sample" or "dyadic", got \'median\''):
        rec.grc(split="median")
