import numpy as np
import pytest
import scipy.spatial
import scipy.stats

from recjax.rec import diagnostics
from recjax.rec.diagnostics import Draws


def exact_draws(count: int, dim: int, seed: int) -> Draws:
    rng = np.random.default_rng(seed)
    residuals = rng.normal(size=(count, dim))
    return Draws(scipy.stats.norm.cdf(residuals), rng.uniform(size=count), residuals)


def test_kolmogorov_s_law_is_scipy_s():
    x = np.array([0.05, 0.2, 0.21, 0.5, 0.8276, 1.0, 1.36, 2.5, 6.0])
    assert np.allclose([diagnostics.kolmogorov_sf(v) for v in x], scipy.stats.kstwobign.sf(x), atol=1e-7)


def test_the_bias_is_that_of_the_worst_dimension():
    draws = exact_draws(3000, 4, 0)
    draws.uniforms[:, 2] **= 1.2
    worst = scipy.stats.kstest(draws.uniforms[:, 2], "uniform")
    found = diagnostics.bias(draws)
    assert found.ks == pytest.approx(worst.statistic, abs=1e-12)
    assert found.ks_pvalue == pytest.approx(4 * scipy.stats.kstwobign.sf(np.sqrt(3000) * worst.statistic), rel=1e-6)
    assert found.ks_pvalue < 1e-6 < found.log_ratio_pvalue
    ranks = scipy.stats.kstest(draws.log_ratio_ranks, "uniform")
    assert found.log_ratio_ks == pytest.approx(ranks.statistic, abs=1e-12)


def test_the_limit_is_what_exact_draws_stay_below_in_95_of_100_cases():
    runs = [diagnostics.bias(exact_draws(200, 5, seed)) for seed in range(400)]
    assert 0.92 < np.mean([run.ks < run.ks_limit for run in runs]) < 0.985
    assert all((run.ks < run.ks_limit) == (run.ks_pvalue > 0.05) for run in runs)


def test_mmd_is_that_of_its_definition_and_unbiased():
    x = np.random.default_rng(0).normal(0.3, 0.8, size=(300, 2))
    axis = np.linspace(-8.0, 8.0, 81)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    law = scipy.stats.norm.pdf(grid).prod(axis=1) * 0.2**2

    def kernel(a, b):
        return np.exp(-scipy.spatial.distance.cdist(a, b, "sqeuclidean") / (2 * 2))

    off_diagonal = (kernel(x, x).sum() - 300) / (300 * 299)
    by_summation = off_diagonal - 2 * (kernel(x, grid) @ law).mean() + law @ kernel(grid, grid) @ law
    assert diagnostics.mmd2_from_normal(x) == pytest.approx(by_summation, abs=1e-9)
    exact = [diagnostics.mmd2_from_normal(np.random.default_rng(i).normal(size=(100, 3))) for i in range(200)]
    assert abs(np.mean(exact)) < 4 * np.std(exact) / np.sqrt(200) and min(exact) < 0


def test_pooled_runs_are_one_run():
    parts = [exact_draws(50, 2, seed) for seed in range(3)]
    pooled = diagnostics.pool(parts)
    assert pooled.uniforms.shape == (150, 2) and pooled.log_ratio_ranks.shape == (150,)
    assert np.array_equal(pooled.residuals[50:100], parts[1].residuals)


def test_one_draw_tells_nothing():
    with pytest.raises(ValueError, match="at least 2 draws, got 1"):
        diagnostics.bias(exact_draws(1, 2, 0))
