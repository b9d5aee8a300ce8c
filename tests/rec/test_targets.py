"""Targets and coding distributions beside diagonal normals: exact samples, honest statuses, the same bits decoded."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import recjax
from recjax import rec
from recjax.distributions import (
    Laplace,
    Logistic,
    MultivariateNormal,
    Normal,
    Triangular,
    TruncatedNormal,
    Uniform,
    renyi_infinity_bits,
)
from recjax.rec import Status

DRAWS = 10_000
CODERS = {
    "pfr": rec.pfr(max_candidates=1 << 16, chunk_size=64),
    "as_star": rec.as_star(),
    "ad_star": rec.ad_star(),
}
# Targets, coding distributions, and the coders that meet them in the fast tests.
PAIRS = {
    "uniform in uniform": (Uniform(0.3, 0.05), Uniform(0.0, 1.0), "ad_star"),
    "triangular in uniform": (Triangular(-0.7, 0.3), Uniform(0.5, 2.0), ""),
    "logistic in logistic": (Logistic(3.5, 0.1), Logistic(3.0, 2.0), "pfr"),
    "laplace in normal": (Laplace(0.2, 0.02), Normal(0.0, 1.0), ""),
    "truncated in laplace": (TruncatedNormal(0.5, 0.3, 0.2, 1.0), Laplace(0.0, 1.0), "as_star"),
    "laplace in laplace": (Laplace(0.5, 0.1), Laplace(0.0, 1.0), ""),
    "triangular in triangular": (Triangular(0.4, 0.1), Triangular(0.0, 1.0), ""),
    "normal in logistic": (Normal(-2.0, 0.2), Logistic(1.0, 2.0), ""),
    "normal in triangular": (Normal(0.3, 0.05), Triangular(0.0, 1.0), ""),
    "uniform in logistic": (Uniform(1.0, 0.5), Logistic(0.0, 1.0), ""),
    "half-open in uniform": (TruncatedNormal(0.5, 0.3, -np.inf, 0.6), Uniform(0.0, 1.0), ""),
}
CASES = [(pair, coder) for pair in PAIRS for coder in CODERS]
LEVEL = 1e-3 / len(CASES)
cases = pytest.mark.parametrize(
    ("pair", "coder"),
    [pytest.param(*case, marks=() if PAIRS[case[0]][2] == case[1] else pytest.mark.slow) for case in CASES],
)


def oracle(law):
    """The distribution of scipy."""
    loc, scale = float(law.loc), float(law.scale)
    if isinstance(law, TruncatedNormal):
        return scipy.stats.truncnorm((law.low - loc) / scale, (law.high - loc) / scale, loc, scale)
    kinds = {
        Uniform: scipy.stats.uniform(loc - scale, 2 * scale),
        Laplace: scipy.stats.laplace(loc, scale),
        Logistic: scipy.stats.logistic(loc, scale),
        Triangular: scipy.stats.triang(0.5, loc - scale, 2 * scale),
        Normal: scipy.stats.norm(loc, scale),
    }
    return kinds[type(law)]


@functools.cache
def draws(pair: str, coder: str) -> rec.Encoded:
    q, p, _ = PAIRS[pair]
    many = jax.tree.map(lambda leaf: jnp.full((DRAWS, 1), leaf, jnp.float32), q)
    return rec.encode(CODERS[coder], recjax.key(CASES.index((pair, coder))), many, p)


@cases
def test_samples_follow_the_target_and_decode(pair, coder):
    q, p, _ = PAIRS[pair]
    enc = draws(pair, coder)
    several = coder == "as_star" and pair == "normal in triangular"
    assert (np.asarray(enc.info.status) == (Status.UNSUITED if several else Status.OK)).all()
    z = np.asarray(enc.sample, np.float64).ravel()
    law = oracle(q)
    pvalues = [scipy.stats.kstest(law.cdf(z), "uniform").pvalue]
    # The same of the density, which falls with the distance from the middle of a symmetric distribution.
    if not isinstance(q, TruncatedNormal):
        away = np.abs(z - q.loc)
        pvalues.append(scipy.stats.kstest(law.cdf(q.loc + away) - law.cdf(q.loc - away), "uniform").pvalue)
    assert min(pvalues) > LEVEL / 2
    if coder == "pfr":
        steps = np.asarray(enc.info.steps, np.float64)
        expected = 2 ** float(renyi_infinity_bits(q, p))
        assert abs(steps.mean() - expected) < 5 * steps.std() / np.sqrt(DRAWS) + 0.03 * expected + 1
    again = rec.decode(CODERS[coder], recjax.key(CASES.index((pair, coder))), p, enc.code)
    assert np.array_equal(np.asarray(again).view(np.uint32), np.asarray(enc.sample).view(np.uint32))


@pytest.mark.slow
def test_a_partition_of_another_law_is_exact_and_quicker():
    q, p, _ = PAIRS["logistic in logistic"]
    many = jax.tree.map(lambda leaf: jnp.full((DRAWS, 1), leaf, jnp.float32), q)
    enc = rec.encode(CODERS["pfr"], recjax.key(77), many, p, bins=[8])
    z = np.asarray(enc.sample, np.float64).ravel()
    assert scipy.stats.kstest(z, oracle(q).cdf).pvalue > 1e-4
    assert enc.info.steps.mean() < 0.4 * draws("logistic in logistic", "pfr").info.steps.mean()
    assert np.array_equal(rec.decode(CODERS["pfr"], recjax.key(77), p, enc.code, bins=[8]), enc.sample)


MEAN = np.array([0.8, -1.0, 0.3])
DEVIATION = np.array([0.3, 0.25, 0.6])
CORRELATION = np.array([[1, 0.7, -0.3], [0.7, 1, 0.2], [-0.3, 0.2, 1]])
TRIL = np.linalg.cholesky(DEVIATION[:, None] * CORRELATION * DEVIATION)
ORC = rec.orc(num_candidates=1024)
JOINT = [("pfr", None), ("pfr", [4, 4, 1]), ("orc", [4, 4, 1])]


@functools.cache
def joint(place: int) -> rec.Encoded:
    name, bins = JOINT[place]
    q = MultivariateNormal(np.broadcast_to(np.float32(MEAN), (DRAWS, 3)), np.float32(TRIL))
    coder = ORC if name == "orc" else CODERS["pfr"]
    return rec.encode(coder, recjax.key(40 + place), q, Normal(np.zeros(3), np.ones(3)), bins=bins)


@pytest.mark.parametrize(
    "place",
    [pytest.param(0, marks=pytest.mark.slow), 1, pytest.param(2, marks=pytest.mark.slow)],
    ids=["plain", "partitioned", "orc partitioned"],
)
def test_joint_targets(place):
    """Each coordinate of the whitened samples, all pairs of them in their products, and their norm."""
    enc = joint(place)
    assert (np.asarray(enc.info.status) == Status.OK).all()
    white = np.linalg.solve(TRIL, (np.asarray(enc.sample, np.float64) - MEAN).T)
    norm = scipy.stats.chi2(3)
    pvalues = [scipy.stats.kstest(row, "norm").pvalue for row in white]
    pairs = [(white[i] + white[j]) / np.sqrt(2) for i, j in ((0, 1), (0, 2), (1, 2))]
    pvalues += [scipy.stats.kstest(row, "norm").pvalue for row in pairs]
    pvalues.append(scipy.stats.kstest(np.sum(white**2, axis=0), norm.cdf).pvalue)
    assert min(pvalues) > 1e-3 / (len(pvalues) * len(JOINT))
    coder = ORC if place == 2 else CODERS["pfr"]
    again = rec.decode(coder, recjax.key(40 + place), Normal(np.zeros(3), np.ones(3)), enc.code, bins=JOINT[place][1])
    assert np.array_equal(again, enc.sample)


def test_a_joint_target_takes_the_steps_of_its_largest_ratio_and_no_more_in_bins():
    precision = np.linalg.inv(TRIL @ TRIL.T)
    mode = np.linalg.solve(precision - np.eye(3), precision @ MEAN)
    white = np.linalg.solve(TRIL, mode - MEAN)
    largest = np.exp(0.5 * (mode @ mode - white @ white)) / np.prod(np.diag(TRIL))
    plain, partitioned = (float(joint(place).info.steps.mean()) for place in (0, 1))
    assert abs(plain / largest - 1) < 0.06
    assert partitioned < plain


def test_ratios_that_do_not_suit_are_told():
    outside = Normal(np.float32([[0.9], [0.0]]), np.float32([[0.5], [0.1]]))
    for coder in (CODERS["as_star"], rec.orc(num_candidates=64), rec.dad_star(max_depth=4)):
        enc = rec.encode(coder, recjax.key(0), outside, Uniform(0.0, 1.0))
        assert np.asarray(enc.info.status).ravel().tolist() == [Status.UNSUITED, Status.OK], coder.name
        assert np.isfinite(enc.sample).all()


def test_a_target_between_two_words_is_the_nearest_and_told_as_one_beyond_them_is():
    q = Uniform(np.float32([[0.3], [7.0], [np.nan]]), np.float32(1e-9))
    enc = rec.encode(CODERS["as_star"], recjax.key(0), q, Uniform(0.0, 1.0))
    assert np.asarray(enc.info.status).ravel().tolist() == [Status.UNSUITED, Status.UNSUITED, Status.INVALID]
    assert np.allclose(np.asarray(enc.sample)[:2, 0], [0.3, 1.0], atol=2e-7)
    assert np.array_equal(rec.decode(CODERS["as_star"], recjax.key(0), Uniform(0.0, 1.0), enc.code), enc.sample)


SHORT = [
    rec.as_star(max_depth=1),
    rec.ad_star(max_steps=2),
    rec.orc(num_candidates=3),
    *(
        pytest.param(coder, marks=pytest.mark.slow)
        for coder in (
            rec.ad_star(max_depth=2),
            rec.dad_star(max_depth=2),
            rec.pfr(max_candidates=3),
            rec.mrc(num_candidates=3),
        )
    ),
]


@pytest.mark.parametrize("coder", SHORT, ids=lambda coder: coder.name)
def test_a_search_that_meets_nothing_of_the_target_says_so_and_decodes(coder):
    """The ratio is 0 nearly everywhere: no candidate is better than another."""
    q, p = Uniform(np.full((50, 1), 1.0, np.float32), np.float32(0.005)), Normal(0.0, 1.0)
    enc = rec.encode(coder, recjax.key(0), q, p)
    status, found = np.asarray(enc.info.status).ravel(), np.abs(np.asarray(enc.sample) - 1).ravel() <= 0.005
    assert found.mean() < 0.2 and (status[~found] == Status.BUDGET).all()
    assert np.array_equal(rec.decode(coder, recjax.key(0), p, enc.code), enc.sample)


@pytest.mark.slow
def test_an_unbounded_ratio_ends_at_the_budget():
    """A Laplace target's tails are heavier than a normal's: the largest ratio is at an end of the grid."""
    q = Laplace(np.zeros((200, 1), np.float32), np.float32(0.75))
    enc = rec.encode(rec.pfr(max_candidates=1 << 10, chunk_size=64), recjax.key(0), q, Normal(0.0, 1.0))
    assert (np.asarray(enc.info.status) == Status.BUDGET).mean() > 0.5


@pytest.mark.parametrize("coder", [rec.gprs(), rec.gprs_global(max_candidates=9), rec.grc()])
def test_coders_of_normals_refuse_others(coder):
    with pytest.raises(ValueError, match="of two Normal distributions, got Laplace and Normal"):
        rec.encode(coder, recjax.key(0), Laplace(np.zeros((2, 1)), 1.0), Normal(0.0, 1.0))


def test_scalar_coders_refuse_joint_targets():
    joint_target = MultivariateNormal(np.zeros((2, 3)), np.eye(3))
    with pytest.raises(ValueError, match="each coordinate separately, got a MultivariateNormal"):
        rec.encode(rec.ad_star(), recjax.key(0), joint_target, Normal(np.zeros(3), 1.0))
