"""Bins, their weights and their candidates: against float64, big integers, and goldens of what a decoder draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from recjax import grid, randomness
from recjax.distributions import Normal, density_ratio
from recjax.rec import Bins
from recjax.rec.candidates import fused_bins, partition

GOLDEN_STREAM = [3663660673, 187437583]
GOLDEN_IN_BIN = [[9941035, 4504026, 12382739], [8738442, 10071901, 12507954], [11599641, 8787415, 14056574]]
GOLDEN_ANYWHERE = [[7115766, 4046603, 10177421], [7128931, 11348503, 16633722]]

TOTAL = 1 << 16
MEAN, SCALE = np.float32([0.8, -1.2, 0.3, -2.5, 0.1]), np.float32([0.25, 0.3, 0.6, 0.01, 1.7])
COUNTS = np.array([4, 7, 1, 16, 3])


@pytest.fixture(scope="module")
def bins():
    return Bins(jnp.asarray(COUNTS, jnp.uint32), 16)


@pytest.fixture(scope="module")
def ratio():
    return density_ratio(Normal(jnp.asarray(MEAN), jnp.asarray(SCALE)), Normal(jnp.float32(0), jnp.float32(1)))


@pytest.fixture(scope="module")
def suprema():
    """log of the largest r in each interval of each dimension, less the largest of all: brute force over all words."""
    z = np.asarray(jax.jit(lambda: grid.value_fixed(jnp.arange(1 << 24, dtype=jnp.uint32)))()) / 2.0**26
    found = []
    for mean, scale, count in zip(MEAN.astype(float), SCALE.astype(float), COUNTS.tolist(), strict=True):
        log_ratio = -0.5 * ((z - mean) / scale) ** 2 + 0.5 * z**2
        ends = [((k << 24) // count, (((k + 1) << 24) - 1) // count) for k in range(count)]
        found.append(np.array([log_ratio[a : b + 1].max() for a, b in ends]) - log_ratio.max())
    return found


def weights_of(weights: partition.BinWeights) -> list[np.ndarray]:
    upper = np.asarray(weights.upper, np.int64)
    return [np.diff(row[:count], prepend=0) for row, count in zip(upper, COUNTS.tolist(), strict=True)]


@pytest.mark.parametrize("rule", [partition.weights_by_supremum, partition.weights_by_mass])
def test_weights_are_integers_that_say_what_is_drawn(rule, ratio, bins, suprema):
    weights = jax.jit(rule)(ratio, bins)
    best = 0.0
    for row, (units, count) in enumerate(zip(weights_of(weights), COUNTS.tolist(), strict=True)):
        assert units.min() >= 1 and units.sum() == TOTAL
        gain = np.log(count * units / TOTAL)
        assert np.allclose(weights.log_gain[row, :count], gain, atol=2e-6)
        best += (suprema[row] - gain).max()
    assert float(weights.log_best_nats) == pytest.approx(best, abs=1e-4)
    assert weights.log_gain[2].tolist() == [0.0] * 16


def test_weights_by_supremum_are_proportional_to_it(ratio, bins, suprema):
    for units, log_sup in zip(weights_of(jax.jit(partition.weights_by_supremum)(ratio, bins)), suprema, strict=True):
        exact = np.exp(log_sup) / np.exp(log_sup).sum()
        assert np.abs(units / TOTAL - exact).max() < 20 / TOTAL


def test_weights_by_mass_are_the_target_s_masses(ratio, bins):
    for row, units in enumerate(weights_of(jax.jit(partition.weights_by_mass)(ratio, bins))):
        edge = scipy.stats.norm.ppf(np.arange(COUNTS[row] + 1) / COUNTS[row])
        exact = np.diff(scipy.stats.norm.cdf((edge - MEAN[row]) / SCALE[row]))
        assert np.abs(units / TOTAL - exact).max() < 20 / TOTAL


# 50 is above the capacity up to which intervals are counted rather than bisected for, and no power of two.
@pytest.mark.parametrize("capacity", [1, 16, 24, 50, 64])
def test_intervals_are_drawn_by_their_weights(capacity):
    """A capacity that is no power of two once left the last intervals undrawn."""
    count = capacity - capacity // 8
    mean, scale = jnp.float32([0.0, -2.0, 3.0]), jnp.float32([1.3, 0.9, 0.7])
    some = Bins(jnp.asarray([count, 1, count], jnp.uint32), capacity)
    step = jnp.arange(20_000, dtype=jnp.uint32)

    @jax.jit
    def draw(key):
        weights = partition.weights_by_mass(density_ratio(Normal(mean, scale), Normal(0.0, 1.0)), some)
        return weights, partition.draw_intervals(key, step, weights)

    weights, drawn = draw(randomness.key(3))
    drawn = np.asarray(drawn)
    assert (drawn[1] == 0).all()
    for row in (0, 2):
        expected = np.diff(np.asarray(weights.upper[row, :count], np.float64), prepend=0) * len(step) / TOTAL
        observed = np.bincount(drawn[row], minlength=count)
        assert len(observed) == count
        rare = expected < 8
        observed = np.append(observed[~rare], observed[rare].sum())
        expected = np.append(expected[~rare], expected[rare].sum())
        likely = expected > 0
        assert (observed[~likely] == 0).all()
        if likely.sum() > 1:
            assert scipy.stats.chisquare(observed[likely], expected[likely]).pvalue > 1e-4


def test_candidates_of_a_bin_are_uniform_in_it():
    counts = jnp.asarray([3, 5], jnp.uint32)
    interval = jnp.asarray([2, 1], jnp.uint32)
    index = jnp.arange(1, 8001, dtype=jnp.uint32)
    stream = partition.bin_stream(randomness.key(4), interval)
    drawn = jax.jit(partition.words_in_bin)(stream, jnp.broadcast_to(interval[:, None], (2, 8000)), counts, index)
    for row, k, count in ((0, 2, 3), (1, 1, 5)):
        place = np.asarray(drawn[row], np.float64) * count / 2**24 - k
        assert scipy.stats.kstest(place, "uniform").pvalue > 1e-3


def test_golden_candidates():
    """What codes decode to: a change of any of these changes every file of PFR and ORC."""
    key = randomness.key(2026)
    interval, counts = jnp.asarray([2, 0, 5], jnp.uint32), jnp.asarray([4, 1, 7], jnp.uint32)
    stream = partition.bin_stream(key, interval)
    assert [int(word) for word in stream] == GOLDEN_STREAM
    drawn = [partition.words_in_bin(stream, interval, counts, jnp.uint32(n)).tolist() for n in (1, 2, 1 << 30)]
    assert drawn == GOLDEN_IN_BIN
    assert [partition.words_anywhere(key, 3, jnp.uint32(n)).tolist() for n in (1, 77)] == GOLDEN_ANYWHERE


def test_candidates_agree_with_big_integers():
    """The whole path from seed to word: stream of the bin, 24 bits of each word, interval."""
    key, counts = randomness.key(11), [3, 1000, 32768, 1]
    for interval, n in (([1, 999, 32767, 0], 5), ([0, 0, 0, 0], 1), ([2, 17, 4096, 0], (1 << 32) - 1)):
        words = randomness.words(key, randomness.CANDIDATE, (*map(jnp.uint32, interval), jnp.uint32(n)), 4).tolist()
        expected = [((k << 24) + (w >> 8)) // j for k, w, j in zip(interval, words, counts, strict=True)]
        k, j = jnp.asarray(interval, jnp.uint32), jnp.asarray(counts, jnp.uint32)
        assert partition.words_in_bin(partition.bin_stream(key, k), k, j, jnp.uint32(n)).tolist() == expected


@pytest.mark.parametrize("capacity", [2, 40])
def test_an_interval_ends_where_its_cumulative_weight_does(capacity):
    """A draw that equals the cumulative weight belongs to the next interval, whichever way it is looked for."""
    key, steps = randomness.key(6), jnp.arange(8, dtype=jnp.uint32)
    drawn = np.asarray(randomness.draw(randomness.stream(key, randomness.BIN), steps, 1))[0] & 0xFFFF
    for number, share in enumerate(drawn.tolist()):
        for first, expected in ((share, 1), (share + 1, 0)):
            upper = jnp.asarray([[first] + [TOTAL] * (capacity - 1)], jnp.uint32)
            gain = jnp.zeros((1, capacity), jnp.float32).at[0, 1].set(7.0)
            weights = partition.BinWeights(jnp.asarray([2], jnp.uint32), upper, gain, jnp.float32(0))
            assert int(partition.draw_intervals(key, steps, weights)[0, number]) == expected
            if fused_bins.supports(weights):
                packed, gains = fused_bins.draw(key, steps, weights)
                assert int(fused_bins.unpack(packed, 1)[0, number]) == expected
                assert float(gains[number]) == 7.0 * expected
