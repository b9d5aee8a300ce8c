"""Pruning: latents that carry nothing go, and what is left computes what it did."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax.models.vae import network as vae
from training.vae.prune import prune

VAE = vae.VAEConfig((4, 4), 2, 5, hidden=(8, 6), likelihood="bernoulli")
DROPPED, KEPT = [1, 4], [0, 2, 3]

init, posterior, pixel_outputs = (
    jax.jit(function, static_argnums=0) for function in (vae.init, vae.posterior, vae.pixel_outputs)
)


@pytest.fixture(scope="module")
def params():
    """Latents 1 and 4 have the same posterior for every image: means of 0.1, scales of 1."""
    params = init(VAE, jax.random.key(0))
    columns = jnp.array(DROPPED)
    last = params["inference"]["layer_2"]
    kernel = (3 * last["kernel"]).at[:, columns].set(0).at[:, 5 + columns].set(0)
    params["inference"]["layer_2"] = {"kernel": kernel, "bias": last["bias"].at[columns].set(0.1)}
    return params


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 2, (40, 4, 4), dtype=np.uint8)


def test_what_carries_nothing_goes_and_the_rest_stays(params, images):
    small = prune(VAE, params, images)
    assert small.kept.tolist() == KEPT and small.config == replace(VAE, latents=3)
    x = jnp.asarray(images.reshape(40, -1))
    whole, left = (posterior(config, p, x) for config, p in ((VAE, params), small[:2]))
    for all_columns, columns in zip(whole, left, strict=True):
        np.testing.assert_allclose(all_columns[:, np.array(KEPT)], columns, atol=1e-6)
    z = jnp.asarray(np.random.default_rng(1).normal(size=(7, 5)), jnp.float32).at[:, np.array(DROPPED)].set(0.1)
    wanted = pixel_outputs(VAE, params, z)
    found = pixel_outputs(small.config, small.params, z[:, np.array(KEPT)])
    np.testing.assert_allclose(wanted, found, atol=1e-5)


def test_one_latent_stays_and_isokl_keeps_all(params, images):
    mean, log2_scale = posterior(VAE, params, jnp.asarray(images.reshape(40, -1)))
    most = int(vae.kl_nats(mean, log2_scale).mean(axis=0).argmax())
    assert prune(VAE, params, images, below_bits=1e9).kept.tolist() == [most]
    isokl = replace(VAE, posterior="isokl")
    assert prune(isokl, init(isokl, jax.random.key(0)), images).kept.tolist() == [0, 1, 2, 3, 4]
