"""Every distribution against scipy in float64: densities, masses and quantiles, and units of other priors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from recjax.distributions import (
    Laplace,
    Logistic,
    MultivariateNormal,
    Normal,
    Triangular,
    TruncatedNormal,
    Uniform,
    kl_nats,
)
from recjax.distributions.pairs import check_pair

LOC, SCALE = np.float32([0.0, 1.5, -30.0, 1e-3]), np.float32([1.0, 0.02, 2.0, 1e-6])
LOW, HIGH = LOC + SCALE * np.float32([-1, 0.5, -np.inf, -8]), LOC + SCALE * np.float32([2, np.inf, 0, -2])
Z = np.float32([-30, -3, -0.99, -0.5, 0, 1e-3, 0.7, 0.999, 6, 30])[:, None]
MASS = np.float32([1e-6, 0.02, 0.5, 0.9, 0.999])[:, None]


def truncated():
    low, high = ((np.float64(end) - LOC) / SCALE for end in (LOW, HIGH))
    return scipy.stats.truncnorm(low, high, np.float64(LOC), np.float64(SCALE))


loc, scale = np.float64(LOC), np.float64(SCALE)
CASES = {
    "uniform": (Uniform(LOC, SCALE), scipy.stats.uniform(loc - scale, 2 * scale)),
    "laplace": (Laplace(LOC, SCALE), scipy.stats.laplace(loc, scale)),
    "logistic": (Logistic(LOC, SCALE), scipy.stats.logistic(loc, scale)),
    "triangular": (Triangular(LOC, SCALE), scipy.stats.triang(0.5, loc - scale, 2 * scale)),
    "normal": (Normal(LOC, SCALE), scipy.stats.norm(loc, scale)),
    "truncated": (TruncatedNormal(LOC, SCALE, LOW, HIGH), truncated()),
}
cases = pytest.mark.parametrize("name", CASES)


@cases
def test_log_prob_and_cdf(name):
    ours, oracle = CASES[name]
    x = (LOC + SCALE * Z).astype(np.float32)
    log_prob, cdf = jax.jit(lambda law, x: (law.log_prob(x), law.cdf(x)))(ours, x)
    exact = oracle.logpdf(np.float64(x))
    # Float32 places x to some 1e-7 of loc, which is more than the edge of a support tells apart.
    clear = np.isfinite(exact) & np.isfinite(log_prob)
    ends = np.stack([np.broadcast_to(end, x.shape) for end in oracle.support()])
    at_an_end = (np.abs(x - ends) <= 2 * np.spacing(np.abs(x).astype(np.float32))).any(axis=0)
    assert ((np.isfinite(exact) == np.isfinite(log_prob)) | at_an_end).all()
    assert np.allclose(np.asarray(log_prob)[clear], exact[clear], rtol=1e-3, atol=2e-3)
    assert np.allclose(cdf, oracle.cdf(np.float64(x)), rtol=1e-3, atol=1e-5)


@cases
def test_icdf_inverts_cdf(name):
    ours, oracle = CASES[name]
    found = np.asarray(jax.jit(lambda law, mass: law.icdf(mass))(ours, MASS), np.float64)
    # Of a narrow distribution far from 0, float32 has few places: an ulp of its location.
    ulp = np.spacing(np.abs(LOC)) / SCALE
    assert (np.abs((found - oracle.ppf(np.float64(MASS))) / scale) < 2e-3 + 2 * ulp).all()
    assert np.allclose(oracle.cdf(found)[:, :3], np.broadcast_to(MASS, (len(MASS), 3)), rtol=3e-3, atol=3e-5)


@cases
def test_the_log_density_is_that_at_the_offset(name):
    ours, oracle = CASES[name]
    offset = SCALE[0] * Z
    exact = oracle.logpdf(np.float64(offset) + loc)[:, 0]
    assert np.allclose(ours.log_density(jnp.asarray(offset))[:, 0], exact, rtol=1e-5, atol=1e-5)


@cases
def test_moved_is_the_law_of_the_moved_variable(name):
    ours, _ = CASES[name]
    moved = ours.moved(jnp.float32(3.0), jnp.float32(2.0))
    x = LOC + SCALE * np.float32([[0.25], [0.6], [-0.3]])
    assert np.allclose(moved.cdf((x - 3) / 2)[:, 0], ours.cdf(x)[:, 0], atol=1e-5)
    assert moved.shape == ours.shape == (4,)


@cases
def test_what_is_no_distribution_is_told(name):
    kind = type(CASES[name][0])
    ends = (np.float32([-1, -1, -1, -1]), np.float32([1, 1, 1, 1])) if kind is TruncatedNormal else ()
    wrong = kind(np.float32([0, np.nan, 0, np.inf]), np.float32([1, 1, 0, 1]), *ends)
    assert wrong.is_valid().tolist() == [True, False, False, False]


def test_a_truncation_to_nothing_is_no_distribution():
    at = TruncatedNormal(np.float32([0, 0]), np.float32([1, 1]), np.float32([1, -1]), np.float32([-1, 1]))
    assert at.is_valid().tolist() == [False, True]


def test_pairs_without_a_ratio_are_refused():
    normal, joint = Normal(np.zeros(2), np.ones(2)), MultivariateNormal(np.zeros(2), np.eye(2))
    with pytest.raises(ValueError, match="a Normal coding distribution, got Laplace"):
        check_pair(joint, Laplace(np.zeros(2), np.ones(2)))
    with pytest.raises(ValueError, match=r"whose quantiles are tables.*got TruncatedNormal"):
        check_pair(normal, TruncatedNormal(0.0, 1.0, -1.0, 1.0))
    with pytest.raises(ValueError, match=r"q is a target from recjax\.distributions, got tuple"):
        check_pair((0.0, 1.0), normal)
    with pytest.raises(ValueError, match="two Normal distributions, got Laplace and Normal"):
        kl_nats(Laplace(0.0, 1.0), Normal(0.0, 1.0))


def test_lists_are_parameters_like_arrays():
    q = TruncatedNormal([[0.0, 1.0], [2.0, 3.0]], (1.0, 0.5), -np.inf, [[4.0], [5.0]])
    assert q.shape == (2, 2) and q.in_rows((2, 2), 2, 2).high.tolist() == [[4.0, 4.0], [5.0, 5.0]]

    @jax.jit
    def traced(x):
        q = Laplace([x, 2 * x], 1.0)
        return q.log_prob(q.loc)

    assert traced(3.0).tolist() == Laplace(np.float32([3, 6]), 1.0).log_prob(np.float32([3, 6])).tolist()
