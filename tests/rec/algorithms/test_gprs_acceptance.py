"""Which arrivals greedy Poisson rejection sampling accepts: those before sigma of their ratio, to half a percent."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, special

import recjax
from recjax import grid
from recjax.rec.algorithms.gprs import Target, prepare

PRIOR = recjax.Normal(0.0, 1.0)


def height(mean: float, scale: float, z: float) -> float:
    return np.exp(-0.5 * ((z - mean) / scale) ** 2 + 0.5 * z * z) / scale


def sigma(mean: float, scale: float, reached: float) -> float:
    """The integral of 1 / (Q[r >= h] - h P[r >= h]) over h from 0 to the height, in float64."""
    narrowing = 1 - scale**2
    mode, width = mean / narrowing, scale / np.sqrt(narrowing)
    log_best = -np.log(scale) + 0.5 * mean**2 / narrowing

    def rate(h: float) -> float:
        reach = width * np.sqrt(2 * max(log_best - np.log(h), 0.0))
        ends = np.array([mode - reach, mode + reach])
        q, p = (np.diff(special.ndtr(x))[0] for x in ((ends - mean) / scale, ends))
        return 1 / (q - h * p)

    return integrate.quad(lambda log_h: np.exp(log_h) * rate(np.exp(log_h)), np.log(reached) - 30, np.log(reached))[0]


@pytest.mark.parametrize(("mean", "scale"), [(0.5, 0.5), (1.0, 0.25), (-0.8, 0.7)])
def test_arrivals_are_accepted_up_to_the_time_at_which_their_ratio_is_reached(mean, scale):
    mean, scale = float(np.float32(mean)), float(np.float32(scale))
    target = jax.jit(prepare)(recjax.Normal(np.float32([mean]), np.float32([scale])), PRIOR)
    z = mean + scale * np.array([-2.5, -1.0, 0.4, 1.2, 2.0])
    words = grid.cell(jnp.asarray(z, jnp.float32))
    z = np.asarray(grid.value(words), np.float64)
    times = np.array([sigma(mean, scale, height(mean, scale, float(one))) for one in z])
    accepts = jax.jit(Target.accepts)
    for factor, accepted in ((0.5, True), (0.995, True), (1.005, False), (2.0, False)):
        found = accepts(target, words, jnp.asarray(factor * times, jnp.float32))
        assert (np.asarray(found) == accepted).all(), factor
