"""Greedy Poisson rejection sampling, in a tree and one by one: what it costs, and targets that it is not made for."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import recjax
from recjax import rec
from recjax.distributions import kl_bits
from recjax.rec import Status

ROWS = 4000
PRIOR = recjax.Normal(0.0, 1.0)
# Means and scales of targets, with the largest ratio.
TARGETS = {(0.5, 0.5): 2.363, (1, 0.25): 6.818, (1, 0.1): 16.571, (2, 0.1): 75.40, (0, 0.9): 1.1111}
# Wider than the coding distribution, and of few words (at 0.3, a cell is 1.6e-7 wide; at 5, 0.04).
UNSUITED = [(0.4, 1.001), (-0.7, 5.0), (0.3, 3e-7), (5.0, 0.01), (0.3, 1e-12)]
CODERS = {"gprs": rec.gprs(), "gprs_global": rec.gprs_global(max_candidates=1 << 16)}


def encode(algorithm, targets) -> rec.Encoded:
    mean, scale = (np.broadcast_to(np.float32(column), (ROWS, len(targets))) for column in zip(*targets, strict=True))
    return jax.tree.map(np.asarray, rec.encode(algorithm, recjax.key(5), recjax.Normal(mean, scale), PRIOR))


@functools.cache
def encoded(name: str) -> rec.Encoded:
    return encode(CODERS[name], list(TARGETS))


@functools.cache
def unsuited() -> rec.Encoded:
    return encode(CODERS["gprs"], UNSUITED)


def residuals(sample, targets) -> np.ndarray:
    mean, scale = np.array(targets).T
    return (sample.astype(np.float64) - mean) / scale


@pytest.mark.parametrize("name", CODERS)
def test_samples_follow_their_targets(name):
    assert (encoded(name).info.status == Status.OK).all()
    for column in residuals(encoded(name).sample, list(TARGETS)).T:
        assert scipy.stats.kstest(column, "norm").pvalue > 1e-4


@pytest.mark.parametrize("column", range(len(TARGETS)))
def test_the_first_accepted_arrival_comes_at_the_largest_ratio_on_average(column):
    enc = encoded("gprs_global")
    index = enc.code.index[:, column].astype(float)
    assert np.array_equal(enc.info.steps, enc.code.index)
    assert np.allclose(enc.info.log2_index, np.log2(enc.code.index), atol=1e-5)
    assert abs(index.mean() - list(TARGETS.values())[column]) < 4.5 * index.std() / ROWS**0.5


@pytest.mark.parametrize("column", range(len(TARGETS)))
def test_the_tree_takes_about_as_many_steps_as_bits(column):
    enc, (mean, scale) = encoded("gprs"), list(TARGETS)[column]
    steps = enc.info.steps[:, column].astype(float)
    assert np.array_equal(enc.info.steps, enc.code.depth + 1)
    assert steps.mean() < float(kl_bits(recjax.Normal(jnp.float32(mean), jnp.float32(scale)), PRIOR)) + 1.5
    # By the same rule as without a tree, the first sample is accepted, and so are all if none was given up wrongly.
    one_by_one = encoded("gprs_global").info.steps[:, column]
    assert abs((steps == 1).mean() - (one_by_one == 1).mean()) < 4.5 * (0.5 / ROWS) ** 0.5
    assert steps.mean() < one_by_one.mean() + 4.5 * (steps.std() + one_by_one.std()) / ROWS**0.5


def test_unsuited_targets_are_told_and_coded_as_well_as_can_be():
    """A wide one as if it were as wide as the coding distribution; one of few words by words near it."""
    enc = unsuited()
    assert (enc.info.status == Status.UNSUITED).all()
    assert np.array_equal(rec.decode(CODERS["gprs"], recjax.key(5), PRIOR, enc.code), enc.sample)
    for mean, column in zip((0.4, -0.7), enc.sample.T, strict=False):
        assert scipy.stats.kstest(column.astype(np.float64) - mean, "norm").pvalue > 1e-4
    mean, scale = np.array(UNSUITED[2:]).T
    assert (np.abs(enc.sample[:, 2:] - mean) < 6 * scale + np.array([1.6e-7, 0.04, 1.6e-7])).all()


def test_a_short_search_sends_its_last_candidate_and_otherwise_what_a_long_one_sends():
    """Whatever number of candidates they examine at a time."""
    enc = encode(rec.gprs_global(max_candidates=7, chunk_size=4), list(TARGETS))
    whole = encoded("gprs_global")
    late = enc.info.status == Status.BUDGET
    assert (enc.code.index[late] == 7).all() and (enc.info.status[~late] == Status.OK).all()
    # Times are summed in another order, so that one search in thousands may end elsewhere.
    assert (late == (whole.code.index > 7)).mean() > 0.999
    assert (enc.code.index[~late] == whole.code.index[~late]).mean() > 0.999


@pytest.mark.parametrize(
    ("factory", "wrong", "sentence"),
    [
        (rec.gprs, {"max_depth": 64}, "gprs descends between 0 and 63"),
        (rec.gprs, {"max_depth": -1}, "gprs descends between 0 and 63"),
        (rec.gprs_global, {"max_candidates": 0}, "gprs_global examines between 1 and"),
        (rec.gprs_global, {"max_candidates": 8, "chunk_size": 0}, "gprs_global scores at least 1"),
    ],
)
def test_sizes_that_make_no_search(factory, wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        factory(**wrong)
