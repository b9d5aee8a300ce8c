"""The density ratio of two normal distributions, whose logarithm is a parabola in z."""

from typing import Any

import jax.numpy as jnp
from jax.scipy.special import ndtr
from jaxtyping import Array, Bool, Float, UInt32

from recjax import grid
from recjax.distributions.normal import Normal
from recjax.distributions.ratio import DensityRatio, is_on_grid
from recjax.numerics import normal_mass
from recjax.pytrees import pytree

# A target narrower than the grid's unit lies on one word for practical purposes, whatever its width.
_MIN_SCALE = 2.0**-grid.FRACTION_BITS
_MAX_SCALE = 2.0**20
_MAX_MEAN = 2.0**20


@pytree
class NormalRatio(DensityRatio):
    """The density ratio of each coordinate, as a parabola around the best word, where accuracy matters most.

    With delta = z_w - z_best, a difference of integers, log r(w) - log r(best) = delta (slope - curvature delta); no
    large terms cancel.

    Attributes:
        best_word: The word of the largest ratio, [dim].
        best_fixed: Its value z_best in units of 2^-26, [dim].
        slope: Slope of log r at the best word, [dim].
        curvature: Coefficient of -delta^2; negative where the target is wider than the coding distribution; [dim].
        mean: Mean of the target in units of the coding distribution, [dim].
        scale: Standard deviation of the target in units of the coding distribution, [dim].
        offset: z_best - mean, [dim].
        valid: As in `BlockRatio`: False where a parameter is not finite or a scale is not positive, [dim].
    """

    best_word: Any
    best_fixed: Any
    slope: Any
    curvature: Any
    mean: Any
    scale: Any
    offset: Any
    valid: Any

    @property
    def covered(self) -> Bool[Array, "*n"]:
        """Tells whether the mass function on words is close to the target, per coordinate; see `is_on_grid`."""
        return self.covered_within(self.scale)

    def covered_within(self, deviation: Float[Array, "*n"]) -> Bool[Array, "*n"]:
        """Computes `covered` for a target whose coordinates, given all others, are narrower than their marginals.

        Args:
            deviation: Standard deviations of the coordinates given all others, at most `scale`.

        Returns:
            Booleans, per coordinate.
        """
        ends = jnp.float32(grid.LAST_VALUE)
        beyond = ndtr((-ends - self.mean) / self.scale) + ndtr((self.mean - ends) / self.scale)
        nearest = jnp.clip(self.mean, -ends, ends)
        log_largest = jnp.maximum(self.log_maximum(), 0.5 * jnp.square(nearest) - jnp.log(self.scale))
        return is_on_grid(beyond, log_largest + jnp.log(self.scale / deviation))

    @property
    def unimodal(self) -> Bool[Array, "*n"]:
        """Tells whether the ratio falls all the way on either side of the best word, per coordinate."""
        # The ratio of a wide target falls to the vertex of its parabola and rises again, unless that is off the grid.
        vertex_beyond = jnp.abs(self.mean) >= grid.LAST_VALUE * (self.scale - 1) * (self.scale + 1)
        return (self.curvature >= 0) | vertex_beyond

    def log_ratio(self, word: UInt32[Array, "*word"]) -> Float[Array, "*m"]:
        """Computes log r(w) - max log r, per coordinate.

        Args:
            word: Words, broadcast against the coordinates.

        Returns:
            Log ratios in nats, at most 0 but for rounding.
        """
        delta = grid.to_float(grid.value_fixed(word) - self.best_fixed)
        return delta * (self.slope - self.curvature * delta)

    def log_supremum(self, first: UInt32[Array, "*#word"], last: UInt32[Array, "*#word"]) -> Float[Array, "*m"]:
        """Computes the largest log r(w) - max log r over ranges of words, per coordinate.

        Args:
            first: First words of the ranges, broadcast against the coordinates.
            last: Last words of the ranges.

        Returns:
            Log ratios in nats.
        """
        # Over words, r is unimodal (scale < 1) or largest at an end (scale >= 1): one of three words is the maximum.
        inner = jnp.clip(self.best_word, first, last)
        ends = jnp.maximum(self.log_ratio(first), self.log_ratio(last))
        return jnp.maximum(ends, self.log_ratio(inner))

    def mass_to(self, word: UInt32[Array, "*word"]) -> Float[Array, "*m"]:
        """Computes the continuous target's mass below the value of a word, per coordinate.

        Args:
            word: Words, broadcast against the coordinates.

        Returns:
            Probabilities in [0, 1].
        """
        z = (grid.value(word) - self.mean) / self.scale
        return normal_mass(jnp.full_like(z, -jnp.inf), z)

    def log_maximum(self) -> Float[Array, "*n"]:
        """Returns the largest log q(z_w) / p(z_w) over all words, per coordinate, in nats."""
        z = grid.to_float(self.best_fixed)
        return -jnp.log(self.scale) - 0.5 * jnp.square(self.offset / self.scale) + 0.5 * jnp.square(z)


def normal_ratio(q: Normal, p: Normal) -> NormalRatio:
    """Computes the density ratio of two normal distributions, also for a target wider than the coding distribution.

    Args:
        q: Target [dim].
        p: Coding distribution [dim].

    Returns:
        The ratio, per coordinate.
    """
    mean = (jnp.asarray(q.loc, jnp.float32) - p.loc) / p.scale
    scale = jnp.asarray(q.scale, jnp.float32) / p.scale
    mean, scale = jnp.broadcast_arrays(mean, scale)
    valid = jnp.isfinite(mean) & (scale > 0) & jnp.isfinite(scale) & (jnp.asarray(p.scale) > 0)
    mean = jnp.where(valid, jnp.clip(mean, -_MAX_MEAN, _MAX_MEAN), 0.0)
    scale = jnp.where(valid, jnp.clip(scale, _MIN_SCALE, _MAX_SCALE), 1.0)

    precision = 1 / jnp.square(scale)
    narrowing = (1 - scale) * (1 + scale)
    curvature = 0.5 * narrowing * precision
    # In integers where the mean lies on the grid, so that differences from nearby words keep all digits.
    inside = jnp.clip(mean, -8.0, 8.0)
    inside_fixed = jnp.round(inside * jnp.float32(2.0**grid.FRACTION_BITS)).astype(jnp.int32)

    def gap(z_fixed):
        return grid.to_float(inside_fixed - z_fixed) + (mean - inside)

    def slope_at(z_fixed):
        return gap(z_fixed) * precision + grid.to_float(z_fixed)

    mode = mean / jnp.where(narrowing > 0, narrowing, 1.0)
    below = grid.cell(mode)
    low = jnp.where(narrowing > 0, below, 0)
    high = jnp.where(narrowing > 0, jnp.minimum(below + 1, grid.LAST_WORD), jnp.uint32(grid.LAST_WORD))
    low_fixed, high_fixed = grid.value_fixed(low), grid.value_fixed(high)
    delta = grid.to_float(high_fixed - low_fixed)
    take_high = slope_at(low_fixed) - curvature * delta > 0
    best_fixed = jnp.where(take_high, high_fixed, low_fixed)
    return NormalRatio(
        best_word=jnp.where(take_high, high, low).astype(jnp.uint32),
        best_fixed=best_fixed,
        slope=slope_at(best_fixed),
        curvature=curvature,
        mean=mean,
        scale=scale,
        offset=-gap(best_fixed),
        valid=valid,
    )
