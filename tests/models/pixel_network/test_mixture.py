"""Masses of mixtures: whole, positive, found again, close to the floats, and the same for ever."""

import hashlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit

from recjax.models.fixed_point.network import LIMIT
from recjax.models.pixel_network import mixture as mixtures
from recjax.models.pixel_network.floats import bits_of
from recjax.models.pixel_network.mixture import (
    COMPONENTS,
    TOTAL_MASS,
    VALUES,
    cumulative,
    interval,
    mixture_of,
    value_at,
)

GOLDEN = "d1cb33a9c9b09ac261211e8af2746de625fbd02de0a51c01d7ab83f575896fe4"
"""SHA-256 of the masses of mixtures of any outputs, which files depend on."""


def centred(rng, count, scale, weights):
    """Outputs of locations near the base, all scales equal, and these weights."""
    return np.concatenate([rng.normal(0, 99, (count, 3)), np.full((count, 3), scale), weights], axis=1)


CASES = {
    "typical": lambda rng, n: rng.normal(0, 1500, (n, 9)),
    "any outputs": lambda rng, n: rng.integers(-LIMIT, LIMIT + 1, (n, 9)),
    "narrowest": lambda rng, n: centred(rng, n, -LIMIT, np.zeros((n, 3))),
    "widest": lambda rng, n: centred(rng, n, LIMIT, np.zeros((n, 3))),
    "one of three": lambda rng, n: centred(rng, n, 0, np.eye(3)[rng.integers(3, size=n)] * LIMIT),
}


def outputs(name, count=200):
    rng = np.random.default_rng(1)
    base, activity = rng.integers(-255, 1276, count), rng.integers(32, 22983, count) >> rng.integers(0, 9, count)
    return CASES[name](rng, count).astype(np.int32), base.astype(np.int32), np.maximum(activity, 32).astype(np.int32)


@pytest.fixture(params=CASES)
def some(request):
    return mixture_of(*map(jnp.asarray, outputs(request.param)))


def masses(mixture):
    """The cumulative masses below 0 to 256, [pixels, 257]."""
    count = mixture.location.shape[0]
    every = jax.vmap(lambda value: cumulative(mixture, jnp.full(count, value)), out_axes=1)
    return np.asarray(every(jnp.arange(VALUES + 1, dtype=jnp.int32)), np.int64)


def test_every_value_has_a_mass_and_they_add_up(some):
    steps = np.diff(masses(some), axis=1)
    assert steps.min() >= 1 and (steps.sum(axis=1) == TOTAL_MASS).all()
    assert (np.asarray(some.weight, np.int64).sum(axis=-1) == 1 << 15).all()


def test_every_mass_finds_its_value(some):
    below = masses(some)
    count = len(below)
    for value in (0, 1, 100, 254, 255):
        start, freq = interval(some, jnp.full(count, value, jnp.int32))
        np.testing.assert_array_equal(start, below[:, value])
        np.testing.assert_array_equal(freq, below[:, value + 1] - below[:, value])
        for mass in (start, start + freq - 1):
            np.testing.assert_array_equal(value_at(some, mass), value)


def test_masses_are_those_of_logistic_distributions():
    raw, base, activity = outputs("typical", 500)
    found = np.diff(masses(mixture_of(*map(jnp.asarray, (raw, base, activity)))), axis=1) / TOTAL_MASS
    places, scales, weights = np.split(raw / np.repeat([4096, 256, 256], COMPONENTS), 3, axis=1)
    location = np.clip(base[:, None] / 4 + activity[:, None] / 64 * places, -128, 384)
    scale = 2.0 ** np.clip(np.log2(activity[:, None] / 64) + scales, -4, 8)
    weight = 2.0**weights / (2.0**weights).sum(1, keepdims=True)
    edges = np.arange(VALUES + 1) - 0.5
    below = (weight[..., None] * expit((edges - location[..., None]) / scale[..., None])).sum(1)
    below[:, 0], below[:, -1] = 0, 1
    expected = np.diff(below, axis=1) * (1 - VALUES / TOTAL_MASS) + 1 / TOTAL_MASS
    # The cost of the integers, in bits a value, is the divergence from what they stand for.
    cost = (expected * np.log2(expected / found)).sum(1)
    assert cost.mean() < 0.001 and cost.max() < 0.02


def test_codelengths_in_floats_are_those_of_the_integers():
    raw, base, activity = outputs("typical", 500)
    value = np.clip(base // 4 + np.random.default_rng(2).integers(-9, 10, 500), 0, 255).astype(np.int32)
    real = jnp.asarray(raw / np.repeat([4096, 256, 256], COMPONENTS), jnp.float32)
    _, freq = interval(mixture_of(*map(jnp.asarray, (raw, base, activity))), jnp.asarray(value))
    exact = 16 - np.log2(np.asarray(freq, np.float64))
    found = np.asarray(bits_of(real, *map(jnp.asarray, (base, activity, value))))
    # The rarer a value, the more of its mass is rounded.
    common = exact < 5
    assert common.sum() > 50 and abs(np.mean((found - exact)[exact < 8])) < 0.005
    np.testing.assert_allclose(found[common], exact[common], atol=0.15)


def test_golden_masses():
    raw, base, activity = outputs("any outputs", 64)
    found = masses(mixture_of(*map(jnp.asarray, (raw, base, activity)))).astype("<u4")
    assert hashlib.sha256(found.tobytes()).hexdigest() == GOLDEN


def test_tables_are_as_long_as_their_indices():
    assert mixtures._logistic().size == 24 << 5 and mixtures._mantissas()[0] == 1 << 15
    assert mixtures._powers()[0] == 1 << 14 and mixtures._logs().size > 3 * 6 * 1275 + 32
