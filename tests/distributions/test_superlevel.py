"""Superlevel sets of density ratios, and what a ratio has above a height, against float64."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

from recjax.distributions import Normal
from recjax.distributions.superlevel import excess, ratio_above, superlevel, unimodal_ratio

PRIOR = Normal(0.0, 1.0)
# Means and scales of targets: near the coding distribution and far from it, with the mode of the ratio on the grid,
# in its tail and beyond it, and with a monotone ratio.
TARGETS = [(0.8, 0.25), (-1.2, 0.3), (1.5, 1e-3), (0.0, 0.99), (-4.0, 0.1), (-0.3, 0.95), (2.0, 0.8), (0.5, 1.0)]
# The value of the last word, a little less.
END = 5.42
DROPS = np.float32([1e-6, 1e-3, 0.05, 1.0, 6.0, 20.0])


def prepare(mean, scale):
    ratio, _ = jax.jit(unimodal_ratio)(Normal(jnp.float32([mean]), jnp.float32([scale])), PRIOR)
    return ratio


class Exact:
    """How far log r lies below its maximum over words, in float64, at a difference from the best word."""

    def __init__(self, ratio, mean, scale):
        self.mean, self.scale = float(np.float32(mean)), float(np.float32(scale))
        self.at = int(ratio.best_fixed) / 2.0**26

    def fallen(self, delta):
        precision = self.scale**-2
        slope = (self.mean - self.at) * precision + self.at
        return 0.5 * (precision - 1) * delta**2 - slope * delta

    def excess(self, drop, lower, upper) -> float:
        def integrand(delta):
            fallen = max(self.fallen(delta), 0.0)
            above = np.exp(-fallen) * -np.expm1(fallen - drop) if fallen < drop else 0.0
            return above * stats.norm.pdf(self.at + delta)

        return integrate.quad(integrand, lower, upper, epsabs=0, epsrel=1e-9, limit=500)[0]


@pytest.mark.parametrize(("mean", "scale"), TARGETS)
def test_ends_have_the_height_and_a_rate(mean, scale):
    ratio = prepare(mean, scale)
    exact = Exact(ratio, mean, scale)
    lower, upper, rate = map(np.asarray, jax.jit(superlevel)(ratio, DROPS))
    assert (lower <= 0).all() and (upper >= 0).all()
    for end in (lower, upper):
        inside = np.abs(exact.at + end) < 5.5
        fallen = exact.fallen(end.astype(np.float64))
        assert np.allclose(fallen[inside], DROPS[inside], rtol=2e-3)
        growth = (exact.fallen(1.001 * end) - exact.fallen(0.999 * end)) / (0.002 * np.abs(end))
        assert np.allclose(growth[inside], rate[inside], rtol=2e-3)


@pytest.mark.parametrize(("mean", "scale"), TARGETS)
def test_excess_keeps_its_digits_where_masses_would_cancel(mean, scale):
    """Over everything, over one side, and over an interval within a superlevel set."""
    ratio = prepare(mean, scale)
    exact = Exact(ratio, mean, scale)
    compiled = jax.jit(excess)
    lowers, uppers, _ = np.clip(jax.jit(superlevel)(ratio, DROPS), -END - exact.at, max(END - exact.at, 0))
    for drop, left, right in zip(DROPS, lowers, uppers, strict=True):
        for lower, upper in ((left, right), (left, 0.0), (0.0, right), (0.1 * left, 0.2 * right), (0.9 * left, right)):
            lower, upper = np.float32([lower, upper])
            expected = exact.excess(float(drop), float(lower), float(upper))
            found = float(compiled(ratio, drop, lower, upper))
            # Nearer to the top than 1e-3, only differences of single words are known.
            assert found == pytest.approx(expected, rel=1e-4 if drop > 1e-4 else 3e-3, abs=0)
        assert compiled(ratio, drop, np.float32(right + 1), np.float32(right + 2)) == 0


@pytest.mark.parametrize(("mean", "scale"), TARGETS)
def test_an_infinite_drop_is_the_height_0(mean, scale):
    ratio = prepare(mean, scale)
    exact = Exact(ratio, mean, scale)
    lower, upper = -END - exact.at, END - exact.at
    found = jax.jit(excess)(ratio, jnp.float32(jnp.inf), jnp.float32(lower), jnp.float32(upper))
    points = np.clip(exact.mean - exact.at + exact.scale * np.arange(-8, 9), lower, upper)
    expected = sum(exact.excess(np.inf, a, b) for a, b in itertools.pairwise(points) if a < b)
    assert float(found) == pytest.approx(expected, rel=1e-4)
    assert float(ratio_above(ratio, jnp.float32(jnp.inf), jnp.float32(0.0))) == 1


def test_wider_targets_are_replaced_and_no_others():
    scale = np.float32([0.5, 1.0, 1.5, np.inf, np.nan, 0.0])
    ratio, narrow = jax.jit(jax.vmap(lambda s: unimodal_ratio(Normal(jnp.float32([0.4]), s[None]), PRIOR)))(scale)
    assert narrow.tolist() == [True, True, False, True, True, True]
    assert ratio.valid.tolist() == [True, True, True, False, False, False]
    assert ratio.scale.tolist()[:3] == [0.5, 1, 1]
    assert ratio.log_ratio(jnp.uint32(77))[1] == ratio.log_ratio(jnp.uint32(77))[2]
