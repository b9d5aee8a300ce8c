import numpy as np
import pytest
import scipy.stats

from recjax.rec import diagnostics


def test_kolmogorov_s_law_is_scipy_s():
    x = np.array([0.05, 0.2, 0.21, 0.5, 0.8276, 1.0, 1.36, 2.5, 6.0])
    assert np.allclose([diagnostics.kolmogorov_sf(v) for v in x], scipy.stats.kstwobign.sf(x), atol=1e-7)


def test_the_bias_is_that_of_the_worst_dimension():
    uniforms = np.random.default_rng(0).uniform(size=(3000, 4))
    uniforms[:, 2] **= 1.2
    worst = scipy.stats.kstest(uniforms[:, 2], "uniform")
    found = diagnostics.bias(uniforms)
    assert found.ks == pytest.approx(worst.statistic, abs=1e-12)
    assert found.ks_pvalue == pytest.approx(4 * scipy.stats.kstwobign.sf(np.sqrt(3000) * worst.statistic), rel=1e-6)
    assert found.ks_pvalue < 1e-6


def test_unbiased_draws_have_no_bias_to_speak_of():
    found = diagnostics.bias(np.random.default_rng(1).uniform(size=(5000, 20)))
    assert found.ks_pvalue > 0.01 and found.ks < 0.03
