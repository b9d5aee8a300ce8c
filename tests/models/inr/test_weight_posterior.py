"""Posteriors in units of priors: divergences against scipy's integrals, and the closed-form prior as the best one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from recjax.models.inr import weight_posterior
from recjax.models.inr.weight_posterior import Gaussian, Posterior


@pytest.mark.parametrize(("mean", "scale"), [(0.0, 1.0), (1.5, 0.2), (-0.3, 1.4), (0.0, 0.01)])
def test_the_divergence_is_the_integral(mean, scale):
    q, p = scipy.stats.norm(mean, scale), scipy.stats.norm()
    wanted, _ = scipy.integrate.quad(
        lambda x: q.pdf(x) * (q.logpdf(x) - p.logpdf(x)), mean - 12 * scale, mean + 12 * scale
    )
    found = weight_posterior.kl_nats(Posterior({"w": jnp.float32(mean)}, {"w": jnp.log(jnp.float32(scale))}))
    assert float(found["w"]) == pytest.approx(wanted, abs=1e-5)


def test_samples_have_the_posterior_s_moments():
    q = Posterior((jnp.full(20_000, 0.7), jnp.zeros(20_000)), (jnp.full(20_000, -1.0), jnp.zeros(20_000)))
    first, second = weight_posterior.sample(q, jax.random.key(0))
    assert scipy.stats.kstest(np.asarray(first), "norm", (0.7, np.exp(-1.0))).pvalue > 0.01
    assert scipy.stats.kstest(np.asarray(second), "norm").pvalue > 0.01
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03


def _total_kl(prior: Gaussian, variables: Posterior) -> float:
    """Of posteriors in units of the variables themselves, to a prior of the same units."""
    mean, log_scale = variables
    scale = jnp.exp(log_scale)
    nats = jnp.log(prior.scale / scale) + (scale**2 + (mean - prior.mean) ** 2) / (2 * prior.scale**2) - 0.5
    return float(nats.sum())


def test_no_other_prior_has_a_smaller_mean_divergence_and_posteriors_stay_what_they_were():
    rng = np.random.default_rng(0)
    prior = Gaussian(jnp.asarray([0.5, -1.0, 2.0]), jnp.asarray([1.0, 0.3, 2.0]))
    q = Posterior(
        jnp.asarray(rng.normal(size=(50, 4, 3)), jnp.float32), jnp.asarray(rng.normal(-1, 0.3, (50, 4, 3)), jnp.float32)
    )

    def variables(prior, q):
        return Posterior(weight_posterior.to_variables(prior, q.mean), q.log_scale + jnp.log(prior.scale))

    best, refined = weight_posterior.fit_prior(prior, q)
    for before, after in zip(variables(prior, q), variables(best, refined), strict=True):
        np.testing.assert_allclose(before, after, atol=1e-5)
    own = variables(prior, q)
    reached = _total_kl(best, own)
    assert reached == pytest.approx(float(weight_posterior.kl_nats(refined).sum()), rel=1e-4)
    assert reached < _total_kl(prior, own)
    for factor in (0.98, 1.02):
        assert reached < _total_kl(best._replace(scale=best.scale * factor), own)
    for shift in (-0.03, 0.03):
        assert reached < _total_kl(best._replace(mean=best.mean + shift), own)
