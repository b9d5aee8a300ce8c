"""Logistic distributions cut into levels (as in PixelCNN++, arXiv:1701.05517, equation 2, with one component).

A level has the mass of the distribution between its two edges, which lie half a level to either side; the first and the
last level have all mass beyond their inner edge. In integers, the logistic function is interpolated between points of
one table, so that encoder and decoder agree on every machine.
"""

import functools
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Int32, UInt32

from recjax.coding import codec as codecs
from recjax.coding.rans import MASS_BITS, TOTAL_MASS
from recjax.models.likelihoods import tables

SPAN = 8
"""Width of all levels together in units of the parameters; their middle is at 0."""

MAX_MEAN = 8
"""Means are clipped to [-MAX_MEAN, MAX_MEAN]."""
MIN_LOG_SCALE = -5
"""Logs of scales are clipped to [MIN_LOG_SCALE, MAX_LOG_SCALE]."""
MAX_LOG_SCALE = 2

FRACTION_BITS = 8
"""Fraction bits of parameters in fixed point: units of 2^-8."""

_SCALE_STEP_BITS = 5
# Fraction bits of standardised edges, few enough that the product in `_upper_tail` stays below 2^32.
_U_BITS = 19
_U_MAX = tables.MAX_LOGIT << _U_BITS
_TAIL_BITS = 24


class LogisticMasses(NamedTuple):
    """Integer parameters of the logistic distributions of pixels.

    Attributes:
        mean: Mean in units of 2^-8.
        precision: One over the scale, in units of 2^-11.
    """

    mean: Int32[Array, "*batch"]
    precision: Int32[Array, "*batch"]


def log_prob(parameters: Float[Array, "*batch 2"], x: Int[Array, "*batch"], levels: int) -> Float[Array, "*batch"]:
    """Computes the log probability of pixels.

    Args:
        parameters: The mean and the log of the scale, in units in which all levels together are 8 wide.
        x: Values 0 to levels - 1.
        levels: Number of pixel values.

    Returns:
        log P(x) in nats.
    """
    mean = jnp.clip(parameters[..., 0], -MAX_MEAN, MAX_MEAN)
    precision = jnp.exp(-jnp.clip(parameters[..., 1], MIN_LOG_SCALE, MAX_LOG_SCALE))
    width = SPAN / levels
    lower = (x.astype(jnp.float32) * width - SPAN / 2 - mean) * precision
    # With s the logistic function, s(upper) - s(lower) = s(upper) s(-lower) (1 - exp(lower - upper)), where no digits
    # cancel. The lowest level has the factor s(upper) alone, the highest s(-lower).
    above, below = x < levels - 1, x > 0
    upper = jnp.where(above, lower + width * precision, 0.0)
    lower = jnp.where(below, lower, 0.0)
    inner = jnp.where(above & below, -jnp.expm1(-width * precision), 1.0)
    rest = jnp.where(above, 1 + jnp.exp(-jnp.abs(upper)), 1.0) * jnp.where(below, 1 + jnp.exp(-jnp.abs(lower)), 1.0)
    return jnp.log(inner / rest) - jnp.maximum(-upper, 0.0) - jnp.maximum(lower, 0.0)


def distribution(parameters: Int32[Array, "*batch 2"]) -> LogisticMasses:
    """Makes the integer distribution of pixels from parameters in fixed point.

    Args:
        parameters: The parameters of `log_prob`, in units of 2^-8; the log of the scale is rounded to steps of 2^-5.

    Returns:
        The distribution of each pixel.
    """
    limit = MAX_MEAN << FRACTION_BITS
    dropped = FRACTION_BITS - _SCALE_STEP_BITS
    step = ((parameters[..., 1] + (1 << (dropped - 1))) >> dropped) - (MIN_LOG_SCALE << _SCALE_STEP_BITS)
    precisions = jnp.asarray(_precisions())
    return LogisticMasses(
        jnp.clip(parameters[..., 0], -limit, limit), precisions[jnp.clip(step, 0, len(precisions) - 1)]
    )


def codec(distribution: LogisticMasses, levels: int) -> codecs.Codec:
    """Makes a codec of the levels of pixels; every level has a mass of at least 1.

    Args:
        distribution: The distribution of each lane's pixel.
        levels: Number of pixel values.

    Returns:
        A codec of one value for each lane.
    """
    return codecs.interval(*codecs.by_cdf(lambda k: cdf(distribution, k, levels), levels), local=True)


def bits(distribution: LogisticMasses, x: Int[Array, "*batch"], levels: int) -> Float[Array, "*batch"]:
    """Computes the cost of pixels under their integer distributions.

    Args:
        distribution: The distribution of each pixel.
        x: Values of the pixels.
        levels: Number of pixel values.

    Returns:
        -log2 of the mass of x, in bits.
    """
    k = x.astype(jnp.uint32)
    return MASS_BITS - jnp.log2((cdf(distribution, k + 1, levels) - cdf(distribution, k, levels)).astype(jnp.float32))


def cdf(distribution: LogisticMasses, k: UInt32[Array, "*batch"], levels: int) -> UInt32[Array, "*batch"]:
    """Computes the cumulative masses of levels.

    Args:
        distribution: The distribution of each pixel.
        k: Numbers of levels in [0, levels].
        levels: Number of pixel values.

    Returns:
        Mass of the levels below k, in units of 2^-16: 0 at k = 0, 2^16 at k = levels.
    """
    distance = jnp.asarray(_edges(levels)).at[k].get(mode="clip") - distribution.mean
    tail = _upper_tail(jnp.minimum(jnp.abs(distance) * distribution.precision, _U_MAX))
    share = jnp.where(distance < 0, tail, TOTAL_MASS - tail)
    share = jnp.where(k == 0, 0, jnp.where(k == levels, TOTAL_MASS, share))
    return ((share * (TOTAL_MASS - levels)) >> MASS_BITS) + k


def _upper_tail(u: Int32[Array, "*batch"]) -> UInt32[Array, "*batch"]:
    """Computes 1 / (1 + exp(u)) in units of 2^-16, for u in [0, 12] with 19 fraction bits.

    The table has points 1/32 apart. Linear interpolation means a constant density between them, which costs 4e-5 nats.
    """
    fraction_bits = _U_BITS - tables.LOGIT_STEP_BITS
    point, fraction = u >> fraction_bits, (u & ((1 << fraction_bits) - 1)).astype(jnp.uint32)
    knots = jnp.asarray(_tails())
    here, there = (knots.at[point + i].get(mode="promise_in_bounds") for i in (0, 1))
    fine = here - (((here - there) * fraction) >> fraction_bits)
    return (fine + (1 << (_TAIL_BITS - MASS_BITS - 1))) >> (_TAIL_BITS - MASS_BITS)


@functools.cache
def _tails() -> UInt32[np.ndarray, "points"]:
    """Returns 1 / (1 + exp(u)) in units of 2^-24 at u = 0, 1/32, ..., 12.

    The last entry occurs twice, for the interpolation at u = 12.
    """
    dropped = tables.UNIT_BITS - _TAIL_BITS
    tail = ((tables.sigmoids()[tables.LOGIT_CENTRE :: -1] + (1 << (dropped - 1))) >> dropped).astype(np.uint32)
    return np.append(tail, tail[-1])


@functools.cache
def _precisions() -> Int32[np.ndarray, "steps"]:
    """Returns one over the scale, in units of 2^-11, for log scales in steps of 1/32."""
    steps = range(MIN_LOG_SCALE << _SCALE_STEP_BITS, (MAX_LOG_SCALE << _SCALE_STEP_BITS) + 1)
    # A context of its own, since the program may have changed the default one.
    with localcontext(Context(prec=40, rounding=ROUND_HALF_EVEN)):
        values = [2 ** (_U_BITS - FRACTION_BITS) * (Decimal(-step) / 2**_SCALE_STEP_BITS).exp() for step in steps]
        return np.array([int(value.to_integral_value()) for value in values], np.int32)


@functools.cache
def _edges(levels: int) -> Int32[np.ndarray, "edges"]:
    """Returns the edges between levels in units of 2^-8, rounded to the nearest."""
    twice = (2 * np.arange(levels + 1, dtype=np.int32) - levels) * (SPAN << FRACTION_BITS)
    return (twice + levels) // (2 * levels)
