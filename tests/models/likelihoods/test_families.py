"""Likelihoods: float distributions against scipy, integer tables against the float distributions, and their digests."""

import zlib
from decimal import ROUND_DOWN, Context, localcontext
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from recjax.models.likelihoods import tables
from recjax.models.likelihoods.families import make_likelihood, released_name

LEVELS = (2, 3, 17, 256)


def random_parameters(count=400, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([rng.uniform(-6, 6, count), rng.uniform(-3, 7, count)], axis=-1).astype(np.float32)


def all_log_probs(likelihood, parameters):
    symbols = jnp.arange(likelihood.num_symbols)
    log_prob = jax.jit(jax.vmap(likelihood.log_prob, in_axes=(None, 0), out_axes=-1))
    repeated = jnp.broadcast_to(symbols[:, None], (likelihood.num_symbols, len(parameters)))
    return np.asarray(log_prob(jnp.asarray(parameters), repeated), np.float64)


def alpha_beta(parameters):
    logit, log_total = parameters.astype(np.float64).T[..., None]
    mean = 1 / (1 + np.exp(-logit))
    return np.exp(log_total) * mean, np.exp(log_total) * (1 - mean)


@pytest.mark.parametrize("levels", LEVELS)
def test_beta_binomial_agrees_with_scipy(levels):
    parameters = random_parameters()
    got = all_log_probs(make_likelihood("beta_binomial", levels), parameters)
    wanted = scipy.stats.betabinom.logpmf(np.arange(levels), levels - 1, *alpha_beta(parameters))
    likely = wanted > -20
    assert np.abs(got - wanted)[likely].max() < 1e-3
    np.testing.assert_allclose(np.exp(got).sum(axis=-1), 1, atol=1e-3)


def test_bernoulli_agrees_with_the_logistic_function():
    parameters = random_parameters()[:, :1]
    got = np.exp(all_log_probs(make_likelihood("bernoulli", 2), parameters))
    np.testing.assert_allclose(got[:, 1], 1 / (1 + np.exp(-parameters[:, 0])), atol=1e-6)
    np.testing.assert_allclose(got.sum(axis=-1), 1, atol=1e-6)


ROWS = {
    ("bernoulli", 2): tables.bernoulli_rows,
    **{("beta_binomial", n): partial(tables.beta_binomial_rows, n - 1) for n in (2, 3, 17, 256)},
    ("split_beta_binomial", 256): lambda: tables.beta_binomial_split_rows(255)[1],
}


@pytest.mark.parametrize(("name", "levels"), ROWS, ids=str)
def test_every_row_is_leaky_and_sums_to_2_16(name, levels):
    rows = ROWS[name, levels]()
    assert rows.dtype == np.uint32 and rows.shape[1] == levels + (not name.startswith("split"))
    assert (rows[:, 0] == 0).all() and (rows[:, -1] == 2**16).all()
    assert np.diff(rows.astype(np.int64), axis=1).min() >= 1
    assert rows.nbytes < 10_000_000


def all_bits(likelihood, distributions, count):
    """Bits of every symbol [row, symbol] under the first `count` distributions."""
    symbols = jnp.arange(likelihood.num_symbols)[:, None]
    return np.asarray(
        jax.jit(likelihood.bits)(distributions, jnp.broadcast_to(symbols, (len(symbols), count))), np.float64
    ).T


@pytest.mark.parametrize(
    ("name", "levels", "allowed"),
    [
        ("bernoulli", 2, 1e-4),
        ("beta_binomial", 2, 1e-3),
        ("beta_binomial", 17, 1e-3),
        ("split_beta_binomial", 256, 1e-3),
    ],
)
def test_tables_cost_less_than_a_thousandth(name, levels, allowed):
    likelihood = make_likelihood(name, levels)
    parameters = random_parameters(1000)[:, : likelihood.num_parameters]
    log_probs = all_log_probs(likelihood, parameters)
    bits = all_bits(likelihood, fixed_rows(likelihood, parameters), len(parameters))
    np.testing.assert_allclose(np.exp2(-bits).sum(axis=1), 1, atol=1e-4)
    probs = np.exp(log_probs)
    entropy, cost = -(probs * log_probs).sum() / np.log(2), (probs * bits).sum()
    assert cost < entropy * (1 + allowed)


def test_a_sure_0_of_256_levels_costs_next_to_nothing():
    likelihood = make_likelihood(released_name("beta_binomial", 256), 256)
    sure = jnp.array([[-(12 << 8), -(4 << 8)]], jnp.int32)
    assert 0 <= float(likelihood.bits(likelihood.distribution(sure), jnp.array([0]))[0]) < 3e-4


def fixed_rows(likelihood, parameters):
    fixed = jnp.asarray(np.rint(parameters * 256).astype(np.int32))
    rows = jax.jit(likelihood.distribution)(fixed)
    np.testing.assert_array_equal(rows, likelihood.distribution(fixed))
    return np.asarray(rows)


@pytest.mark.parametrize(("name", "levels"), [("bernoulli", 2), ("beta_binomial", 17)])
def test_extreme_parameters_pick_a_row_of_the_table(name, levels):
    likelihood = make_likelihood(name, levels)
    ends = np.array([-(2**15), -1, 0, 1, 2**15], np.int32)
    grid = np.stack(np.meshgrid(*[ends] * likelihood.num_parameters), axis=-1)
    rows = np.asarray(likelihood.distribution(jnp.asarray(grid)))
    assert rows.min() >= 0 and rows.max() < len(ROWS[name, levels]())


def test_rows_follow_the_mean():
    likelihood = make_likelihood("beta_binomial", 17)
    logits = np.stack([np.linspace(-8, 8, 200), np.full(200, 2.0)], axis=-1).astype(np.float32)
    masses = np.diff(tables.beta_binomial_rows(16).astype(np.float64), axis=1)[fixed_rows(likelihood, logits)]
    assert (np.diff(masses @ np.arange(17)) >= -1).all()


@pytest.mark.parametrize(
    ("name", "levels", "digest"),
    [
        ("bernoulli", 2, 2778025669),
        ("beta_binomial", 17, 430037478),
        ("beta_binomial", 256, 803600614),
        ("split_beta_binomial", 256, 1968940648),
    ],
)
def test_tables_never_drift(name, levels, digest):
    data = ROWS[name, levels]().astype("<u4").tobytes()
    if name == "split_beta_binomial":
        data += tables.beta_binomial_split_rows(255)[0].astype("<u4").tobytes()
    if name != "bernoulli":
        data += tables.beta_binomial_row_numbers(levels - 1).astype("<i4").tobytes()
    assert zlib.crc32(data) == digest


@pytest.mark.parametrize(
    ("name", "levels", "message"),
    [
        ("poisson", 2, "choose one of"),
        ("bernoulli", 17, "2 levels"),
        ("beta_binomial", 257, "2 to 256"),
        ("categorical", 2, "use bernoulli"),
        ("split_beta_binomial", 2, "use beta_binomial"),
    ],
)
def test_bad_requests_are_explained(name, levels, message):
    with pytest.raises(ValueError, match=message):
        make_likelihood(name, levels)


def test_axes_do_not_depend_on_the_decimals_of_the_program():
    with localcontext(Context(prec=7, rounding=ROUND_DOWN)):
        np.testing.assert_array_equal(tables.sigmoids.__wrapped__(), tables.sigmoids())
        assert tables._concentrations.__wrapped__() == tables._concentrations()


@pytest.mark.parametrize(
    ("units", "place"), [(0, 0), (3, 0), (4, 1), (11, 1), (12, 2), (-4, 0), (-5, -1), (-12, -1), (-13, -2)]
)
def test_parameters_take_the_nearest_row(units, place):
    """Rows of logits are 8 units of 2^-8 nats apart, and the outermost serve all that lies beyond."""
    distribution = make_likelihood("bernoulli", 2).distribution
    centre = tables.LOGIT_CENTRE
    assert int(distribution(jnp.asarray([units], jnp.int32))) == centre + place
    for beyond in (tables.MAX_LOGIT << 8, (tables.MAX_LOGIT << 8) + 1000):
        assert [int(distribution(jnp.asarray([sign * beyond], jnp.int32))) for sign in (-1, 1)] == [0, 2 * centre]
