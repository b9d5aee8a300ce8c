"""IsoKL posteriors: the KL divergence is kappa wherever the mean lies, and so is what training and encoders see."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax.models.vae import isokl
from recjax.models.vae import network as vae

KAPPAS = (1e-3, 0.1, 1.0, 2.3, 5.0, isokl.MAX_KAPPA_NATS)
moments = jax.jit(isokl.moments)


def kl_nats(mean, log2_scale):
    """In float64."""
    mean, scale = np.float64(mean), np.exp2(np.float64(log2_scale))
    return 0.5 * (scale**2 + mean**2 - 1) - np.log(scale)


@pytest.mark.parametrize("kappa", KAPPAS)
def test_every_dimension_has_a_kl_of_kappa(kappa):
    alpha = np.concatenate([np.linspace(-9, 9, 2001), np.linspace(-1e-3, 1e-3, 11)]).astype(np.float32)
    mean, log2_scale = moments(alpha, jnp.full(len(alpha), kappa, jnp.float32))
    assert np.allclose(kl_nats(mean, log2_scale), kappa, rtol=2e-6, atol=2e-7)
    assert (log2_scale <= 0).all() and (log2_scale >= vae.MIN_LOG2_SCALE).all()
    assert (np.diff(mean[:2001]) >= 0).all() and np.abs(mean).max() <= np.sqrt(2 * kappa)
    assert np.allclose(vae.kl_nats(mean, log2_scale), kappa, rtol=1e-5, atol=2e-6)


def test_gradients_are_finite_and_those_of_the_formula():
    alpha, kappa = (jnp.ravel(side) for side in jnp.meshgrid(jnp.linspace(-20, 20, 401), jnp.asarray(KAPPAS)))

    def both(alpha, kappa):
        return jnp.concatenate(isokl.moments(alpha[None], kappa[None]))

    moment = jax.jit(jax.vmap(both))(alpha, kappa)
    by_alpha, by_kappa = jax.jit(jax.vmap(jax.jacobian(both, (0, 1))))(alpha, kappa)
    assert np.isfinite(by_alpha).all() and np.isfinite(by_kappa).all()
    # The KL is kappa: its derivative by alpha vanishes, that by kappa is 1.
    by_moments = np.stack([moment[:, 0], (np.exp2(2 * moment[:, 1]) - 1) * np.log(2)], axis=1)
    assert np.allclose((by_moments * by_alpha).sum(axis=1), 0, atol=1e-4)
    assert np.allclose((by_moments * by_kappa).sum(axis=1), 1, atol=1e-3)


CONFIG = vae.VAEConfig((4, 4), 2, 5, hidden=(8,), likelihood="bernoulli", posterior="isokl", kl_groups=2)


@pytest.fixture(scope="module")
def params():
    params = jax.jit(vae.init, static_argnums=0)(CONFIG, jax.random.key(0))
    return {**params, "log_kappa": jnp.log(jnp.array([0.5, 3.0]))}


def test_a_vae_has_the_kappa_of_its_groups(params):
    x = jnp.asarray(np.random.default_rng(0).integers(0, 2, (6, 16)), jnp.uint8)
    terms = jax.jit(vae.elbo_terms, static_argnums=0)(CONFIG, params, jax.random.key(1), x)
    assert np.allclose(terms.kl, [0.5, 0.5, 0.5, 3, 3], rtol=1e-5)
    assert params["inference"]["layer_1"]["kernel"].shape == (8, 5)
    mean, _ = vae.posterior(CONFIG, params, x)
    assert mean.shape == (6, 5) and np.ptp(mean) > 0


def test_kappa_is_learned_and_bounded(params):
    x = jnp.ones((6, 16), jnp.uint8)

    def loss(params):
        return -vae.elbo_terms(CONFIG, params, jax.random.key(1), x).elbo.mean()

    gradient = jax.jit(jax.grad(loss))(params)["log_kappa"]
    assert gradient.shape == (2,) and np.isfinite(gradient).all() and (gradient != 0).all()
    far = {**params, "log_kappa": jnp.array([99.0, -99.0])}
    kappa = vae.kappa_nats(CONFIG, far)
    assert float(kappa[0]) == pytest.approx(isokl.MAX_KAPPA_NATS) and float(kappa[-1]) > 0


def test_posteriors_are_named():
    with pytest.raises(ValueError, match="no posterior 'laplace'; choose one of normal, isokl"):
        vae.networks(vae.VAEConfig((4, 4), 17, 5, posterior="laplace"))
