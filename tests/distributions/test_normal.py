"""The normal distribution and its divergences against scipy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from recjax.distributions import Normal, kl_bits, kl_nats, renyi_infinity_bits

LOC, SCALE = np.float32([0.0, 1.5, -30.0, 1e-3]), np.float32([1.0, 0.02, 2.0, 1e-6])
SIGMAS = np.float32([-40, -12, -3, -0.5, 0, 1e-3, 1, 6, 40])


@pytest.mark.parametrize("function", ["log_prob", "cdf", "log_cdf", "log_sf"])
def test_against_scipy(function):
    """At as much as 40 standard deviations; x is made a float32 first, so that both see the same one."""
    x = (LOC + SCALE * SIGMAS[:, None]).astype(np.float32)
    oracle = {"log_prob": "logpdf", "log_cdf": "logcdf", "log_sf": "logsf", "cdf": "cdf"}[function]
    # The standardised x is rounded in float32: an error of some 1e-7 in it, times the slope (40 at 40 sigma).
    exact = getattr(scipy.stats.norm(np.float64(LOC), np.float64(SCALE)), oracle)(np.float64(x))
    found = np.asarray(jax.jit(lambda x: getattr(Normal(LOC, SCALE), function)(x))(x))
    assert np.isfinite(found).all()
    assert np.allclose(found, exact, rtol=1e-4, atol=1e-35 if function == "cdf" else 2e-5)


def test_icdf_inverts_cdf():
    mass = np.float32([1e-30, 1e-6, 0.02, 0.5, 0.9, 0.9999])[:, None]
    found = jax.jit(lambda m: Normal(LOC, SCALE).icdf(m))(mass)
    assert np.allclose(found, scipy.stats.norm(LOC, SCALE).ppf(np.float64(mass)), rtol=3e-5, atol=1e-6)


def exact_kl_nats(mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    mean, scale = np.float64(mean), np.float64(scale)
    excess = (scale - 1) * (scale + 1)
    return 0.5 * (excess - np.log1p(excess) + mean**2)


def test_kl_against_float64_also_where_it_nearly_vanishes():
    scale = np.float32([1e-6, 0.02, 0.25, 0.7, 0.71, 0.999, 1 - 2**-22, 1, 1 + 2**-22, 1.001, 1.2, 1.3, 2, 50])[:, None]
    mean = np.float32([0, 1e-3, 0.7, -4.5, 30])
    found = np.asarray(jax.jit(kl_nats)(Normal(mean, scale), Normal(0.0, 1.0)))
    exact = exact_kl_nats(mean, scale)
    assert (found >= 0).all()
    assert np.allclose(found, exact, rtol=2e-6, atol=1e-10)
    assert np.allclose(kl_bits(Normal(mean, scale), Normal(0.0, 1.0)), exact / np.log(2), rtol=2e-6, atol=1e-10)


def test_kl_between_any_two_normals():
    q, p = Normal(np.float32([3.0, 0.1]), np.float32([0.5, 9.0])), Normal(np.float32(1.0), np.float32(4.0))
    exact = exact_kl_nats((q.loc - 1.0) / 4, q.scale / 4)
    assert np.allclose(kl_nats(q, p), exact, rtol=1e-6)
    assert np.array_equal(kl_nats(p, p), 0.0)


def test_renyi_infinity_against_papers():
    """Figures of a simulation; for scale < 1 the grid's distribution has nearly the continuous supremum."""
    mean, scale = np.float32([0.5, 1, 1, 0, 2, 1.5]), np.float32([0.5, 0.25, 0.1, 0.1, 0.05, 0.02])
    found = jax.jit(renyi_infinity_bits)(Normal(mean, scale), Normal(0.0, 1.0))
    exact = (-np.log(np.float64(scale)) + mean**2 / (2 * (1 - np.float64(scale) ** 2))) / np.log(2)
    assert np.allclose(found, exact, atol=1e-4)
    assert np.allclose(found, [1.24, 2.77, 4.05, 3.32, 7.21, 7.27], atol=0.006)


def test_distributions_are_pytrees():
    stacked = jax.vmap(lambda q: q.log_prob(jnp.float32(0.5)))(Normal(LOC, SCALE))
    assert np.allclose(stacked, Normal(LOC, SCALE).log_prob(jnp.float32(0.5)), rtol=1e-6)
