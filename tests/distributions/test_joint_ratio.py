"""The ratio of a full-covariance target against NumPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax import grid
from recjax.distributions import MultivariateNormal, Normal, density_ratio

P_LOC, P_SCALE = np.float32([0.3, -2.0, 10.0]), np.float32([1.0, 2.7, 0.1])


def target(narrow: float, correlation: float, dim: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Mean and Cholesky factor in units of the coding distribution."""
    deviation = narrow * np.array([0.3, 0.25, 0.6])[:dim]
    mixing = np.full((dim, dim), correlation) + (1 - correlation) * np.eye(dim)
    mixing[0, 1:] *= -1
    mixing[1:, 0] *= -1
    return np.array([0.8, -1.2, 0.3])[:dim], np.linalg.cholesky(deviation[:, None] * mixing * deviation)


def ratio_of(mean, tril):
    q = MultivariateNormal(np.float32(P_LOC + P_SCALE * mean), np.float32(P_SCALE[:, None] * tril))
    return jax.jit(density_ratio)(q, Normal(P_LOC, P_SCALE))


def exact_log_ratio(mean, tril, words):
    z = np.asarray(grid.value_fixed(jnp.asarray(words)), np.float64) / 2.0**26
    white = np.linalg.solve(tril, z - mean[:, None])
    return 0.5 * np.sum(z**2 - white**2, axis=0) - np.log(np.diag(tril)).sum()


@pytest.mark.parametrize(("narrow", "correlation"), [(1, 0.0), (1, 0.7), (0.02, 0.5), (1, 0.98), (2.5, 0.3)])
def test_log_ratio_bound_and_largest(narrow, correlation):
    mean, tril = target(narrow, correlation)
    ratio = ratio_of(mean, tril)
    rng = np.random.default_rng(0)
    z = np.concatenate([mean + rng.standard_normal((300, 3)) @ tril.T, rng.standard_normal((300, 3))])
    words = np.asarray(grid.cell(jnp.asarray(z.T, jnp.float32)))
    found = np.asarray(ratio.block_log_ratio(jnp.asarray(words)), np.float64)
    exact = exact_log_ratio(mean, tril, words)
    # Equal up to a constant, which is the bound's largest log ratio.
    offset = exact - found
    assert np.ptp(offset) < 2e-4 * (1 + np.abs(found).max())
    assert (np.asarray(ratio.bound.block_log_ratio(jnp.asarray(words))) >= found - 1e-5 * (1 - found)).all()
    precision = np.linalg.inv(tril @ tril.T)
    best = float(ratio.block_log_best)
    if np.linalg.eigvalsh(precision)[0] > 1.01:
        mode = np.linalg.solve(precision - np.eye(3), precision @ mean)
        white = np.linalg.solve(tril, mode - mean)
        largest = 0.5 * (mode @ mode - white @ white) - np.log(np.diag(tril)).sum() - offset[np.argmax(found)]
        # The largest is known from the offset, which has the rounding of log ratios.
        assert largest <= best + 1e-5 and best < min(largest + 0.01, 1e-9)
    else:
        assert best == 0
    assert found.max() <= best


@pytest.mark.parametrize("widths", [(1e-3, 0.9, 0.5), (1e-4, 0.5, 0.5)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_targets_far_wider_in_one_direction_than_in_another_keep_their_digits(widths, seed):
    rng = np.random.default_rng(seed)
    turned = np.linalg.qr(rng.standard_normal((3, 3)))[0] * np.array(widths)
    mean, tril = rng.uniform(-1, 1, 3), np.linalg.cholesky(turned @ turned.T)
    # In the units of the coding distribution it is given in float32, and is that.
    q = MultivariateNormal(np.float32(mean), np.float32(tril))
    ratio = jax.jit(density_ratio)(q, Normal(np.zeros(3, np.float32), np.ones(3, np.float32)))
    mean, tril = np.float64(q.loc), np.float64(q.scale_tril)
    words = np.asarray(grid.cell(jnp.asarray((mean[:, None] + tril @ rng.standard_normal((3, 2000))), jnp.float32)))
    found = np.asarray(ratio.block_log_ratio(jnp.asarray(words)), np.float64)
    offset = exact_log_ratio(mean, tril, words) - found
    assert offset.std() < 2e-3
    precision = np.linalg.inv(tril @ tril.T)
    mode = np.linalg.solve(precision - np.eye(3), precision @ mean)
    white = np.linalg.solve(tril, mode - mean)
    largest = 0.5 * (mode @ mode - white @ white) - np.log(np.diag(tril)).sum() - offset.mean()
    assert largest < float(ratio.block_log_best) < min(largest + 0.1, 1e-9)


@pytest.mark.parametrize("scale", [1e-20, 1e-6, 1e25])
def test_scales_at_the_ends_of_float32_give_numbers(scale):
    mean, _ = target(1, 0.5)
    for tril in (scale * np.eye(3), np.diag([scale, 0.5, 0.5])):
        ratio = ratio_of(mean, tril)
        words = jnp.asarray(np.random.default_rng(0).integers(0, 1 << 24, (3, 50)), jnp.uint32)
        assert ratio.valid.all() and np.isfinite(ratio.block_log_ratio(words)).all()
        assert np.isfinite(ratio.block_log_best)


def test_dependence_beyond_float32_is_told():
    tril = np.array([[0.5, 0, 0], [0.5, 1e-7, 0], [0, 0, 0.5]])
    assert not ratio_of(np.zeros(3), tril).covered.any()


def test_independent_coordinates_are_those_of_independent_normals():
    mean, tril = target(1, 0.0)
    tril = np.diag(np.diag(tril))
    ratio = ratio_of(mean, tril)
    scale = np.float32(P_SCALE * np.diag(tril))
    other = density_ratio(Normal(np.float32(P_LOC + P_SCALE * mean), scale), Normal(P_LOC, P_SCALE))
    words = jnp.asarray(np.random.default_rng(0).integers(0, 1 << 24, (3, 500)), jnp.uint32)
    assert np.allclose(ratio.block_log_ratio(words), other.block_log_ratio(words), rtol=1e-3, atol=2e-3)
    assert np.allclose(ratio.marginal.scale, other.scale, rtol=1e-5)


@pytest.mark.parametrize("entry", [np.nan, 0.0, -1.0, np.inf])
def test_what_is_no_covariance_gives_a_ratio_of_one(entry):
    mean, tril = target(1, 0.5)
    tril[1, 1] = entry
    ratio = ratio_of(mean, tril)
    words = jnp.asarray(np.random.default_rng(0).integers(0, 1 << 24, (3, 50)), jnp.uint32)
    assert not ratio.valid.any()
    assert np.allclose(ratio.block_log_ratio(words), 0.0, atol=1e-5)
    assert np.isfinite(ratio.block_log_best)
