"""The times at which acceptance regions shrink to a height, against float64, and the distribution of the samples."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, special

from recjax import grid
from recjax.distributions import Normal
from recjax.distributions.superlevel import unimodal_ratio
from recjax.rec.trees.stretch import NODES, TimeMap, time_map

PRIOR = Normal(0.0, 1.0)
TARGETS = [(0.5, 0.5), (1, 0.25), (1, 0.1), (2, 0.1), (1.5, 0.02), (3, 0.1), (0, 0.97), (-1, 1e-3), (0, 1e-4)]
log_sigma = jax.jit(TimeMap.log_sigma)


@jax.jit
def prepare(mean, scale):
    ratio, _ = unimodal_ratio(Normal(mean[None], scale[None]), PRIOR)
    return ratio, time_map(ratio)


class Exact:
    """sigma in float64 of a target whose ratio has its mode well within the grid."""

    def __init__(self, mean, scale):
        self.mean, self.scale = float(np.float32(mean)), float(np.float32(scale))
        narrowing = 1 - self.scale**2
        self.mode, self.width = self.mean / narrowing, self.scale / np.sqrt(narrowing)
        self.log_best = -np.log(self.scale) + 0.5 * self.mean**2 / narrowing

    def surviving(self, drop) -> float:
        """The probability that nothing is accepted before the height is reached."""
        reach = self.width * np.sqrt(2 * drop)
        ends = np.array([self.mode - reach, self.mode + reach])
        return mass((ends - self.mean) / self.scale) - np.exp(self.log_best - drop) * mass(ends)

    def sigma(self, drop) -> float:
        def integrand(log_drop):
            d = np.exp(log_drop)
            return d * np.exp(self.log_best - d) / self.surviving(d)

        return integrate.quad(integrand, np.log(drop), np.log(drop + 60), epsabs=0, epsrel=1e-8, limit=300)[0]


def mass(ends) -> float:
    lower, upper = ends if ends.sum() < 0 else -ends[::-1]
    return special.ndtr(upper) - special.ndtr(lower)


@pytest.mark.parametrize(("mean", "scale"), TARGETS)
def test_sigma_against_float64(mean, scale):
    """To 1e-4 between nodes and beyond the last; nearer to the top than the first comes one search in 50,000."""
    _, times = prepare(jnp.float32(mean), jnp.float32(scale))
    exact = Exact(mean, scale)
    last = np.logaddexp(0, float(times.first + times.step * (NODES - 1)))
    drops = np.geomspace(1e-4, last + 3, 60, dtype=np.float32)
    if last < 10:  # The smallest ratio of all, not just one that matters little.
        drops = drops[drops < last]
    expected = np.array([exact.sigma(float(drop)) for drop in drops])
    found = np.exp(np.asarray(log_sigma(times, drops), np.float64))
    rare = np.array([exact.surviving(float(drop)) < 2e-5 for drop in drops])
    assert (~rare).sum() > 30
    assert found[~rare] == pytest.approx(expected[~rare], rel=1e-4)
    assert found[rare] == pytest.approx(expected[rare], rel=0.02)


def test_the_best_word_is_accepted_at_any_time_and_times_fall_with_the_ratio():
    for mean, scale in [*TARGETS, (0, 1), (0.5, 1), (4, 0.9), (-30, 0.9), (0.4, 1e-9), (5, 1e-3), (1e-3, 0.999999)]:
        _, times = prepare(jnp.float32(mean), jnp.float32(scale))
        found = np.asarray(log_sigma(times, np.concatenate([[0], np.geomspace(1e-12, 100, 500)]).astype(np.float32)))
        assert found[0] == np.inf and np.isfinite(found[1:]).all()
        assert (np.diff(found[1:]) < 1e-4).all()


@pytest.mark.parametrize(
    ("mean", "scale"), [(1.5, 3.2e-6), (3.0, 1.0), pytest.param(0.1, 0.99, marks=pytest.mark.slow)]
)
def test_the_law_on_words_is_the_target(mean, scale):
    """Computed, not sampled, for a target of few words, one with much in the last word, and one near P."""
    ratio, times = prepare(jnp.float32(mean), jnp.float32(scale))
    log_ratio = np.asarray(ratio.log_ratio(jnp.arange(1 << grid.BITS, dtype=jnp.uint32)))
    order = np.argsort(log_ratio, kind="stable")
    log_ratio = log_ratio[order].astype(np.float64)
    time = np.exp(np.minimum(log_sigma(times, -log_ratio.astype(np.float32)), 80).astype(np.float64))
    # Between the times of two words, those of larger ratio are accepted as they arrive.
    rate = np.arange(len(time), 0, -1) / len(time)
    arrivals = np.diff(time, prepend=0.0) * rate
    running = np.exp(-np.concatenate([[0], np.cumsum(arrivals)[:-1]]))
    law = np.cumsum(running * -np.expm1(-arrivals) / rate) / len(time)
    target = np.exp(log_ratio)
    assert law.sum() == pytest.approx(1)
    assert 0.5 * np.abs(law - target / target.sum()).sum() < 1e-3
