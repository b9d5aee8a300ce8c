"""The context of pixels and the head: what the float and the exact network are told, and what the head makes of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax.models.vae import context, context_head
from recjax.models.vae import network as vae

SHAPE = (4, 6)


def images(count=3, seed=0):
    rng = np.random.default_rng(seed)
    return jnp.asarray(rng.integers(0, 256, (count, 24)) * (rng.random((count, 24)) < 0.4), jnp.uint8)


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_slices_of_a_padded_image_are_the_neighbours(radius):
    x = images()
    padded = np.concatenate([x, np.zeros((3, 1), np.uint8)], axis=1)
    wanted = padded[:, context.neighbours(SHAPE, radius)]
    np.testing.assert_array_equal(context.seen(x, SHAPE, radius), wanted)
    inputs = context.float_inputs(x, SHAPE, radius, 256)
    assert inputs.shape[-1] == context.num_inputs(radius)
    np.testing.assert_array_equal(inputs * 2**11, context.exact_inputs(jnp.asarray(wanted), 256))


def make(**changes):
    options = {"likelihood": "categorical", "context_radius": 2, "features": 3, "head": (8, 8), **changes}
    config = vae.VAEConfig(SHAPE, 256, 4, (8,), **options)
    rng = np.random.default_rng(0)
    shapes = jax.eval_shape(lambda key: vae.init(config, key), jax.random.key(0))
    # From NumPy, which has nothing to compile.
    return config, jax.tree.map(lambda leaf: np.float32(rng.normal(size=leaf.shape) / len(leaf) ** 0.5), shapes)


likelihood_parameters = jax.jit(vae.likelihood_parameters, static_argnums=0)
log_likelihood = jax.jit(vae.log_likelihood, static_argnums=0)


def sum_of_pixels(config, parameters, x):
    """log p(x | z) from the parameters of each pixel, one by one."""
    return jax.jit(config.make_likelihood().log_prob)(parameters, x).sum(axis=-1)


@pytest.mark.parametrize("density", [0.1, 0.9])
def test_the_few_values_above_0_are_evaluated_as_if_one_by_one(density):
    config, params = make()
    rng = np.random.default_rng(1)
    x = jnp.asarray(rng.integers(1, 256, (5, 24)) * (rng.random((5, 24)) < density), jnp.uint8)
    z = jnp.asarray(rng.normal(size=(5, 4)), jnp.float32)
    wanted = sum_of_pixels(config, likelihood_parameters(config, params, z, x), x)
    np.testing.assert_allclose(log_likelihood(config, params, z, x), wanted, rtol=1e-5)


def test_a_head_of_another_likelihood():
    config, params = make(likelihood="beta_binomial")
    x, z = images(2), jnp.zeros((2, 4))
    parameters = likelihood_parameters(config, params, z, x)
    assert parameters.shape == (2, 24, 2)
    np.testing.assert_allclose(log_likelihood(config, params, z, x), sum_of_pixels(config, parameters, x), rtol=1e-6)


def test_a_head_with_bfloat16_weights_computes_a_float32_law():
    config, params = make()
    x, z = images(2), jnp.zeros((2, 4))
    found = log_likelihood(config, jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), params), z, x)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, log_likelihood(config, params, z, x), rtol=5e-3)


def test_later_pixels_do_not_matter():
    config, params = make()
    x, z = images(1), jnp.ones((1, 4))
    changed = x.at[0, 15].set(255 - x[0, 15])
    one, other = (likelihood_parameters(config, params, z, a)[0] for a in (x, changed))
    differs = np.flatnonzero(np.abs(np.asarray(one - other)).max(axis=-1) > 0)
    assert differs.min() > 15 and set(differs) <= set(np.flatnonzero((context.neighbours(SHAPE, 2) == 15).any(axis=1)))
    assert len(context_head.init(config, jax.random.key(1))) == 3
