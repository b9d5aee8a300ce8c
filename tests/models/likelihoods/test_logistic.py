"""Discretised logistic distributions: floats against scipy, integers against floats, codec, gradients, and a digest."""

import functools
import zlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from recjax.coding import rans
from recjax.models.likelihoods import logistic
from recjax.models.likelihoods.families import make_likelihood

LEVELS = (2, 3, 17, 256)


def random_parameters(count=300, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([rng.uniform(-5, 5, count), rng.uniform(-5, 2, count)], axis=-1).astype(np.float32)


@functools.cache
def of_symbols(cost):
    """A cost of a distribution and a symbol, compiled for many symbols."""
    return jax.jit(jax.vmap(cost, (None, 0), out_axes=-1))


def of_all(cost, distribution, count, levels):
    """A cost [distribution, level] of every level."""
    symbols = jnp.broadcast_to(jnp.arange(levels)[:, None], (levels, count))
    return np.asarray(of_symbols(cost)(distribution, symbols), np.float64)


@pytest.mark.parametrize("levels", LEVELS)
def test_agrees_with_scipy(levels):
    parameters = random_parameters()
    got = of_all(make_likelihood("discretised_logistic", levels).log_prob, parameters, len(parameters), levels)
    mean, scale = (parameters[:, :1].astype(np.float64), np.exp(parameters[:, 1:].astype(np.float64)))
    edges = np.concatenate([[-np.inf], 8 * np.arange(1, levels) / levels - 4, [np.inf]])
    distribution = scipy.stats.logistic(mean, scale)
    # In the tail where both are small.
    low, high = edges[None, :-1], edges[None, 1:]
    mass = np.where(
        low > mean, distribution.sf(low) - distribution.sf(high), distribution.cdf(high) - distribution.cdf(low)
    )
    likely = mass > 1e-30
    np.testing.assert_allclose(got[likely], np.log(mass[likely]), rtol=2e-5, atol=2e-4)
    np.testing.assert_allclose(np.exp(got).sum(axis=-1), 1, atol=1e-4)


@pytest.mark.parametrize("levels", LEVELS)
def test_gradients_are_finite_and_right(levels):
    log_prob = make_likelihood("discretised_logistic", levels).log_prob
    parameters = jnp.asarray([[0.3, -1.0], [-3.9, -4.9], [20.0, 9.0], [-20.0, -9.0], [0.0, 0.0]])
    gradient = jax.jit(jax.vmap(jax.grad(log_prob), (0, None)))
    for x in {0, 1, levels - 1}:
        found = np.asarray(gradient(parameters, jnp.int32(x)))
        assert np.isfinite(found).all()
        for axis in (0, 1):
            step = np.zeros(2, np.float32)
            step[axis] = 2e-2
            slope = (log_prob(parameters[0] + step, jnp.int32(x)) - log_prob(parameters[0] - step, jnp.int32(x))) / 4e-2
            assert abs(float(slope) - found[0, axis]) < 2e-2 * (1 + abs(found[0, axis]))


def fixed(parameters):
    return jnp.asarray(np.rint(np.asarray(parameters) * 256), jnp.int32)


@pytest.mark.parametrize("levels", LEVELS)
def test_masses_are_leaky_sum_to_2_16_and_are_the_same_compiled(levels):
    ends = np.array([-(2**15), -2048, -1, 0, 1, 2048, 2**15])
    extreme = np.stack(np.meshgrid(ends, ends), axis=-1).reshape(-1, 2)
    parameters = jnp.concatenate([fixed(random_parameters()), jnp.asarray(extreme, jnp.int32)])

    def edges(parameters):
        distribution = logistic.distribution(parameters)
        return jax.vmap(lambda k: logistic.cdf(distribution, k, levels))(jnp.arange(levels + 1, dtype=jnp.uint32))

    found = np.asarray(jax.jit(edges)(parameters), np.int64)
    np.testing.assert_array_equal(found, edges(parameters))
    assert (found[0] == 0).all() and (found[-1] == 2**16).all() and np.diff(found, axis=0).min() >= 1


@pytest.mark.parametrize("levels", LEVELS)
def test_the_integer_law_costs_little_more_than_the_float_one(levels):
    likelihood, parameters = make_likelihood("discretised_logistic", levels), random_parameters()
    log_probs = of_all(likelihood.log_prob, parameters, len(parameters), levels)
    bits = of_all(likelihood.bits, likelihood.distribution(fixed(parameters)), len(parameters), levels)
    np.testing.assert_allclose(np.exp2(-bits).sum(axis=-1), 1, atol=1e-4)
    excess = (np.exp(log_probs) * (bits + log_probs / np.log(2))).sum(axis=-1)
    # Least masses of 256 levels take 0.0056 bits. Means are rounded to over half of the smallest scale.
    assert excess.min() > -1e-4 and excess.max() < 0.03 and excess.mean() < 6e-3 * levels / 256 + 1e-3


@pytest.mark.parametrize("levels", LEVELS)
def test_pixels_come_back(levels):
    lanes = 7
    codec = logistic.codec(logistic.distribution(fixed(random_parameters(lanes))), levels)
    push, pop, empty = jax.jit(codec.push), jax.jit(codec.pop), rans.empty((), lanes, 50)
    for x in {0, 1, levels // 2, levels - 1}:
        symbol = jnp.full(lanes, x, jnp.uint32)
        after, popped = pop(push(empty, symbol))
        assert int(push(empty, symbol).fault) == 0 and np.array_equal(popped, symbol)
        assert np.array_equal(after.head, empty.head) and int(after.size) == 0
    assert int(push(empty, jnp.full(lanes, levels, jnp.uint32)).fault) & rans.ZERO_MASS


def test_laws_never_drift():
    k = np.arange(64)
    parameters = jnp.asarray(np.stack([(k * 7919) % 4000 - 2000, (k * 6007) % 1800 - 1290], axis=-1), jnp.int32)
    data = b""
    for levels in LEVELS:
        distribution = logistic.distribution(parameters)
        masses = jax.vmap(lambda k, distribution=distribution, n=levels: logistic.cdf(distribution, k, n))(
            jnp.arange(levels, dtype=jnp.uint32)
        )
        data += np.asarray(masses).astype("<u4").tobytes()
    assert zlib.crc32(data) == 1598784224


def test_bad_levels_are_explained():
    with pytest.raises(ValueError, match="2 to 256 levels, got 300"):
        make_likelihood("discretised_logistic", 300)
