"""Mixtures of logistic distributions over the values of a pixel's channel, with masses in exact integers.

The outputs of a network say where each logistic distribution lies in units of the local activity, its scale and its
weight. Masses of the values are differences of a cumulative mass function, which is evaluated where it is needed only:
twice to encode a value, eight times to find one while decoding.
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32, UInt32

from recjax.models.fixed_point.logarithms import EXP2_ONE, exp2_fixed, log2_fixed
from recjax.models.fixed_point.logarithms import FRACTION_BITS as LOG_BITS

COMPONENTS = 3
"""How many logistic distributions a mixture has."""

VALUES = 256
"""How many values a channel has."""

TOTAL_MASS = 1 << 16
"""The sum of the masses of all values; each has at least one unit."""

LOCATION_FRACTION_BITS = 12
LOG_FRACTION_BITS = 8
"""Fraction bits of the outputs of a network: locations in units of the activity, log2 of scales and of weights."""

MIN_LOG_SCALE, MAX_LOG_SCALE = -4, 8
"""Bounds of log2 of a scale in grey levels."""

_GREY = 64
_LOWEST, _HIGHEST = -128 * _GREY, 384 * _GREY
_MANTISSA_BITS = 15
_ARGUMENT_BITS = 10
_STEP_BITS = 5
_END = 12 << _ARGUMENT_BITS
_SLOPE_BITS = 10
_WEIGHT_BITS = 15
_LOG2_E = 24204406
"""log2(e) in units of 2^-24."""


class Mixture(NamedTuple):
    """Holds the mixture of each of some pixels, in integers.

    Attributes:
        location: Where each logistic distribution lies, in units of 1/64 grey level.
        mantissa: 2^15 / 2^f, for the fractional part f of log2 of the scale.
        shift: How far products with the mantissa are shifted right: the integer part of that logarithm plus 11.
        weight: The weights, which add up to 2^15.
    """

    location: Int32[Array, "*pixels components"]
    mantissa: Int32[Array, "*pixels components"]
    shift: Int32[Array, "*pixels components"]
    weight: UInt32[Array, "*pixels components"]


def output_fraction_bits() -> np.ndarray:
    """Lists the fraction bits of each output of a network: of all locations, then log2 scales, then log2 weights.

    Returns:
        The fraction bits, [3 COMPONENTS].
    """
    return np.repeat([LOCATION_FRACTION_BITS, LOG_FRACTION_BITS, LOG_FRACTION_BITS], COMPONENTS)


def mixture_of(
    outputs: Int32[Array, "*pixels outputs"], base: Int32[Array, "*pixels"], activity: Int32[Array, "*pixels"]
) -> Mixture:
    """Computes the mixtures that the outputs of a network stand for.

    Args:
        outputs: The outputs, in the order and the units of `output_fraction_bits`.
        base: `Context.base` of this channel.
        activity: `Context.activity`.

    Returns:
        The mixtures.
    """
    places, scales, weights = jnp.split(outputs, 3, axis=-1)
    location = 16 * base[..., None] + ((places * activity[..., None]) >> LOCATION_FRACTION_BITS)
    log_scale = jnp.asarray(_logs())[activity][..., None] + scales
    log_scale = jnp.clip(log_scale, MIN_LOG_SCALE << LOG_FRACTION_BITS, MAX_LOG_SCALE << LOG_FRACTION_BITS)
    fraction = log_scale & ((1 << LOG_FRACTION_BITS) - 1)
    return Mixture(
        jnp.clip(location, _LOWEST, _HIGHEST),
        jnp.asarray(_mantissas())[fraction],
        (log_scale >> LOG_FRACTION_BITS) + (_MANTISSA_BITS + 6 - _ARGUMENT_BITS),
        _weights(weights),
    )


def cumulative(mixture: Mixture, value: Int32[Array, "*pixels"]) -> UInt32[Array, "*pixels"]:
    """Computes the mass of all values below a value.

    Args:
        mixture: The mixtures.
        value: The values, 0 to 256.

    Returns:
        The masses, 0 to 2^16; they increase by at least one from each value to the next.
    """
    offset = (_GREY * value - _GREY // 2)[..., None] - mixture.location
    argument = jnp.clip((offset * mixture.mantissa) >> mixture.shift, -_END, _END - 1) + _END
    entry = jnp.asarray(_logistic())[argument >> _STEP_BITS]
    slope = (entry & ((1 << _SLOPE_BITS) - 1)).astype(jnp.uint32)
    within = (argument & ((1 << _STEP_BITS) - 1)).astype(jnp.uint32)
    below = (entry >> _SLOPE_BITS).astype(jnp.uint32) + ((slope * within) >> _STEP_BITS)
    mass = (mixture.weight * below).sum(-1, dtype=jnp.uint32) >> _WEIGHT_BITS
    inner = value.astype(jnp.uint32) + ((mass * (TOTAL_MASS - VALUES)) >> 16)
    return jnp.where(value <= 0, 0, jnp.where(value >= VALUES, TOTAL_MASS, inner)).astype(jnp.uint32)


def interval(
    mixture: Mixture, value: Int32[Array, "*pixels"]
) -> tuple[UInt32[Array, "*pixels"], UInt32[Array, "*pixels"]]:
    """Computes the interval of masses of a value.

    Args:
        mixture: The mixtures.
        value: The values, 0 to 255.

    Returns:
        The mass of all values below, and that of the value.
    """
    start = cumulative(mixture, value)
    return start, cumulative(mixture, value + 1) - start


def value_at(mixture: Mixture, mass: UInt32[Array, "*pixels"]) -> Int32[Array, "*pixels"]:
    """Finds the value in whose interval a mass lies, by bisection.

    Args:
        mixture: The mixtures.
        mass: The masses, 0 to 2^16 - 1.

    Returns:
        The values, 0 to 255.
    """

    def halve(step, value):
        middle = value + (VALUES >> (step + 1))
        return jnp.where(cumulative(mixture, middle) <= mass, middle, value)

    return jax.lax.fori_loop(0, 8, halve, jnp.zeros(mass.shape, jnp.int32))


def _weights(logs: Int32[Array, "*pixels components"]) -> UInt32[Array, "*pixels components"]:
    """Turns log2 of weights into weights that add up to 2^15."""
    table = jnp.asarray(_powers())
    below = jnp.minimum(logs.max(-1, keepdims=True) - logs, table.size - 1)
    powers = table[below]
    shares = ((powers << _WEIGHT_BITS) // powers.sum(-1, keepdims=True, dtype=jnp.uint32))[..., 1:]
    first = (1 << _WEIGHT_BITS) - shares.sum(-1, keepdims=True, dtype=jnp.uint32)
    return jnp.concatenate([first.astype(jnp.uint32), shares], -1)


@cache
def _logs() -> np.ndarray:
    """Returns log2(x / 64) for all activities x, in units of 2^-8."""
    shift = LOG_BITS - LOG_FRACTION_BITS
    logs = log2_fixed(np.maximum(np.arange(1 << 15), 1)) - (6 << LOG_BITS)
    return ((logs + (1 << (shift - 1))) >> shift).astype(np.int32)


@cache
def _mantissas() -> np.ndarray:
    """Returns 2^15 / 2^f for all fractions f in units of 2^-8."""
    powers = exp2_fixed(np.arange(1 << LOG_FRACTION_BITS) << (LOG_BITS - LOG_FRACTION_BITS))
    return ((powers + (1 << 14)) >> 15).astype(np.int32)


@cache
def _powers() -> np.ndarray:
    """Returns 2^14 / 2^d for d from 0 to 16 in units of 2^-8."""
    powers = exp2_fixed(np.arange(16 << LOG_FRACTION_BITS) << (LOG_BITS - LOG_FRACTION_BITS))
    return ((powers + (1 << 15)) >> 16).astype(np.uint32)


@cache
def _logistic() -> np.ndarray:
    """Returns the logistic function from -12 to 12 in steps of 1/32, each entry with the difference to the next.

    Values are in units of 2^-16, and lie above the 10 bits of the differences.
    """
    steps = np.arange((12 << (_ARGUMENT_BITS - _STEP_BITS)) + 1)
    powers = exp2_fixed(steps * _LOG2_E >> (_ARGUMENT_BITS - _STEP_BITS))
    upper = ((EXP2_ONE << 17) // (EXP2_ONE + powers) + 1) >> 1
    values = np.concatenate([TOTAL_MASS - upper[:0:-1], upper])
    return ((values[:-1] << _SLOPE_BITS) | np.diff(values)).astype(np.int32)
