"""Quick scores against the words that decoders draw: the same intervals and streams, and log ratios to a hair."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import recjax
from recjax import grid, randomness, rec
from recjax.distributions import Laplace, density_ratio
from recjax.rec import Status
from recjax.rec.candidates import fused_bins, fused_scores, partition

KEY, PRIVATE = recjax.key(11), recjax.key(12)
STEPS = jnp.arange(301, dtype=jnp.uint32)
# From one pair of coordinates to several groups of words and of values, with every remainder.
# One, few and many; what lies between them takes longer than it finds.
DIMS = [1, 4, 9, 23, *(pytest.param(dim, marks=pytest.mark.slow) for dim in (2, 3, 5, 6, 8, 17))]


def problem(dim: int, narrowest: float = 0.02):
    rng = np.random.default_rng(dim)
    loc = rng.normal(size=dim).astype(np.float32)
    scale = np.geomspace(narrowest, 1.3, dim).astype(np.float32)
    ratio = density_ratio(recjax.Normal(loc, scale), recjax.Normal(jnp.zeros(dim), jnp.ones(dim)))
    bins = rec.Bins(jnp.asarray(rng.integers(1, 8, dim), jnp.uint32), 8)
    return ratio, bins, 1 / scale


def assert_close(quick, exact, steepness):
    """Within 1e-4 of a log ratio, of its size, or of what two roundings of z make of the narrowest coordinate."""
    exact = np.asarray(exact, np.float64)
    assert (np.abs(quick - exact) <= 1e-4 * (1 + np.abs(exact)) + 5e-7 * steepness.max() * np.sqrt(1 - exact)).all()


@pytest.mark.parametrize("dim", DIMS)
def test_scores_anywhere_are_those_of_the_words(dim):
    ratio, _, steepness = problem(dim)
    quick = jax.jit(fused_scores.anywhere)(KEY, ratio, STEPS + 1)
    exact = jax.jit(lambda: ratio.block_log_ratio(partition.words_anywhere(KEY, dim, STEPS + 1)))()
    assert_close(quick, exact, steepness)


@pytest.mark.parametrize("dim", DIMS)
def test_draws_streams_and_scores_in_bins_are_those_of_the_words(dim):
    ratio, bins, steepness = problem(dim)
    weights = partition.weights_by_supremum(ratio, bins)
    interval = jax.jit(partition.draw_intervals)(PRIVATE, STEPS, weights)
    packed, gain = jax.jit(fused_bins.draw)(PRIVATE, STEPS, weights)
    assert np.array_equal(fused_bins.unpack(packed, dim), interval)
    every = np.take_along_axis(np.asarray(weights.log_gain), np.asarray(interval, np.int64), axis=1)
    assert np.allclose(gain, every.sum(axis=0), atol=1e-5)

    stream = partition.bin_stream(KEY, interval)
    quick_stream = jax.jit(fused_bins.streams, static_argnums=2)(KEY, packed, dim)
    assert all(map(np.array_equal, stream, quick_stream))

    words = partition.words_in_bin(stream, interval, weights.intervals, STEPS + 1)
    quick = jax.jit(fused_bins.log_ratios)(stream, packed, ratio, weights.intervals, STEPS + 1)
    assert_close(quick, ratio.block_log_ratio(words), steepness)


def test_a_stream_starts_as_paths_do():
    start = randomness.stream_start(KEY, randomness.CANDIDATE, 2)
    ended = randomness.threefry2x32(start, (jnp.uint32(5), jnp.uint32(7)))
    assert all(map(np.array_equal, ended, randomness.stream(KEY, randomness.CANDIDATE, (5, 7))))


@pytest.mark.parametrize("scale", [1e-3, 1e-4, 1e-5])
def test_narrow_targets_keep_their_law(scale):
    """Where an error of the polynomial as such, 7e-6, would move the sample."""
    rows = 4000
    q = recjax.Normal(jnp.full((rows, 1), 0.7), jnp.full((rows, 1), scale))
    bins = [32] if scale > 1e-4 else None
    algorithm = rec.pfr(max_candidates=1 << 22, chunk_size=2048)
    enc = rec.encode(algorithm, recjax.key(5), q, recjax.Normal(0.0, 1.0), bins=bins)
    # Below 1e-4, a cell of the grid holds more of the target than its continuous distribution has there.
    assert (np.asarray(enc.info.status) == (Status.OK if scale >= 1e-4 else Status.UNSUITED)).all()
    # The grid's cells, 2^-24 wide in mass, are 2e-7 wide here.
    z = (np.asarray(enc.sample, np.float64).ravel() - np.float32(0.7)) / scale
    assert scipy.stats.kstest(z, "norm").pvalue > 1e-3


def test_other_laws_and_dependent_coordinates_are_not_quick():
    laplace = density_ratio(Laplace(0.0, 1.0), Laplace(jnp.zeros(2), jnp.ones(2)))
    dependent = recjax.distributions.MultivariateNormal(jnp.zeros(2), jnp.asarray([[0.5, 0.2], [0.2, 0.5]]))
    prior = recjax.Normal(jnp.zeros(2), jnp.ones(2))
    assert not fused_scores.supports(laplace) and not fused_scores.supports(density_ratio(dependent, prior))
    assert fused_scores.supports(density_ratio(recjax.Normal(0.5, 0.5), prior))


def test_the_ends_of_all_intervals_lie_on_the_grid():
    """Of the outermost words of every interval, for a target whose ratio is largest at the ends."""
    ratio = density_ratio(recjax.Normal(jnp.full(2, 0.5), jnp.full(2, 1.3)), recjax.Normal(jnp.zeros(2), jnp.ones(2)))
    last = jnp.uint32(0xFFFFFFFF)
    with pytest.MonkeyPatch.context() as patch:
        for word in (jnp.uint32(0), last, last - jnp.uint32(256)):
            patch.setattr(randomness, "threefry2x32", lambda key, counter, word=word: (counter[0] * 0 + word,) * 2)
            for count in range(1, 33):
                # As many of them always, so that little is compiled.
                k = jnp.minimum(jnp.arange(32, dtype=jnp.uint32), count - 1)
                packed, stream = (k | (k << 8))[None], randomness.Stream(k, k)
                intervals = jnp.full(2, count, jnp.uint32)
                quick = fused_bins.log_ratios(stream, packed, ratio, intervals, k)
                words = grid.word_in_interval(
                    k, jnp.broadcast_to(word >> 8, k.shape), jnp.full(k.shape, count, jnp.uint32)
                )
                exact = ratio.block_log_ratio(jnp.stack([words, words]))
                assert_close(quick, exact, np.full(2, 1 / 1.3))


@pytest.mark.parametrize("dim", [2, 3, 6, 7, 8])
def test_a_bin_of_three_or_seven_dimensions_has_the_stream_of_its_words(dim):
    """Whatever part of the last packed word is in use."""
    interval = np.random.default_rng(dim).integers(0, 32, (dim, 5)).astype(np.uint32)
    padded = np.zeros((-(-dim // 4) * 4, 5), np.uint32)
    padded[:dim] = interval
    packed = sum(padded[place::4] << (8 * place) for place in range(4))
    assert np.array_equal(fused_bins.unpack(jnp.asarray(packed), dim), interval)
    stream = partition.bin_stream(KEY, jnp.asarray(interval))
    assert all(map(np.array_equal, fused_bins.streams(KEY, jnp.asarray(packed), dim), stream))
