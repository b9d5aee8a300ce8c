"""The density ratio of a target and a coding distribution, on the words of the grid.

The law of a coded coordinate is Q(w) proportional to r(w) = q(z_w) / p(z_w) over the words w of the coding
distribution's grid. A ratio on finitely many words is bounded, also where the target is wider than the coding
distribution.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32, UInt32

from recjax import grid
from recjax.distributions.normal import Normal
from recjax.numerics import normal_mass

# A target narrower than the grid's unit has one word for practical purposes, whichever width it states.
_MIN_SCALE = 2.0**-grid.FRACTION_BITS
_MAX_SCALE = 2.0**20
_MAX_MEAN = 2.0**20
_LAST_WORD = (1 << grid.BITS) - 1


class DensityRatio(NamedTuple):
    """log r(w) - max log r of each coordinate, a parabola in z around the best word: exact where it matters most.

    Written around the best word, no large terms cancel: log r(w) - log r(best) = delta (slope - curvature delta) with
    delta = z_w - z_best, a difference of integers. `mean` and `scale` are the target's in units of the coding
    distribution, `offset` is z_best - mean; `valid` is False where they were not numbers or the scale was not positive,
    and the ratio is then 1.
    """

    anchor_word: UInt32[Array, "*n"]
    anchor_fixed: Int32[Array, "*n"]
    slope: Float[Array, "*n"]
    curvature: Float[Array, "*n"]
    mean: Float[Array, "*n"]
    scale: Float[Array, "*n"]
    offset: Float[Array, "*n"]
    valid: Bool[Array, "*n"]

    def log_ratio(self, word: UInt32[Array, "*word"]) -> Float[Array, "*m"]:
        """log r(w) - max log r, in nats, at most 0 but for rounding; words broadcast against the coordinates."""
        delta = grid.to_float(grid.value_fixed(word) - self.anchor_fixed)
        return delta * (self.slope - self.curvature * delta)

    def log_supremum(self, first: UInt32[Array, "*#word"], last: UInt32[Array, "*#word"]) -> Float[Array, "*m"]:
        """max of log r - max log r over the words first..last, in nats."""
        # r is unimodal over words (scale < 1) or largest at an end (scale >= 1): three words hold every maximum.
        inner = jnp.clip(self.anchor_word, first, last)
        ends = jnp.maximum(self.log_ratio(first), self.log_ratio(last))
        return jnp.maximum(ends, self.log_ratio(inner))

    def mass(self, lower: Float[Array, "*#edge"] | float, upper: Float[Array, "*#edge"] | float) -> Float[Array, "*m"]:
        """The continuous target's mass between two values in units of the coding distribution; ends may be infinite."""
        return normal_mass((lower - self.mean) / self.scale, (upper - self.mean) / self.scale)

    def log_maximum(self) -> Float[Array, "*n"]:
        """max over words of log q(z_w)/p(z_w), in nats."""
        z = grid.to_float(self.anchor_fixed)
        return -jnp.log(self.scale) - 0.5 * jnp.square(self.offset / self.scale) + 0.5 * jnp.square(z)


def density_ratio(q: Normal, p: Normal) -> DensityRatio:
    """The ratio of target q and coding distribution p, per coordinate; works for any scale of q, also above p's."""
    mean = (jnp.asarray(q.loc, jnp.float32) - p.loc) / p.scale
    scale = jnp.asarray(q.scale, jnp.float32) / p.scale
    mean, scale = jnp.broadcast_arrays(mean, scale)
    valid = jnp.isfinite(mean) & (scale > 0) & jnp.isfinite(scale) & (jnp.asarray(p.scale) > 0)
    mean = jnp.where(valid, jnp.clip(mean, -_MAX_MEAN, _MAX_MEAN), 0.0)
    scale = jnp.where(valid, jnp.clip(scale, _MIN_SCALE, _MAX_SCALE), 1.0)

    precision = 1 / jnp.square(scale)
    narrowing = (1 - scale) * (1 + scale)
    curvature = 0.5 * narrowing * precision
    # In integers while the mean lies on the grid, so that a difference from a nearby word keeps all its digits.
    inside = jnp.clip(mean, -8.0, 8.0)
    inside_fixed = jnp.round(inside * jnp.float32(2.0**grid.FRACTION_BITS)).astype(jnp.int32)

    def gap(z_fixed):
        return grid.to_float(inside_fixed - z_fixed) + (mean - inside)

    def slope_at(z_fixed):
        return gap(z_fixed) * precision + grid.to_float(z_fixed)

    mode = mean / jnp.where(narrowing > 0, narrowing, 1.0)
    below = grid.cell(mode)
    low = jnp.where(narrowing > 0, below, 0)
    high = jnp.where(narrowing > 0, jnp.minimum(below + 1, _LAST_WORD), jnp.uint32(_LAST_WORD))
    low_fixed, high_fixed = grid.value_fixed(low), grid.value_fixed(high)
    delta = grid.to_float(high_fixed - low_fixed)
    take_high = slope_at(low_fixed) - curvature * delta > 0
    anchor_fixed = jnp.where(take_high, high_fixed, low_fixed)
    return DensityRatio(
        anchor_word=jnp.where(take_high, high, low).astype(jnp.uint32),
        anchor_fixed=anchor_fixed,
        slope=slope_at(anchor_fixed),
        curvature=curvature,
        mean=mean,
        scale=scale,
        offset=-gap(anchor_fixed),
        valid=valid,
    )
