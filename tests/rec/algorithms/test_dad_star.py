"""DAD*: the same codes as AD* of that depth, its bias, and its one step."""

import functools

import jax
import numpy as np
import pytest
import scipy.stats

import recjax
from recjax import rec
from recjax.rec import Status

DRAWS, DEPTH = 4000, 6
PRIOR = recjax.Normal(0.0, 1.0)
# Mean, scale and KL in bits; with the last, the tree is too shallow for an unbiased sample.
TARGETS = [(0.5, 0.5, 0.64), (1, 0.25, 2.05), (1, 0.1, 3.33), (0, 1.5, 0.61), (1.5, 0.02, 6.55)]
TOO_SHALLOW = len(TARGETS) - 1


def targets() -> recjax.Normal:
    loc, scale, _ = np.float32(TARGETS).T
    return recjax.Normal(*(np.broadcast_to(x, (DRAWS, len(TARGETS))) for x in (loc, scale)))


@functools.cache
def draws(max_depth: int) -> rec.Encoded:
    return jax.tree.map(np.asarray, rec.encode(rec.dad_star(max_depth=max_depth), recjax.key(0), targets(), PRIOR))


@pytest.mark.parametrize(
    "max_depth", [DEPTH, pytest.param(0, marks=pytest.mark.slow), pytest.param(9, marks=pytest.mark.slow)]
)
def test_codes_are_those_of_a_search_cut_off_at_the_same_depth(max_depth):
    ours = draws(max_depth)
    search = rec.encode(rec.ad_star(max_depth=max_depth), recjax.key(0), targets(), PRIOR)
    same = (ours.code.depth == search.code.depth) & (ours.code.branches == search.code.branches).all(axis=-1)
    # Two programs may round differently, and choose differently where two nodes are as good as each other.
    assert same.mean() > 0.9995
    assert np.array_equal(ours.sample[same], np.asarray(search.sample)[same])
    assert ours.code.depth.max() == max_depth
    # The search says which of them are those of the whole tree too.
    assert set(np.unique(search.info.status)) <= {Status.OK, Status.BUDGET} and (ours.info.status == Status.OK).all()


@pytest.mark.parametrize("column", [0, 1, 2, TOO_SHALLOW], ids=str)
def test_two_bits_above_the_divergence_hide_the_bias(column):
    mean, scale, kl = TARGETS[column]
    assert (kl + 2 <= DEPTH) == (column != TOO_SHALLOW)
    pvalue = scipy.stats.kstest((draws(DEPTH).sample[:, column].astype(np.float64) - mean) / scale, "norm").pvalue
    assert pvalue < 1e-3 if column == TOO_SHALLOW else pvalue > 0.01 / 3


def test_one_step_examines_every_node():
    info = draws(DEPTH).info
    assert (info.steps == (2 << DEPTH) - 1).all() and (info.status == Status.OK).all()


@pytest.mark.parametrize("max_depth", [-1, 17])
def test_depths_that_make_no_tree_are_refused(max_depth):
    with pytest.raises(ValueError, match="dad_star descends between 0 and 16 branches, got"):
        rec.dad_star(max_depth=max_depth)
