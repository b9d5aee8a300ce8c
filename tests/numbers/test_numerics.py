"""Delicate scalars against float64, at the ugly ends too."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats

from recjax import numerics
from recjax.rec.candidates.race import running_sum

log_sub_exp = jax.jit(numerics.log_sub_exp)
normal_mass = jax.jit(numerics.normal_mass)
log_normal_mass = jax.jit(numerics.log_normal_mass)
EDGES = np.array([-np.inf, -60, -40, -12, -5, -1, -1e-3, 0, 1e-3, 1, 5, 12, 40, 60, np.inf], np.float32)


def true_log_mass(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """log(Phi(upper) - Phi(lower)) in float64, in the smaller tail."""
    lower, upper = lower.astype(np.float64), upper.astype(np.float64)
    with np.errstate(invalid="ignore"):
        flip = lower + upper > 0
    near, far = np.where(flip, -upper, lower), np.where(flip, -lower, upper)
    big, small = scipy.special.log_ndtr(far), scipy.special.log_ndtr(near)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(big == -np.inf, -np.inf, big + np.log(-np.expm1(small - big)))


def test_log_sub_exp_against_float64():
    gap = np.array([1e-6, 1e-3, 0.1, 0.6931, 0.6932, 1, 5, 20, 80, 1e4], np.float64)
    big = np.array([-1000, -3, 0, 2, 80], np.float64)[:, None]
    small = (big - gap).astype(np.float32)
    big, small = (side[small < big] for side in np.broadcast_arrays(big, small))
    exact = big + np.log(-np.expm1(small.astype(np.float64) - big))
    assert np.allclose(log_sub_exp(jnp.float32(big), jnp.asarray(small)), exact, rtol=1e-6, atol=1e-6)


def test_log_sub_exp_at_the_ends():
    inf = jnp.inf
    found = log_sub_exp(jnp.array([0.0, 3.5, -inf, 2.0]), jnp.array([0.0, 3.5, -inf, -inf]))
    assert found.tolist() == [-inf, -inf, -inf, 2.0]


def test_normal_mass_against_float64():
    lower, upper = np.meshgrid(EDGES, EDGES, indexing="ij")
    ordered = lower <= upper
    lower, upper = lower[ordered], upper[ordered]
    exact = np.exp(true_log_mass(lower, upper))
    found = np.asarray(normal_mass(lower, upper))
    assert not np.isnan(found).any() and (found >= 0).all()
    assert np.allclose(found, exact, rtol=2e-5, atol=2e-8)
    tails = exact < 1e-6
    assert np.allclose(found[tails], exact[tails], rtol=2e-5, atol=1e-37)
    assert found[(lower == -np.inf) & (upper == np.inf)] == 1


def test_log_normal_mass_against_float64():
    finite = EDGES[np.isfinite(EDGES)]
    lower, upper = np.meshgrid(finite, finite, indexing="ij")
    ordered = lower < upper
    lower, upper = lower[ordered], upper[ordered]
    found = np.asarray(log_normal_mass(lower, upper))
    assert np.isfinite(found).all()
    assert np.allclose(found, true_log_mass(lower, upper), rtol=2e-6, atol=1e-4)


def test_log_normal_mass_of_nothing_and_of_everything():
    found = log_normal_mass(jnp.array([1.0, 40.0, -jnp.inf]), jnp.array([1.0, 40.0, jnp.inf]))
    assert found.tolist() == [-jnp.inf, -jnp.inf, 0.0]


@pytest.mark.parametrize("word", [0, 1, 255, 511, 1 << 31, 0xFFFFFF00, 0xFFFFFFFF])
def test_unit_exponential_is_positive_and_finite_for_every_word(word):
    """The last word once gave 0, as the middle of the last of 2^24 cells is no float32: an arrival at time 0."""
    x = float(numerics.unit_exponential(jnp.uint32(word)))
    assert 0 < x < 18
    assert x == pytest.approx(-np.log(((word >> 9) + 0.5) / 2**23), rel=1e-6)


def test_unit_exponential_is_exponential():
    word = np.random.default_rng(0).integers(0, 1 << 32, 50_000, dtype=np.uint32)
    x = np.asarray(jax.jit(numerics.unit_exponential)(word))
    assert scipy.stats.kstest(x, "expon").pvalue > 1e-3


minus_log_w0 = jax.jit(numerics.minus_log_w0)


def true_minus_log_w0(excess: np.ndarray) -> np.ndarray:
    """-ln(-W0(-exp(-1 - excess))) by scipy's Lambert W in float64."""
    return -np.log(-scipy.special.lambertw(-np.exp(-1 - excess.astype(np.float64))).real)


def test_the_principal_lambert_branch_against_scipy():
    excess = np.geomspace(1e-7, 59, 20_000).astype(np.float32)
    found, exact = np.asarray(minus_log_w0(excess)), true_minus_log_w0(excess)
    assert np.allclose(found, exact, rtol=1e-6, atol=0)
    # As the papers state it: s - ln s = c.
    assert np.allclose(np.exp(-np.float64(found)) + found, 1 + np.float64(excess), rtol=2e-7, atol=0)


def test_the_lambert_branch_point_and_underflow():
    found = minus_log_w0(jnp.array([0.0, 1e-30, 1e-12, 200.0, 1e4]))
    assert np.allclose(found, [0.0, np.sqrt(2e-30), np.sqrt(2e-12), 201.0, 10_001.0], rtol=1e-6)
    slopes = jax.vmap(jax.grad(numerics.minus_log_w0))(jnp.array([0.0, 1e-30, 1e4]))
    assert np.isfinite(slopes).all() and (slopes > 0).all()


def test_gradients_of_the_lambert_branch_against_finite_differences():
    excess = jnp.asarray(np.geomspace(1e-5, 59, 300), jnp.float32)
    points = np.asarray(excess, np.float64)
    step = 1e-4 * points
    wanted = (true_minus_log_w0(points + step) - true_minus_log_w0(points - step)) / (2 * step)
    assert np.allclose(jax.vmap(jax.grad(numerics.minus_log_w0))(excess), wanted, rtol=1e-4)
    assert np.allclose(jax.jvp(numerics.minus_log_w0, (excess,), (jnp.ones(300),))[1], wanted, rtol=1e-4)


def test_quick_log_against_float64():
    x = np.concatenate([np.geomspace(1e-37, 1e37, 5000), np.linspace(0.5, 2, 5000)]).astype(np.float32)
    found, exact = np.asarray(jax.jit(numerics.quick_log)(x), np.float64), np.log(x.astype(np.float64))
    assert (np.abs(found - exact) <= 3e-7 + 2.0**-23 * np.abs(exact)).all()


def test_quick_normal_is_symmetric_smooth_and_near_the_quantile():
    ends, step = np.arange(3000), np.arange(0, 1 << 24, 1777)
    cells = np.unique(np.concatenate([ends, (1 << 24) - 1 - ends, (1 << 23) + ends, step]))
    found = np.asarray(jax.jit(numerics.quick_normal)((cells - (1 << 23)).astype(np.float32)), np.float64)
    exact = scipy.special.ndtri((cells + 0.5) / 2.0**24)
    assert np.abs(found - exact).max() < 7e-6
    mirrored = jax.jit(numerics.quick_normal)(((1 << 23) - 1 - cells).astype(np.float32))
    assert np.array_equal(-np.asarray(mirrored, np.float64), found)
    wanted = np.diff(exact)
    assert (np.abs(np.diff(found) - wanted) <= 1e-4 * wanted + 1e-6).all()


def test_the_first_of_equal_minima_is_taken():
    for x in ([3.0, 1.0, 2.0, 1.0], [1.0], [2.0, 2.0, 2.0], [np.inf, np.inf], [5.0, 4.0, -np.inf, -np.inf]):
        place, lowest = numerics.first_minimum(jnp.asarray(x, jnp.float32))
        assert (int(place), float(lowest)) == (int(np.argmin(x)), min(x))


@pytest.mark.parametrize("size", [1, 15, 16, 17, 256, 257, 1000])
def test_running_sums_against_float64(size):
    x = np.random.default_rng(size).exponential(size=size).astype(np.float32)
    found = np.asarray(jax.jit(running_sum)(jnp.asarray(x)), np.float64)
    assert np.allclose(found, np.cumsum(x.astype(np.float64)), rtol=1e-6)
