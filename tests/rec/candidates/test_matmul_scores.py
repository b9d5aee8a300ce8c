"""Blocks that share candidates: the sweep finds what a look at every candidate finds, distributed as it should be."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import recjax
from recjax import randomness, rec
from recjax.distributions import Laplace, density_ratio
from recjax.rec import Status
from recjax.rec.base import Sweep
from recjax.rec.candidates import matmul_scores

PRIOR = recjax.Normal(0.0, 1.0)
KEY = recjax.key(21)


def targets(*shape: int, seed: int = 0, narrowest: float = 0.3) -> recjax.Normal:
    rng = np.random.default_rng(seed)
    loc, scale = 0.8 * rng.normal(size=shape), rng.uniform(narrowest, 0.9, shape)
    return recjax.Normal(loc.astype(np.float32), scale.astype(np.float32))


def test_sums_of_waits_are_gamma():
    keys = randomness.fold_in(KEY, jnp.arange(4000, dtype=jnp.uint32))
    sums = np.asarray(jax.jit(jax.vmap(lambda own: matmul_scores.gamma_sums(own, jnp.arange(5))))(keys), np.float64)
    assert scipy.stats.kstest(sums.ravel(), "gamma", args=(matmul_scores.SPAN,)).pvalue > 1e-3
    assert abs(np.corrcoef(sums.T) - np.eye(5)).max() < 0.08


@pytest.mark.parametrize("budget", [128, 384, 2048])
def test_the_time_after_all_candidates_is_one_wait_later_than_the_last(budget):
    """An order statistic is a share of it: without that wait, the last candidate could never win."""
    keys = randomness.fold_in(KEY, jnp.arange(5000, dtype=jnp.uint32))
    spans = jnp.arange(budget // matmul_scores.SPAN)
    last = jax.jit(jax.vmap(lambda own: matmul_scores._last_time(own, budget)))(keys)
    sums = np.asarray(jax.jit(jax.vmap(lambda own: matmul_scores.gamma_sums(own, spans)))(keys), np.float64)
    assert scipy.stats.kstest(np.asarray(last, np.float64) - sums.sum(axis=1), "expon").pvalue > 1e-3


def test_times_within_a_span_share_its_sum_as_those_of_a_poisson_process():
    """Given their sum, waits are uniform spacings, whose first is Beta(1, SPAN - 1); flat ratios show each time."""
    keys = randomness.fold_in(KEY, jnp.arange(3000, dtype=jnp.uint32))
    flat = jnp.zeros(1)
    rows = jax.vmap(lambda own: matmul_scores._Rows(own, flat, flat, flat, jnp.float32(jnp.inf)))(keys)
    z = jnp.zeros((matmul_scores.SPAN, 1))

    def first_time(own):
        return matmul_scores._score_span(
            Sweep(matmul_scores.SPAN, False), own, z, jnp.float32(0), jnp.float32(1), jnp.int32(0)
        )

    place, score = jax.jit(jax.vmap(first_time))(rows)
    assert not np.asarray(place).any()
    first = np.exp(np.asarray(score, np.float64))
    assert scipy.stats.kstest(first, "beta", args=(1, matmul_scores.SPAN - 1)).pvalue > 1e-3


def test_no_ratio_of_a_span_exceeds_what_its_product_says():
    """Of narrow targets far out, where the product's terms are 10^8 times as large as their sum."""
    rng = np.random.default_rng(0)
    rows, dim = 64, 2
    q = recjax.Normal(
        rng.uniform(-3, 3, (rows, dim)).astype(np.float32),
        np.geomspace(1e-4, 0.5, rows, dtype=np.float32)[:, None] * np.ones(dim, np.float32),
    )
    ratio = jax.vmap(density_ratio)(q, recjax.Normal(jnp.zeros((rows, dim)), jnp.ones((rows, dim))))
    best = jax.vmap(matmul_scores.best_values)(ratio)
    table = matmul_scores._Rows(None, best, ratio.slope, ratio.curvature, None)
    # In each span, candidates at and beside the best value of one row, of which a ratio near 0 is to be found.
    near = best[:, None, :] * (1 + np.float32(2.0**-22) * rng.integers(-3, 4, (rows, matmul_scores.SPAN, dim)))
    bound = np.asarray(jax.jit(matmul_scores._largest_ratios)(table, jnp.asarray(near, jnp.float32)), np.float64)
    delta = np.asarray(near, np.float32).astype(np.float64)[None] - np.asarray(best, np.float64)[:, None, None]
    slope, curvature = (np.asarray(x, np.float64)[:, None, None] for x in (ratio.slope, ratio.curvature))
    exact = (delta * (slope - curvature * delta)).sum(axis=-1).max(axis=-1)
    assert (bound >= exact).all()
    # Where nothing cancels, the bound is near, too.
    wide = np.arange(rows) >= rows - 8
    assert (bound - exact)[np.ix_(wide, wide)].max() < 0.01


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize(("narrowest", "budget"), [(0.3, 4096), (0.01, 4096), (0.01, 1152), (0.003, 128)])
def test_no_span_that_could_win_is_left_out(ordered, narrowest, budget):
    """Against looking into every span of every block, which draws the same times."""
    rows, dim = 40, 3
    q = targets(rows, dim, narrowest=narrowest)
    ratio = jax.vmap(density_ratio)(q, recjax.Normal(jnp.zeros((rows, dim)), jnp.ones((rows, dim))))
    private = randomness.fold_in(KEY, jnp.arange(rows, dtype=jnp.uint32))
    rule, spans = Sweep(budget, ordered), jnp.arange(budget // matmul_scores.SPAN)
    found = jax.jit(lambda: matmul_scores.search(rule, KEY, private, ratio))()

    def every(own, ratio):
        best_value = matmul_scores.best_values(ratio)
        total = matmul_scores._last_time(own, budget) if ordered else None
        row = matmul_scores._Rows(own, best_value, ratio.slope, ratio.curvature, total)
        sums = matmul_scores.gamma_sums(own, spans)
        starts = jnp.concatenate([jnp.zeros(1), jnp.cumsum(sums)[:-1]])
        stream = randomness.stream(KEY, randomness.CANDIDATE)
        z = jnp.concatenate([matmul_scores._values(stream, jnp.uint32(first), dim) for first in range(0, budget, 1024)])
        z = z[: len(spans)]
        places, scores = jax.vmap(lambda z, *one: matmul_scores._score_span(rule, row, z, *one))(z, starts, sums, spans)
        span = jnp.argmin(scores)
        return span * matmul_scores.SPAN + places[span].astype(jnp.int32) + 1, scores[span], jnp.sum(sums)

    index, best, last = jax.jit(jax.vmap(every))(private, ratio)
    assert np.array_equal(found.index, index)
    assert np.allclose(found.best, best, atol=1e-4)
    if not ordered:
        # A search has ended once the time of all its arrivals is too much for the best.
        assert np.array_equal(found.stopped, np.log(last) > best)
        stopped = np.asarray(found.stopped)
        assert (np.asarray(found.steps)[stopped] >= np.asarray(index)[stopped]).all()
        assert (np.asarray(found.steps)[~stopped] == budget).all()


@pytest.mark.parametrize(
    "algorithm",
    [rec.pfr(max_candidates=1 << 16), rec.orc(num_candidates=1024), rec.orc(num_candidates=128)],
    ids=["pfr", "orc", "orc of few"],
)
def test_samples_and_indices_follow_the_law_of_the_search_one_by_one(algorithm):
    """Of blocks with one target, in 150 streams; within a stream they are dependent, so each has tests of its own."""
    streams, rows = 150, 32
    q = recjax.Normal(jnp.full((streams, rows, 2), 1.0), jnp.full((streams, rows, 2), 0.3))
    swept = rec.encode(algorithm, KEY, q, PRIOR, shared_axes=(1,))
    alone = rec.encode(algorithm, recjax.key(22), q, PRIOR)
    assert (np.asarray(swept.info.status) == Status.OK).all()
    for take in (lambda enc: enc.sample[..., 0], lambda enc: enc.info.log2_index, lambda enc: enc.info.log_ratio_nats):
        one, other = (np.asarray(take(enc), np.float64) for enc in (swept, alone))
        pvalues = [scipy.stats.ks_2samp(one[:, row], other.ravel()).pvalue for row in range(rows)]
        assert min(pvalues) > 1e-3 / rows
        # Means of streams, which are independent.
        assert abs(one.mean(axis=1).mean() - other.mean()) < 5 * one.mean(axis=1).std() / np.sqrt(streams)


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 2), (-2, 0), (0, 1, 2)])
def test_swept_blocks_decode_whichever_axes_share(axes):
    q, algorithm = targets(33, 34, 2, 3), rec.pfr(max_candidates=1 << 14)
    if axes == (1,):
        q = jax.tree.map(lambda leaf: leaf[:3], q)
    enc = rec.encode(algorithm, KEY, q, PRIOR, shared_axes=axes)
    decoded = rec.decode(algorithm, KEY, PRIOR, enc.code, shared_axes=axes)
    assert np.array_equal(decoded, enc.sample)
    assert enc.info.steps.shape == q.loc.shape[:-1]
    # Samples lie where their own targets do.
    z = (np.asarray(enc.sample) - q.loc) / q.scale
    assert abs(z.mean()) < 0.5 and 0.7 < z.std() < 1.3


def test_a_search_that_is_cut_off_and_a_target_that_is_none_are_told():
    q = targets(64, 4, narrowest=0.01)
    q = recjax.Normal(q.loc, q.scale.copy())
    q.scale[0, 0], q.scale[1:] = -1.0, 0.02
    enc = rec.encode(rec.pfr(max_candidates=256), KEY, q, PRIOR, shared_axes=(0,))
    status = np.asarray(enc.info.status)
    assert status[0] == Status.INVALID and (status[1:] == Status.BUDGET).any()
    assert set(status[1:]) <= {Status.OK, Status.BUDGET} and (np.asarray(enc.info.steps) <= 256).all()
    assert np.array_equal(rec.decode(rec.pfr(max_candidates=256), KEY, PRIOR, enc.code, shared_axes=(0,)), enc.sample)


def test_sweeps_under_jit_and_vmap_are_the_same(count_compilations):
    q, algorithm = targets(2, 40, 3), rec.orc(num_candidates=512)
    keys = jnp.stack([recjax.key(1), recjax.key(2)])

    def run(key, q):
        return rec.encode(algorithm, key, q, PRIOR, shared_axes=(0,)).words

    both = jax.jit(jax.vmap(run))(keys, q)
    for number in range(2):
        one = jax.tree.map(lambda leaf: leaf[number], q)  # noqa: B023
        # Another shape of a product may round otherwise and take another winner of nearly equal score.
        assert (np.asarray(run(keys[number], one)) == both[number]).mean() > 0.95
    assert count_compilations(lambda: run(recjax.key(3), jax.tree.map(lambda leaf: leaf[0], q))) == 0


def test_few_blocks_bins_and_other_laws_are_not_swept(monkeypatch):
    def never(*_):
        raise AssertionError

    monkeypatch.setattr(matmul_scores, "search", never)
    algorithm = rec.orc(num_candidates=256)
    with pytest.raises(AssertionError):
        rec.encode(algorithm, KEY, targets(32, 2), PRIOR, shared_axes=(0,))
    rec.encode(algorithm, KEY, targets(31, 2), PRIOR, shared_axes=(0,))
    rec.encode(algorithm, KEY, targets(32, 2), PRIOR, shared_axes=(0,), bins=[2, 2])
    rec.encode(rec.orc(num_candidates=100), KEY, targets(32, 2), PRIOR, shared_axes=(0,))
    rec.encode(rec.mrc(num_candidates=256), KEY, targets(32, 2), PRIOR, shared_axes=(0,))
    laplace = Laplace(jnp.zeros((32, 2)), jnp.full((32, 2), 0.5))
    rec.encode(algorithm, KEY, laplace, Laplace(0.0, 1.0), shared_axes=(0,))
