"""Every exact coder tested as a sampler of one dimension: ten targets, 30,000 draws each with a stream of its own."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import recjax
from recjax import rec
from recjax.rec import Status
from tests.rec.cases import CASES

DRAWS = 30_000
# Means and scales, of 1 to 10 bits of D_inf; no word of the grid has more than 2^-16 of a target.
TARGETS = np.float32(
    [
        (0.5, 0.5), (1.0, 0.25), (1.0, 0.1), (2.0, 0.1), (1.5, 0.02),
        (3.0, 0.1), (0.0, 0.9), (-0.3, 0.7), (-2.5, 0.3), (0.0, 0.01),
    ]
)  # fmt: skip
CODERS = {str(case): case.algorithm for case in CASES if case.bins is None and case.algorithm.exact}
VARIANTS = ("gprs_global 1048576 16", "grc dyadic")
"""Slow ones, whose samples have quicker tests in their own files."""
TESTS_OF_ONE = 2 * len(TARGETS)
LEVEL = 1e-3 / (TESTS_OF_ONE * len(CODERS))


@functools.cache
def draws(name: str) -> rec.Encoded:
    algorithm = CODERS[name]
    # A block for each coordinate, also where the coder could take several at once.
    mean, scale = (np.broadcast_to(column, (DRAWS, len(TARGETS))) for column in TARGETS.T)
    if not algorithm.scalar:
        mean, scale = mean[..., None], scale[..., None]
    key = recjax.key(100 + list(CODERS).index(name))
    return rec.encode(algorithm, key, recjax.Normal(jnp.asarray(mean), jnp.asarray(scale)), recjax.Normal(0.0, 1.0))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in VARIANTS else ()) for name in CODERS]
)
def test_samples_and_their_ratios_follow_the_target(name):
    enc = draws(name)
    assert CODERS[name].exact and (np.asarray(enc.info.status) == Status.OK).all()
    z = np.asarray(enc.sample, np.float64).reshape(DRAWS, len(TARGETS))
    mean, scale = TARGETS.T.astype(np.float64)
    # The ratio falls with the distance from its mode, so its distribution is that of the distance.
    mode = mean / (1 - scale**2)
    distance = np.abs(z - mode)
    law = scipy.stats.norm(mean, scale)
    uniforms = np.concatenate([law.cdf(z), law.cdf(mode + distance) - law.cdf(mode - distance)], axis=1)
    pvalues = [scipy.stats.kstest(column, "uniform").pvalue for column in uniforms.T]
    print(name, "smallest p", min(pvalues), "steps", np.round(np.asarray(enc.info.steps).mean(axis=0).ravel(), 2))
    assert min(pvalues) > LEVEL


def test_the_test_sees_a_small_bias():
    """A shift or a widening of 3%."""
    z = np.random.default_rng(0).normal(size=DRAWS)
    for wrong in (z + 0.03, 1.03 * z):
        distance = np.abs(wrong)
        both = [scipy.stats.norm.cdf(wrong), 2 * scipy.stats.norm.cdf(distance) - 1]
        assert min(scipy.stats.kstest(column, "uniform").pvalue for column in both) < LEVEL
