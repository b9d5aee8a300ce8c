"""Small parts of training whose faults the long tests would not show."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax.models.vae import evaluate as models
from recjax.models.vae import network as vae
from recjax.rec.candidates.interval_counts import intervals_from_kl
from training import checkpoint, data
from training.vae.convert import to_model
from training.vae.objectives import negative_elbo

VAE = vae.VAEConfig((4, 4), 5, 3, hidden=(8, 6), likelihood="beta_binomial")


@pytest.fixture(scope="module")
def params():
    return jax.jit(vae.init, static_argnums=0)(VAE, jax.random.key(0))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 5, (60, 4, 4), dtype=np.uint8)


def test_a_checkpoint_of_other_types_is_refused(tmp_path):
    path = tmp_path / "c.safetensors"
    checkpoint.save(path, {"a": np.zeros(3, np.float32)}, {})
    for dtype in (np.float64, np.int32):
        with pytest.raises(ValueError, match="another configuration"):
            checkpoint.restore(path, {"a": np.zeros(3, dtype)})
    assert checkpoint.restore(path, {"a": np.zeros(3, np.float32)})[1] == {}


def test_splits_of_the_digits_have_their_sizes():
    sizes = [len(data.load("digits", split).images) for split in ("train", "validation", "test")]
    assert sum(sizes) == 1797 and sizes[1] == data._DIGITS_VALIDATION and sizes[2] == data._DIGITS_TEST


def test_the_negative_elbo_is_divergence_less_log_likelihood_a_pixel(params, images):
    x, key = jnp.asarray(images.reshape(60, -1)), jax.random.key(1)
    terms = vae.elbo_terms(VAE, params, key, x, False)
    kl, likelihood = np.asarray(terms.kl, np.float64).sum(), np.asarray(terms.log_likelihood, np.float64).sum()
    expected = (kl - likelihood) / (60 * 16 * np.log(2))
    assert float(negative_elbo(VAE, params, key, x, training=False)) == pytest.approx(expected, rel=1e-5)
    half = (0.5 * kl - likelihood) / (60 * 16 * np.log(2))
    assert float(negative_elbo(VAE, params, key, x, kl_weight=0.5, training=False)) == pytest.approx(half, rel=1e-5)


@pytest.fixture(scope="module")
def converted(params, images):
    return to_model("small", VAE, params, images)


def test_a_converted_model_states_the_divergence_of_its_latents_in_bits(converted, params, images):
    mean, log2_scale = map(np.float64, vae.posterior(VAE, params, jnp.asarray(images.reshape(60, -1))))
    scale = np.exp2(log2_scale)
    bits = (0.5 * (scale**2 + mean**2 - 1) - np.log(scale)).mean(axis=0) / np.log(2)
    assert np.allclose(converted.kl_bits / models.KL_UNIT, bits, atol=2e-3)
    assert np.array_equal(converted.intervals, intervals_from_kl(bits))


def test_a_converted_model_infers_what_was_trained(converted, params, images):
    x = images.reshape(60, -1)
    found = models.posterior_floats(converted, jnp.asarray(x))
    mean, log2_scale = vae.posterior(VAE, params, jnp.asarray(x))
    assert np.allclose(found[0], mean, atol=5e-3) and np.allclose(np.log2(found[1]), log2_scale, atol=1e-2)
