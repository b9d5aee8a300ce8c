"""The map between times and heights of the ratio in greedy Poisson rejection sampling (Flamich 2023, arXiv:2305.15313).

An arrival of time t is accepted if r exceeds a height h(t), which grows at the rate of the probability that the search
still runs, s(h) = E_P[(r - h)_+]. So the height h is reached at the time

    sigma(h) = integral from 0 to h of d eta / s(eta),    s(h) = integral from h to max r of P[r >= eta] d eta.

A table holds log sigma at nodes between the largest ratio and the smallest. P[r >= eta] is itself an integral, of P's
density at the ends of {r >= eta}. So three running sums of positive terms, each by the trapezoidal rule with end
corrections, are accurate at every height. A height h is given by its drop, log(max r / h). Nodes are evenly spaced in
u = log(exp(drop) - 1): geometrically where the drop is small, as sigma is a power of it there, and evenly where it is
large, as sigma falls exponentially there.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from recjax import grid
from recjax.distributions.normal_ratio import NormalRatio
from recjax.distributions.superlevel import density, superlevel

NODES = 96
"""Number of nodes of the table."""
_HALF_CELL = 2.0 ** -(grid.BITS + 1)
# A height of e^-12 is reached at a time of about e^-12, before which hardly anything arrives.
_LOG_FIRST_HEIGHT = -12.0
# Width of the superlevel set at the first node, as a part of its width at the last.
_NARROWEST = 0.006


class TimeMap(NamedTuple):
    """Holds a table of log sigma at nodes u = first + step * (0, 1, ...).

    Attributes:
        log_time: log sigma at each node.
        rise: Derivative of log sigma in u at each node, times the step.
        first: The first node.
        step: Distance between nodes.
    """

    log_time: Float[Array, "*batch nodes"]
    rise: Float[Array, "*batch nodes"]
    first: Float[Array, "*batch"]
    step: Float[Array, "*batch"]

    def log_sigma(self, drop: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """Returns the log of the time at which a height is reached.

        Args:
            drop: log(max r / height), in nats.

        Returns:
            log sigma; infinity for the largest ratio, of drop 0.
        """
        place = (_to_node(jnp.maximum(drop, 0.0)) - self.first) / self.step
        last = self.log_time.shape[-1] - 1
        inside = jnp.clip(place, 0.0, last)
        node = jnp.minimum(inside.astype(jnp.int32), last - 1)
        x = inside - node
        left, right = self.log_time[node], self.log_time[node + 1]
        # Cubic Hermite interpolation, by values and slopes at both ends.
        bend = x * (1 - x) * ((1 - x) * (self.rise[node] - right + left) - x * (self.rise[node + 1] - right + left))
        beyond = self.rise[0] * jnp.minimum(place, 0.0) - self.step * jnp.maximum(place - last, 0.0)
        return left + x * (right - left) + bend + beyond


class _Sum(NamedTuple):
    """Holds an integral up to a node, its positive integrand there (negative before any node), and its slope in u."""

    total: Float[Array, ""]
    value: Float[Array, ""]
    slope: Float[Array, ""]

    def extend(self, step: Float[Array, ""], value: Float[Array, ""], slope: Float[Array, ""]) -> "_Sum":
        """Returns the integral up to the next node, by the trapezoidal rule with end corrections."""
        part = 0.5 * step * (self.value + value) + jnp.square(step) / 12 * (self.slope - slope)
        return _Sum(self.total + jnp.where(self.value < 0, 0.0, jnp.maximum(part, 0.0)), value, slope)


def time_map(ratio: NormalRatio) -> TimeMap:
    """Makes the table of one coordinate.

    Args:
        ratio: A unimodal density ratio of one coordinate.

    Returns:
        The table.
    """
    first, step = _nodes(ratio)
    at = grid.to_float(ratio.best_fixed)

    # Node by node: for an array of nodes, XLA:CPU would compute everything that `ratio` depends on again for each.
    def descend(sums, node):
        mass, left = sums
        raised = jnp.exp(first + step * node)
        drop, height = jnp.log1p(raised), 1 / (1 + raised)
        growth = raised * height  # d drop / du, whose own derivative is growth * height.
        share = growth * height
        lower, upper, rate = superlevel(ratio, drop)
        low, high = density(ratio, lower), density(ratio, upper)
        wider = (low + high) / rate
        bend = ((at + lower) * low - (at + upper) * high - 2 * ratio.curvature * wider) / jnp.square(rate)
        mass = mass.extend(step, wider * growth, bend * jnp.square(growth) + wider * share)
        slope = share * (mass.value + mass.total * (height - growth))
        left = left.extend(step, mass.total * share, slope)
        pace = share / left.total
        pace_slope = pace * (height - growth - left.value / left.total)
        return (mass, left), (pace, pace_slope)

    def ascend(time, pace):
        time = time.extend(step, *pace)
        return time, (jnp.log(time.total), -step * time.value / time.total)

    mass, left = _first_sums(ratio, jax.nn.softplus(first))
    nodes = jnp.arange(NODES, dtype=jnp.float32)
    (mass, left), pace = jax.lax.scan(descend, (_begin(mass), _begin(left)), nodes)
    # At heights below that of the last node, the mass hardly grows.
    below = mass.total * jnp.exp(-jax.nn.softplus(first + step * (NODES - 1)))
    earliest = _begin(jnp.log1p(below / left.total) / mass.total)
    # From the last node to the first, integrals extend by the same rule, with slopes of the opposite sign.
    _, (log_time, rise) = jax.lax.scan(ascend, earliest, (pace[0], -pace[1]), reverse=True)
    return TimeMap(log_time, rise, first, step)


def _begin(total: Float[Array, ""]) -> _Sum:
    return _Sum(total, jnp.float32(-1), jnp.float32(0))


def _nodes(ratio: NormalRatio) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Returns the first node and the distance to the next, from the smallest ratio that matters to near the largest."""
    largest = jnp.max(-ratio.log_ratio(jnp.array([0, grid.LAST_WORD], jnp.uint32)))
    largest = jnp.clip(largest, 1e-6, jnp.clip(ratio.log_maximum(), 0.0, 18.0) - _LOG_FIRST_HEIGHT)
    lower, upper, _ = superlevel(ratio, largest)
    narrow = _NARROWEST * jnp.minimum(-lower, upper)
    first = _to_node(narrow * (jnp.abs(ratio.slope) + jnp.maximum(ratio.curvature, 1e-12) * narrow))
    return first, (_to_node(largest) - first) / (NODES - 1)


def _first_sums(ratio: NormalRatio, drop: Float[Array, ""]) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Returns P[r >= h] and s(h) / max r at a height near the largest ratio."""
    lower, upper, _ = superlevel(ratio, drop)
    at, end = grid.to_float(ratio.best_fixed), grid.to_float(grid.value_fixed(jnp.uint32(grid.LAST_WORD)))
    width = jnp.minimum(upper, end - at) - jnp.maximum(lower, -end - at)
    # The outer half of an outermost word's cell lies beyond its value; no set is taken to have less mass than half a
    # cell.
    at_end = (ratio.best_word == 0) | (ratio.best_word == grid.LAST_WORD)
    mass = density(ratio, jnp.float32(0)) * width + jnp.where(at_end, _HALF_CELL, 0.0)
    mass = jnp.clip(mass, _HALF_CELL, 1.0)
    # The integral over the drop of a mass that grows as its square root, times the height max r exp(-drop), in two
    # terms of a series.
    return mass, drop * mass * (2 / 3 - 0.4 * drop)


def _to_node(drop: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Returns log(exp(drop) - 1), the inverse of softplus."""
    return drop + jnp.log(-jnp.expm1(-drop))
