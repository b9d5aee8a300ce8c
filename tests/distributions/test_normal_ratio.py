"""The density ratio on the words of the grid against float64 over all words."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax import grid
from recjax.distributions import Normal, density_ratio, renyi_infinity_bits
from recjax.distributions.normal_ratio import NormalRatio

LAST = (1 << grid.BITS) - 1
# Mean and scale of the target in units of the coding distribution: near it, far from it, narrower than a cell anywhere
# (a cell at 0 is 1.5e-7 wide, the gap at 5.3 is 0.2), and as wide as it or wider.
TARGETS = [
    (0.8, 0.25),
    (-1.2, 0.3),
    (4.5, 1e-3),
    (0.0, 1e-7),
    (0.3, 1e-12),
    (5.3, 1e-9),
    (-30.0, 0.9),
    (30.0, 1e-4),
    (30.0, 2.0),
    (0.0, 1.0),
    (0.5, 1.0),
    (1e-3, 1 - 2.0**-24),
    (-0.1, 1 + 2.0**-23),
    (0.2, 2.0),
    (-3.0, 1000.0),
]

prepare = jax.jit(lambda mean, scale: density_ratio(Normal(mean, scale), Normal(0.0, 1.0)))


@functools.cache
def values() -> np.ndarray:
    return np.asarray(jax.jit(lambda: grid.value_fixed(jnp.arange(1 << grid.BITS, dtype=jnp.uint32)))()) / 2.0**26


def exact_log_ratio(mean: float, scale: float, word) -> np.ndarray:
    """log q(z_w)/p(z_w) in float64, for the target as float32 states it (and no narrower than the grid's unit)."""
    mean, scale = float(np.float32(mean)), max(float(np.float32(scale)), 2.0**-26)
    z = values()[word]
    return -np.log(scale) - 0.5 * ((z - mean) / scale) ** 2 + 0.5 * z**2


def words_to_try(ratio: NormalRatio) -> np.ndarray:
    """Words everywhere, and all those around the best one."""
    rng = np.random.default_rng(0)
    near = int(ratio.best_word) + np.arange(-40, 41)
    return np.concatenate([np.clip(near, 0, LAST), rng.integers(0, LAST + 1, 300), np.arange(5), LAST - np.arange(5)])


@pytest.mark.parametrize(("mean", "scale"), TARGETS)
def test_log_ratio_and_its_maximum_against_float64(mean, scale):
    ratio = prepare(jnp.float32(mean), jnp.float32(scale))
    exact = exact_log_ratio(mean, scale, slice(None))
    best, word = exact.max(), words_to_try(ratio)
    found = np.asarray(jax.jit(NormalRatio.log_ratio)(ratio, jnp.asarray(word, jnp.uint32)))
    relative = exact[word] - best
    assert np.isfinite(found).all() and (found < 1e-5).all()
    # The mean is only known to 2^-24 of itself and to the grid's unit, so ratios far down keep as many digits.
    assert np.allclose(found, relative, rtol=2e-4, atol=2e-5 * max(1, abs(mean)))
    assert best - exact[int(ratio.best_word)] <= 1e-4
    assert float(ratio.log_maximum()) == pytest.approx(best, rel=1e-5, abs=1e-4)
    assert bool(ratio.valid)


@pytest.mark.parametrize(("mean", "scale"), TARGETS)
def test_suprema_against_brute_force(mean, scale):
    """Over all words of small ranges, and over intervals of any integer J."""
    ratio = prepare(jnp.float32(mean), jnp.float32(scale))
    exact = exact_log_ratio(mean, scale, slice(None))
    anchor = int(ratio.best_word)
    rng = np.random.default_rng(1)
    start = np.concatenate([rng.integers(0, LAST - 100, 30), np.clip(anchor - np.arange(0, 100, 9), 0, LAST - 100)])
    ranges = [(int(a), int(a) + int(n)) for a, n in zip(start, rng.integers(0, 100, len(start)), strict=True)]
    for count in (2, 7, 12):
        k = jnp.arange(count, dtype=jnp.uint32)
        ends = grid.interval_words(k, jnp.full_like(k, count))
        ranges += [(int(a), int(b)) for a, b in zip(*ends, strict=True)]
    first, last = jnp.asarray(ranges, jnp.uint32).T
    found = np.asarray(jax.jit(NormalRatio.log_supremum)(ratio, first, last))
    brute = np.array([exact[a : b + 1].max() for a, b in ranges]) - exact.max()
    assert np.allclose(found, brute, rtol=2e-4, atol=2e-5 * max(1, abs(mean)))


def test_the_divergence_of_a_wide_target_is_that_of_an_end_word():
    exact = exact_log_ratio(0.2, 2.0, slice(None))
    assert exact.argmax() == LAST
    found = renyi_infinity_bits(Normal(jnp.float32(0.2), jnp.float32(2.0)), Normal(0.0, 1.0))
    assert float(found) == pytest.approx(exact.max() / np.log(2), abs=1e-4)


def test_units_are_those_of_the_coding_distribution():
    mean, scale = np.float32(0.8), np.float32(0.25)
    moved = density_ratio(Normal(3 + 2 * mean, 2 * scale), Normal(jnp.float32(3.0), jnp.float32(2.0)))
    word = jnp.arange(0, LAST, 99991, dtype=jnp.uint32)
    assert np.allclose(moved.log_ratio(word), prepare(mean, scale).log_ratio(word), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("mean", "scale"),
    [
        (np.nan, 1.0),
        (np.inf, 1.0),
        (0.0, np.nan),
        (0.0, np.inf),
        (0.0, 0.0),
        (0.0, -1.0),
        (-np.inf, 0.0),
    ],
)
def test_what_is_no_distribution_is_marked_and_never_nan(mean, scale):
    ratio = prepare(jnp.float32(mean), jnp.float32(scale))
    assert not ratio.valid
    word = jnp.asarray([0, 1 << 23, LAST], jnp.uint32)
    assert ratio.log_ratio(word).tolist() == [0.0, 0.0, 0.0]
    assert ratio.log_supremum(word, word).tolist() == [0.0, 0.0, 0.0]
    assert float(ratio.mass_to(jnp.uint32((1 << grid.BITS) - 1))) == 1
    assert np.isfinite(ratio.log_maximum())


@pytest.mark.parametrize(("mean", "scale"), [(3e38, 1e-38), (-3e38, 3e38), (1e-40, 1e-45), (1e6, 1e-6)])
def test_numbers_at_the_ends_of_float32_give_numbers(mean, scale):
    ratio = prepare(jnp.float32(mean), jnp.float32(scale))
    word = jnp.asarray([0, 77, 1 << 23, LAST - 1, LAST], jnp.uint32)
    assert np.isfinite(ratio.log_ratio(word)).all()
    assert (ratio.log_ratio(word) <= 1e-5).all()
    assert np.isfinite(ratio.log_maximum())
