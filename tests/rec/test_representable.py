"""Which targets the grid can represent: cdfs on words, computed without sampling, beside what statuses say."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import recjax
from recjax import grid, rec
from recjax.distributions import (
    Laplace,
    Logistic,
    MultivariateNormal,
    Normal,
    Triangular,
    TruncatedNormal,
    Uniform,
    density_ratio,
)
from recjax.rec import Status
from tests.rec.cases import CASES

LARGEST_DISTANCE = 0.002
"""Of the cdfs of a target and its distribution on words, as documented of Status.OK."""

# Mean and scale of normal targets against N(0, 1); whether it is represented; the distance of the cdfs.
NORMALS = [
    (0.0, 1.0, True, 0.0),
    (0.0, 1e-4, True, 3.3e-4),
    (1.0, 2e-4, True, 3.2e-4),
    (3.0, 0.003, True, 9.0e-4),
    (4.0, 0.1, True, 9.6e-4),
    (3.8, 0.3, True, 2.9e-4),
    (0.0, 1.05, True, 0.0),
    (0.0, 1.5, True, 1.6e-4),
    (2.0, 1.1, True, 9.4e-4),
    (0.0, 2.0, False, 3.4e-3),
    (0.0, 4.0, False, 0.088),
    (2.0, 1.25, False, 3.1e-3),
    (3.0, 0.001, False, 2.7e-3),
    (4.5, 0.1, False, 8.2e-3),
    (5.0, 0.5, False, 0.20),
    (3.0, 1e-6, False, 0.68),
    (3.000006, 1e-7, False, 1.0),
    (-5.3, 0.01, False, 1.0),
    (0.0, 1e-5, False, 3.2e-3),
    (6.0, 0.5, False, 0.88),
    (40.0, 0.1, False, 1.0),
    (-40.0, 5.0, False, 1.0),
]


@functools.cache
def values(p: type) -> tuple[np.ndarray, np.ndarray]:
    """Values of words of p's standard form, and of how many words each is: of all in the tails, of every 64th between.

    Targets that are wide enough to need the middle do not notice.
    """
    form = p.form
    tail = np.arange(1 << 17)
    middle = np.arange(1 << 17, (1 << 24) - (1 << 17), 64) + 32
    word = np.concatenate([tail, middle, (1 << 24) - 1 - tail[::-1]]).astype(np.uint32)
    return np.asarray(grid.value_fixed(word, form=form)) * (2.0**-26 * form.unit), np.where(
        np.isin(word, middle), 64.0, 1
    )


def window(p: type, middle: float, near: float) -> tuple[np.ndarray, np.ndarray]:
    """`values`, or those of all words up to `near` from the middle, and one or two beyond, where they are few."""
    ends = jnp.float32([middle - near, middle + near]) / p.form.unit
    ends = grid.cell_of_fixed(grid.to_fixed(ends), form=p.form)
    first, last = np.clip(np.asarray(ends, np.int64) + np.array([-2, 2]), 0, grid.LAST_WORD).tolist()
    if last - first > 1 << 19:
        return values(p)
    word = np.arange(first, last + 1, dtype=np.uint32)
    # Of one length, so that they share what is compiled.
    padded = np.pad(word, (0, (1 << 19) + 8 - len(word)))
    z = np.asarray(grid.value_fixed(padded, form=p.form))[: len(word)] * (2.0**-26 * p.form.unit)
    return z, np.ones(len(word))


def distance(target, log_density, p: type, near: float) -> float:
    """Largest difference of the cdfs of a target (of scipy's) and of its distribution on words of p's standard form.

    near: how far from its mean the target goes.
    """
    middle = float(target.mean())
    z, count = window(p, middle, near)
    log_ratio = target.logpdf(z) - log_density(z)
    largest = log_ratio.max()
    mass = np.exp(log_ratio - largest) if largest > -np.inf else (np.abs(z - middle) == np.abs(z - middle).min()) * 1.0
    cdf, exact = np.cumsum(count * mass) / np.sum(count * mass), target.cdf(z)
    return float(max(np.abs(cdf - exact).max(), np.abs(np.concatenate([[0], cdf[:-1]]) - exact).max()))


@pytest.mark.parametrize(("mean", "scale", "represented", "expected"), NORMALS)
def test_laws_on_words_are_as_far_from_normal_targets_as_documented(mean, scale, represented, expected):
    found = distance(scipy.stats.norm(mean, scale), scipy.stats.norm.logpdf, Normal, 9 * scale)
    assert found == pytest.approx(expected, rel=0.1, abs=2e-5)
    assert (found <= LARGEST_DISTANCE) == represented
    ratio = density_ratio(Normal(np.float32([mean]), np.float32([scale])), Normal(np.zeros(1), np.ones(1)))
    assert ratio.covered.tolist() == [represented]


def coded(algorithm, bins=None):
    mean, scale, represented, _ = (np.array(column) for column in zip(*NORMALS, strict=True))
    q = Normal(np.float32(mean)[:, None], np.float32(scale)[:, None])
    enc = rec.encode(algorithm, recjax.key(4), q, Normal(0.0, 1.0), bins=bins)
    assert np.array_equal(rec.decode(algorithm, recjax.key(4), Normal(0.0, 1.0), enc.code, bins=bins), enc.sample)
    return np.asarray(enc.info.status).ravel(), represented, scale


# Each compiles a search: in quick runs, one stands for those that make their statuses in the same way.
QUICK = ("pfr 1048576 32", "as_star", "ad_star", "gprs")
one_of_a_kind = pytest.mark.parametrize(
    "case",
    [case if str(case) in QUICK else pytest.param(case, marks=pytest.mark.slow) for case in CASES if case.bins is None],
    ids=str,
)


@one_of_a_kind
def test_every_coder_says_what_its_grid_cannot_represent(case):
    small = {"max_candidates": 4096, "num_candidates": 4096}
    algorithm = rec.ALGORITHMS[case.name](**{name: small.get(name, size) for name, size in case.sizes.items()})
    status, represented, scale = coded(algorithm)
    assert (status[~represented] == Status.UNSUITED).all()
    # Some coders do not suit targets that are wider than the coding distribution, represented or not.
    assert (status[represented & (scale <= 1)] != Status.UNSUITED).all() and (status[represented] == Status.OK).any()


@pytest.mark.parametrize(
    "algorithm",
    [rec.orc(num_candidates=512), pytest.param(rec.pfr(max_candidates=4096), marks=pytest.mark.slow)],
    ids=lambda one: one.name,
)
def test_so_do_coders_with_bins(algorithm):
    status, represented, _ = coded(algorithm, bins=[256])
    assert np.array_equal(status == Status.UNSUITED, ~represented)


@pytest.mark.parametrize(
    "algorithm",
    [rec.orc(num_candidates=256), pytest.param(rec.pfr(max_candidates=1024), marks=pytest.mark.slow)],
    ids=lambda one: one.name,
)
def test_so_do_swept_blocks_that_share_their_candidates(algorithm):
    mean, scale, represented, _ = (np.array(column) for column in zip(*NORMALS * 2, strict=True))
    q = Normal(np.float32(mean)[:, None], np.float32(scale)[:, None])
    enc = rec.encode(algorithm, recjax.key(4), q, Normal(0.0, 1.0), shared_axes=(0,))
    assert np.array_equal(np.asarray(enc.info.status) == Status.UNSUITED, ~represented)


# Targets, the coding distribution in its standard form, whether it represents the target, and the distance of cdfs.
OTHERS = {
    "narrow in uniform": (Normal(0.3, 3e-5), Uniform(0.0, 1.0), True, 7.9e-4),
    "narrower in uniform": (Normal(0.3, 1e-6), Uniform(0.0, 1.0), False, 0.024),
    "beyond uniform": (Normal(0.9, 0.5), Uniform(0.0, 1.0), False, 0.42),
    "all of uniform": (Uniform(0.0, 1.0), Uniform(0.0, 1.0), True, 0.0),
    "between two words": (Uniform(0.3, 1e-9), Uniform(0.0, 1.0), False, 1.0),
    "laplace in normal": (Laplace(0.0, 0.7), Normal(0.0, 1.0), True, 2.2e-4),
    "heavier than normal": (Laplace(0.0, 1.0), Normal(0.0, 1.0), False, 2.2e-3),
    "far in logistic": (Logistic(12.0, 0.3), Logistic(0.0, 1.0), False, 4.4e-3),
    "far in laplace": (Normal(15.0, 0.3), Laplace(0.0, 1.0), False, 0.29),
    "near in laplace": (Normal(8.0, 0.3), Laplace(0.0, 1.0), True, 2.5e-4),
    "edge of triangular": (Normal(0.9, 0.05), Triangular(0.0, 1.0), False, 0.023),
    "cut in normal": (TruncatedNormal(0.0, 1.0, 3.9, 4.5), Normal(0.0, 1.0), True, 7.7e-4),
    "cut too far out": (TruncatedNormal(0.0, 1.0, 4.9, np.inf), Normal(0.0, 1.0), False, 0.067),
}


def oracle(q):
    loc, scale = float(q.loc), float(q.scale)
    if isinstance(q, TruncatedNormal):
        return scipy.stats.truncnorm((q.low - loc) / scale, (q.high - loc) / scale, loc, scale)
    kinds = {Normal: "norm", Laplace: "laplace", Logistic: "logistic"}
    if type(q) in kinds:
        return getattr(scipy.stats, kinds[type(q)])(loc, scale)
    return scipy.stats.uniform(loc - scale, 2 * scale) if isinstance(q, Uniform) else scipy.stats.triang(0.5, -1, 2)


@pytest.mark.parametrize("name", OTHERS)
def test_laws_on_words_are_as_far_from_other_targets_as_documented(name):
    q, p, represented, expected = OTHERS[name]
    scipy_p = scipy.stats.uniform(-1, 2) if isinstance(p, Uniform) else oracle(p)
    found = distance(oracle(q), scipy_p.logpdf, type(p), 40 * float(q.scale))
    assert found == pytest.approx(expected, rel=0.1, abs=2e-5)
    assert (found <= LARGEST_DISTANCE) == represented
    one = jax.tree.map(lambda leaf: np.float32([leaf]), (q, p))
    ratio = density_ratio(*one)
    assert ratio.covered.tolist() == [represented]


def test_joint_targets_ask_for_words_in_every_direction():
    """Their coordinates by themselves, and each of them given the others, must be wide enough."""
    close = np.sqrt(1 - 1e-10)
    trils = {
        "plain": ([[0.5, 0], [0.3, 0.4]], True),
        "narrow": ([[1e-6, 0], [0, 0.5]], False),
        "far": ([[0.5, 0], [0, 0.5]], False),
        "dependent": ([[0.5, 0], [0.5 * 0.99, 0.07]], True),
        "all but one line": ([[0.5, 0], [0.5 * close, 0.5e-5]], False),
    }
    mean = np.float32([[5.0 if name == "far" else 0.0, 0.0] for name in trils])
    q = MultivariateNormal(mean, np.float32([tril for tril, _ in trils.values()]))
    enc = rec.encode(rec.pfr(max_candidates=1024), recjax.key(1), q, Normal(np.zeros(2), 1.0))
    assert (np.asarray(enc.info.status) != Status.UNSUITED).tolist() == [fine for _, fine in trils.values()]
