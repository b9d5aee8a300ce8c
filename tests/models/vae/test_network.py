"""The float VAE: shapes, KL against scipy's integral, and a gradient that trains."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from recjax.models.vae import network as vae

CONFIG = vae.VAEConfig((4, 4), 17, 3, hidden=(8, 6), dropout=0.5)


@pytest.fixture(scope="module")
def params():
    return jax.jit(vae.init, static_argnums=0)(CONFIG, jax.random.key(0))


def test_shapes_for_any_batch(params):
    def shapes(function, *arguments):
        return jax.eval_shape(functools.partial(function, CONFIG), params, *arguments)

    def terms_and_elbo(*arguments):
        terms = vae.elbo_terms(*arguments)
        return terms, terms.elbo

    terms, elbo = shapes(terms_and_elbo, jax.random.key(1), jnp.zeros((2, 5, 16), jnp.uint8))
    assert terms.log_likelihood.shape == elbo.shape == (2, 5)
    assert terms.kl.shape == (2, 5, 3)
    assert shapes(vae.pixel_outputs, jnp.zeros((7, 3))).shape == (7, 16, 2)


def test_kl_is_the_integral():
    mean, scale = 1.3, 0.2
    q, p = scipy.stats.norm(mean, scale), scipy.stats.norm()
    wanted = scipy.integrate.quad(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), mean - 2, mean + 2)[0]
    assert float(vae.kl_nats(jnp.float32(mean), jnp.log2(jnp.float32(scale)))) == pytest.approx(wanted, rel=1e-5)
    assert float(vae.kl_nats(jnp.float32(0), jnp.float32(0))) == 0


def test_dropout_acts_only_in_training(params):
    x = jnp.full((50, 16), 9, jnp.uint8)
    mean, _ = vae.posterior(CONFIG, params, x)
    dropped, _ = vae.posterior(CONFIG, params, x, jax.random.key(2))
    assert (mean == mean[0]).all()
    assert len(np.unique(np.asarray(dropped[:, 0]))) > 1
