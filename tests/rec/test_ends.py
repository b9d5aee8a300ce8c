"""Targets at the ugly ends: narrower than a cell, 30 standard deviations out, wider than the coding distribution.

Their suprema are 2^15 to 2^26, so the partition has 4,096 intervals; one compiled search serves all.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import recjax
from recjax import grid, rec
from recjax.rec import Status

INTERVALS, ROWS = 4096, 128
PRIOR = recjax.Normal(np.zeros(1, np.float32), np.ones(1, np.float32))
TARGETS = {
    "narrower than a cell": (0.37, 1e-9),
    "narrower than a cell, far out": (-5.2, 1e-3),
    "far beyond the grid": (30.0, 0.9),
    "wider, centred": (0.0, 2.0),
    "wider, far out": (-30.0, 2.0),
    "as wide": (1.0, 1.0),
    "all but as wide": (-1.0, 1 - 2.0**-20),
}


@pytest.fixture(scope="module")
def algorithm():
    return rec.pfr(max_candidates=1 << 20, chunk_size=256)


@functools.cache
def values() -> np.ndarray:
    return np.asarray(jax.jit(lambda: grid.value_fixed(jnp.arange(1 << 24, dtype=jnp.uint32)))()) / 2.0**26


@pytest.mark.parametrize("name", TARGETS)
def test_samples_follow_the_grid_s_law(name, algorithm):
    mean, scale = (np.float32(x) for x in TARGETS[name])
    q = recjax.Normal(np.full((ROWS, 1), mean), np.full((ROWS, 1), scale))
    key, bins = recjax.key(2), rec.Bins(jnp.asarray([INTERVALS], jnp.uint32), INTERVALS)
    enc = rec.encode(algorithm, key, q, PRIOR, bins=bins)
    assert (np.asarray(enc.info.status) == (Status.OK if "as wide" in name else Status.UNSUITED)).all()
    assert np.isfinite(enc.sample).all() and np.isfinite(enc.info.log_ratio_nats).all()
    assert np.array_equal(rec.decode(algorithm, key, PRIOR, enc.code, bins=bins), enc.sample)

    z = values()
    log_ratio = -0.5 * ((z - np.float64(mean)) / max(float(scale), 2.0**-26)) ** 2 + 0.5 * z**2
    mass = np.exp(log_ratio - log_ratio.max())
    cdf = np.cumsum(mass / mass.sum())
    word = np.asarray(enc.words)[:, 0].astype(np.int64)
    uniform = np.random.default_rng(0).uniform(size=ROWS)
    below = np.where(word > 0, cdf[word - 1], 0.0)
    assert scipy.stats.kstest(below + uniform * (cdf[word] - below), "uniform").pvalue > 1e-3
