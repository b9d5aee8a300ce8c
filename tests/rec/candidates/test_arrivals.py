"""Arrival times and ranks, against what they must be in distribution and against NumPy.

Keys are fixed. With the right code each p-value is above 1e-3; the sizes are such that a power of 1.2 on the waits
gives less than 1e-6. Times that are made of them are compared one by one.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import recjax
from recjax import grid, randomness, rec
from recjax.rec.algorithms.ad_star import child_waits, root_time
from recjax.rec.candidates import partition
from recjax.rec.candidates import race as candidates

PRIOR = recjax.Normal(0.0, 1.0)
ROWS = 20_000
MEAN, SCALE = 0.8, 0.5


def pvalue_of_exponentials(waits) -> float:
    return scipy.stats.kstest(np.asarray(waits, np.float64).ravel(), "expon").pvalue


def test_waits_are_exponential_and_differ_by_step_and_key():
    steps = jnp.arange(20_000, dtype=jnp.uint32)
    waits = [np.asarray(candidates.waiting_times(recjax.key(seed), steps)) for seed in (1, 2)]
    assert pvalue_of_exponentials(waits) > 1e-3
    assert abs(np.corrcoef(waits)[0, 1]) < 0.03 and abs(np.corrcoef(waits[0][1:], waits[0][:-1])[0, 1]) < 0.03


def test_waits_of_trees_are_exponential_in_units_of_their_mass():
    keys = randomness.fold_in(recjax.key(0), jnp.arange(10_000, dtype=jnp.uint32))
    assert pvalue_of_exponentials(jax.vmap(root_time)(keys)) > 1e-3
    of_rows = jax.jit(jax.vmap(child_waits, in_axes=(0, None)))
    for heap, mass in ((1, 1 / 2), (2, 1 / 4), (3, 1 / 4), (37, 1 / 64)):
        lower, upper = map(np.asarray, of_rows(keys, jnp.uint32(heap)))
        assert pvalue_of_exponentials([lower * mass, upper * mass]) > 1e-3
        assert abs(np.corrcoef(lower, upper)[0, 1]) < 0.05


def log_ratio(z: np.ndarray) -> np.ndarray:
    return -0.5 * ((z - MEAN) / SCALE) ** 2 + 0.5 * z**2


def pvalue_of_two(one: np.ndarray, other: np.ndarray, classes: int) -> float:
    """Tells whether two samples of indices from 1 on have one distribution; what is rare counts as one class."""
    counts = np.stack([np.bincount(np.minimum(x, classes), minlength=classes + 1)[1:] for x in (one, other)])
    return scipy.stats.chi2_contingency(counts[:, counts.sum(axis=0) > 10]).pvalue


def encoded(algorithm, seed: int) -> rec.Encoded:
    q = recjax.Normal(np.full((ROWS, 1), MEAN, np.float32), np.full((ROWS, 1), SCALE, np.float32))
    return jax.tree.map(np.asarray, rec.encode(algorithm, recjax.key(seed), q, PRIOR))


@pytest.mark.parametrize("name", ["orc", "pfr", "mrc"])
def test_searches_score_the_times_that_their_waits_make(name):
    """Against float64 from the waits of each row: order statistics, arrivals of a Poisson process, or the waits."""
    count, rows = 6, 32
    factory, size = rec.ALGORITHMS[name], "max_candidates" if name == "pfr" else "num_candidates"
    algorithm = factory(**{size: count}, chunk_size=3)
    key, private = recjax.key(10), randomness.fold_in(recjax.key(11), jnp.arange(rows, dtype=jnp.uint32))
    q, p = (recjax.Normal(jnp.float32([mean]), jnp.float32([scale])) for mean, scale in ((MEAN, SCALE), (0, 1)))

    def search(private):
        state = algorithm.init(key, private, q, p, None)
        for _ in range(2):
            state = algorithm.step(key, private, state)
        return state

    state = jax.jit(jax.vmap(search))(private)
    steps = jnp.arange(count, dtype=jnp.uint32)
    waits = np.asarray(jax.vmap(lambda own: candidates.waiting_times(own, steps))(private), np.float64)
    place = np.arange(count)
    times = {"orc": np.cumsum(waits * count / (count - place), axis=1), "pfr": np.cumsum(waits, axis=1), "mrc": waits}
    words = partition.words_anywhere(key, 1, steps + 1)[0]
    z = np.asarray(grid.to_float(grid.value_fixed(words)), np.float64)
    scores = np.log(times[name]) - (log_ratio(z) - log_ratio(np.float64(MEAN / (1 - SCALE**2))))
    if name == "pfr":
        # It ends at an arrival that not even the largest ratio would let win, and not before.
        best = np.minimum.accumulate(scores, axis=1)[:, [2, 2, 2, 5, 5, 5]]
        ended = (np.log(times["pfr"]) > best).any(axis=1)
        assert np.array_equal(state.stopped, ended) and 0 < ended.sum() < rows
    assert np.asarray(state.best) == pytest.approx(scores.min(axis=1), abs=1e-3)
    assert (np.asarray(state.best_index) == np.argmin(scores, axis=1) + 1).mean() > 0.95
    if name == "orc":
        assert np.asarray(state.time) == pytest.approx(times["orc"][:, -1], rel=1e-5)


def test_orc_s_times_are_those_of_so_many_exponentials():
    """Sorted, they come without the recursion: the winner's index and sample have the same distribution so."""
    count = 2
    enc = encoded(rec.orc(num_candidates=count, chunk_size=2), seed=4)
    rng = np.random.default_rng(0)
    z = rng.normal(size=(10 * ROWS, count))
    times = np.sort(rng.exponential(size=z.shape), axis=1)
    best = np.argmin(np.log(times) - log_ratio(z), axis=1)
    assert pvalue_of_two(enc.code.index, best + 1, count) > 1e-3
    sample = np.take_along_axis(z, best[:, None], axis=1).ravel()
    assert scipy.stats.ks_2samp(enc.sample.ravel().astype(np.float64), sample).pvalue > 1e-3


def test_pfr_s_index_is_that_of_a_poisson_process():
    enc = encoded(rec.pfr(max_candidates=1 << 12, chunk_size=16), seed=5)
    rng = np.random.default_rng(1)
    z = rng.normal(size=(4 * ROWS, 64))
    times = np.cumsum(rng.exponential(size=z.shape), axis=1)
    best = np.argmin(np.log(times) - log_ratio(z), axis=1)
    assert pvalue_of_two(enc.code.index, best + 1, 24) > 1e-3


def test_minimal_random_coding_weighs_candidates_by_their_ratios():
    enc = encoded(rec.mrc(num_candidates=3, chunk_size=2), seed=6)
    rng = np.random.default_rng(2)
    z = rng.normal(size=(10 * ROWS, 3))
    ratio = np.exp(log_ratio(z))
    best = (rng.random((len(z), 1)) * ratio.sum(axis=1, keepdims=True) > np.cumsum(ratio, axis=1)).sum(axis=1)
    assert pvalue_of_two(enc.code.index, np.minimum(best, 2) + 1, 3) > 1e-3
    sample = np.take_along_axis(z, np.minimum(best, 2)[:, None], axis=1).ravel()
    assert scipy.stats.ks_2samp(enc.sample.ravel().astype(np.float64), sample).pvalue > 1e-3


def ranks(seen: np.ndarray, slot: np.ndarray, amount: int) -> tuple[np.ndarray, np.ndarray]:
    """Each candidate's number of earlier ones in its slot, in NumPy; those of a search that is over do not count."""
    table, found = seen.copy(), []
    for place in slot:
        found.append(table[place])
        table[place] += amount
    return table, np.array(found)


@pytest.fixture(params=["cpu", "default"])
def count(request, monkeypatch):
    """`candidates._count` on CPUs and as accelerators run it, which a CPU can do too."""
    monkeypatch.setattr(jax.lax, "platform_dependent", lambda *arguments, **ways: ways[request.param](*arguments))
    return candidates._count


def test_candidates_are_ranked_among_those_of_their_slot(count):
    rng = np.random.default_rng(3)
    seen = rng.integers(0, 5, 8).astype(np.uint32)
    for _ in range(3):
        slot = rng.integers(0, 8, 40).astype(np.uint32)
        table, earlier = count(jnp.asarray(seen), jnp.asarray(slot), jnp.uint32(1))
        expected_table, expected = ranks(seen, slot, 1)
        assert np.array_equal(table, expected_table) and np.array_equal(earlier, expected)
        seen = expected_table


def test_candidates_of_a_search_that_is_over_are_not_counted(count):
    seen = np.arange(8, dtype=np.uint32)
    table, _ = count(jnp.asarray(seen), jnp.asarray([1, 1, 5], jnp.uint32), jnp.uint32(0))
    assert np.array_equal(table, seen)


def test_codes_beyond_the_last_interval_are_those_of_the_last():
    """A decoder takes any code: what no encoder sends names a word of the bin that is nearest."""
    bins = rec.Bins(jnp.asarray([4, 1], jnp.uint32), 4)
    key, index = recjax.key(9), jnp.uint32(3)
    last, beyond = ([jnp.asarray(k, jnp.uint32) for k in pair] for pair in ([[3, 0]], [[4, 0], [9, 5], [2**32 - 1, 1]]))
    expected = candidates.decode(key, bins, rec.Code(last[0], index), 2)
    for interval in beyond:
        assert np.array_equal(candidates.decode(key, bins, rec.Code(interval, index), 2), expected)
    assert int(expected[0]) >= 3 << 22


@pytest.mark.parametrize("name", ["orc", "mrc"])
def test_candidates_beyond_the_budget_never_win(name):
    """Of four candidates that are scored three at a time, a fifth and a sixth do not exist."""
    algorithm = rec.ALGORITHMS[name](num_candidates=4, chunk_size=3)
    q = recjax.Normal(np.full((400, 1), MEAN, np.float32), np.full((400, 1), SCALE, np.float32))
    index = np.asarray(rec.encode(algorithm, recjax.key(12), q, PRIOR).code.index)
    assert set(index.tolist()) == {1, 2, 3, 4}
