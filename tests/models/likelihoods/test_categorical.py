"""Categorical distributions of pixels: integers against floats, their codec, and a digest."""

import functools
import zlib
from decimal import ROUND_DOWN, Context, localcontext

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax.coding import rans
from recjax.models.likelihoods import categorical

LEVELS = 256


def random_logits(count=200, seed=0, scale=3.0):
    return np.random.default_rng(seed).normal(0, scale, (count, LEVELS)).astype(np.float32)


compiled_law = jax.jit(categorical.distribution)


def fixed(logits):
    return jnp.asarray(np.rint(logits * 256), jnp.int32)


def test_masses_are_leaky_sum_to_2_16_and_are_the_same_compiled():
    extreme = np.full((3, LEVELS), -127.0)
    extreme[1, 5], extreme[2] = 127.0, 0.0
    logits = fixed(np.concatenate([random_logits(), random_logits(scale=40.0), extreme]))
    distribution = categorical.distribution(logits)
    for a, b in zip(distribution, compiled_law(logits), strict=True):
        np.testing.assert_array_equal(a, b)
    edges = np.asarray(distribution.edges, np.int64)
    assert (edges[:, 0] == 0).all() and (edges[:, -1] == 2**16).all() and np.diff(edges, axis=1).min() >= 1
    assert distribution.present.min() >= 1 and distribution.present.max() <= 2**16 - 1


@functools.cache
def of_symbols(cost):
    """A cost of a distribution and a symbol, compiled for many symbols."""
    return jax.jit(jax.vmap(cost, (None, 0)))


@pytest.mark.parametrize("scale", [0.1, 3.0, 10.0])
def test_the_integer_law_costs_little_more_than_the_float_one(scale):
    logits = random_logits(scale=scale)
    symbols = jnp.broadcast_to(jnp.arange(LEVELS)[:, None], (LEVELS, len(logits)))
    log_probs = np.asarray(of_symbols(categorical.log_prob)(jnp.asarray(logits), symbols), np.float64)
    bits = np.asarray(of_symbols(categorical.bits)(compiled_law(fixed(logits)), symbols), np.float64)
    np.testing.assert_allclose(np.exp(log_probs).sum(axis=0), 1, rtol=1e-5)
    np.testing.assert_allclose(np.exp2(-bits).sum(axis=0), 1, rtol=1e-4)
    probs = np.exp(log_probs)
    excess = (probs * (bits + log_probs / np.log(2))).sum(axis=0)
    # The least masses of 255 values, of which a distribution of few values has no use, are 0.0056 bits.
    assert excess.min() > -1e-4 and excess.max() < 0.0062 and excess.mean() < 0.004


def test_a_sure_0_costs_next_to_nothing():
    logits = fixed(np.full((1, LEVELS), 0.0, np.float32)).at[0, 0].set(-(127 << 8))
    assert 0 < float(categorical.bits(compiled_law(logits), jnp.array([0]))[0]) < 3e-5


def test_pixels_come_back():
    lanes = 7
    codec = categorical.codec(compiled_law(fixed(random_logits(lanes))))
    push, pop, empty = jax.jit(codec.push), jax.jit(codec.pop), rans.empty((), lanes, 50)
    for x in (0, 1, 2, 100, 254, 255):
        symbol = jnp.full(lanes, x, jnp.uint32)
        message = push(empty, symbol)
        after, popped = pop(message)
        assert int(message.fault) == 0 and np.array_equal(popped, symbol)
        assert np.array_equal(after.head, empty.head) and int(after.size) == 0
    assert int(push(empty, jnp.full(lanes, 256, jnp.uint32)).fault) & rans.ZERO_MASS


@pytest.mark.parametrize("size", [1, 15, 16, 17, 255])
def test_running_sum(size):
    x = np.random.default_rng(size).integers(0, 1000, (4, size)).astype(np.uint32)
    np.testing.assert_array_equal(categorical.running_sum(jnp.asarray(x)), np.cumsum(x, axis=1))


def test_laws_never_drift():
    k = np.arange(8 * LEVELS)
    logits = jnp.asarray(((k * k * 7919) % 6007 - 3000).reshape(8, LEVELS), jnp.int32)
    distribution = compiled_law(logits)
    data = b"".join(np.asarray(part).astype("<u4").tobytes() for part in distribution)
    assert zlib.crc32(data) == 3602311967


def test_the_table_does_not_depend_on_the_decimals_of_the_program():
    with localcontext(Context(prec=7, rounding=ROUND_DOWN)):
        np.testing.assert_array_equal(categorical._exp_table.__wrapped__(), categorical._exp_table())
