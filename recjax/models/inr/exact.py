"""Renders representations in integers, to the same pixels on every machine.

Latents in units of their prior become weights by exact affine layers. The sine network is evaluated with these weights,
of which each image has its own: products of two int8 digits with two int8 digits, int32 sums, and a table of the sine.
Fitting differentiates the float rendering of `recjax.models.inr.network`; decoders show what this module renders.
"""

import functools
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int8, Int32, UInt8

from recjax.models.fixed_point import network as exact
from recjax.models.fixed_point.network import ExactLayer
from recjax.models.inr import mosaic
from recjax.models.inr import network as inr
from recjax.models.inr.mosaic import Mosaic
from recjax.models.inr.network import INRShape

UNIT_BITS = 12
"""Fraction bits of latents in units of the prior."""

WEIGHT_BITS = 14
"""Fraction bits of a layer's weights.

Hidden layers give phases of the sine in turns; the last layer gives pixels, where 1 is the whole range of values.
"""

VALUE_BITS = 14
"""Fraction bits of the values between layers."""

PHASE_BITS = 16
"""Fraction bits of a phase, in turns."""

SUM_BITS = WEIGHT_BITS + VALUE_BITS - exact.ACCUMULATOR_DROPPED_BITS
"""Fraction bits of the sums of products."""

_TABLE_LOG2 = 12
"""The table of the sine has 2^12 steps to a turn."""


class ExactINR(NamedTuple):
    """The parts of a model that all images share, in integers, including the prior of every variable.

    Attributes:
        maps: For each layer of the sine network, an affine layer from its latents, in units of the prior with UNIT_BITS
            fraction bits, to its weights with WEIGHT_BITS fraction bits; the last row of the weights is the bias.
        loc: Prior means of the encodings; an encoding is (loc + scale * latent + 2^(shift - 1)) >> shift.
        scale: Prior scales of the encodings.
        shift: Fraction bits that `loc` and `scale` have beyond those of encodings, 1 to 30.
        upsampler: Layers from the 3x3 neighbourhoods of positions; the last one gives features with VALUE_BITS fraction
            bits.
    """

    maps: tuple[ExactLayer, ...]
    loc: Int32[Array, "rows columns encodings"]
    scale: Int32[Array, "rows columns encodings"]
    shift: Int32[Array, ""]
    upsampler: tuple[ExactLayer, ...]


def sine_table() -> Int32[np.ndarray, "4097"]:
    """Returns the sine of 0 to 1 turns in 4,096 steps, with VALUE_BITS fraction bits."""
    return _sine_table()


@functools.cache
def _sine_table() -> np.ndarray:
    # A quarter is computed in decimals, so that no library's rounding matters, and the others follow by symmetry. The
    # context is its own, since the program may have changed the default one.
    size = 1 << (_TABLE_LOG2 - 2)
    with localcontext(Context(prec=40, rounding=ROUND_HALF_EVEN)):
        quarter = [_sine_of_turns(Decimal(k) / (4 * size)) for k in range(size + 1)]
    half = quarter + quarter[-2::-1]
    return np.asarray(half + [-value for value in half[1:]], np.int32)


def _sine_of_turns(turns: Decimal) -> int:
    x = turns * 2 * Decimal("3.14159265358979323846264338327950288")
    term, total, k = x, x, 1
    while abs(term) > Decimal("1e-20"):
        term = -term * x * x / ((k + 1) * (k + 2))
        total, k = total + term, k + 2
    return int((total * (1 << VALUE_BITS)).to_integral_value())


def sine(phase: Int32[Array, "*n"]) -> Int32[Array, "*n"]:
    """Computes the sine of phases by interpolation in a table.

    Args:
        phase: Phases of any size, in units of 2^-PHASE_BITS turns.

    Returns:
        Sines with VALUE_BITS fraction bits.
    """
    table, rest_bits = jnp.asarray(_sine_table()), PHASE_BITS - _TABLE_LOG2
    place = phase & ((1 << PHASE_BITS) - 1)
    index, rest = place >> rest_bits, place & ((1 << rest_bits) - 1)
    left, right = table[index], table[index + 1]
    return left + (((right - left) * rest + (1 << (rest_bits - 1))) >> rest_bits)


def render(
    shape: INRShape, network: ExactINR, latents: Int32[Array, "patch variable"], whole: Mosaic
) -> UInt8[Array, "patch channel pixel"]:
    """Renders patches of pictures.

    Args:
        shape: Sizes of the representations.
        network: The parts of the model that all images share.
        latents: Latents of each patch in units of the prior, with UNIT_BITS fraction bits; values beyond +-32,639
            saturate.
        whole: The patches, in the same order.

    Returns:
        Pixels, 0 to 255; those of padding have no meaning.
    """
    parts = inr.split(shape, jnp.clip(latents, -exact.LIMIT, exact.LIMIT))
    features = _upsample(shape, network, parts.encoding, whole.near)
    weights = tuple(
        exact.affine(layer, part.reshape(-1, part.shape[-1])).reshape(-1, inputs + 1, outputs)
        for part, layer, (inputs, outputs) in zip(parts.layers, network.maps, shape.layers, strict=True)
    )
    fourier = jnp.asarray(fourier_features(shape))

    def of_patch(arguments):
        weights, features = arguments
        x = jnp.concatenate([fourier, features])
        for layer in weights[:-1]:
            dropped = SUM_BITS - PHASE_BITS
            x = sine((_sums(layer, x) + (1 << (dropped - 1))) >> dropped)
        half = 1 << (SUM_BITS - 1)
        light = jnp.clip(_sums(weights[-1], x) + half, 0, 1 << SUM_BITS)
        return (((light >> 2) * 255 + (half >> 2)) >> (SUM_BITS - 2)).astype(jnp.uint8)

    return inr.over_patches(of_patch, (weights, features), whole.count)


def _sums(layer: Int32[Array, "inputs+1 outputs"], x: Int32[Array, "inputs pixel"]) -> Int32[Array, "outputs pixel"]:
    """Computes the sums of one layer of one patch, with SUM_BITS fraction bits."""
    return _products(layer[:-1], x) + (layer[-1] << (SUM_BITS - WEIGHT_BITS))[:, None]


def _products(
    weights: Int32[Array, "inputs outputs"], x: Int32[Array, "inputs pixel"]
) -> Int32[Array, "outputs pixel"]:
    (w_high, w_low), (x_high, x_low) = _digits(weights), _digits(x)

    def dot(a: Int8[Array, "inputs outputs"], b: Int8[Array, "inputs pixel"]):
        return jax.lax.dot_general(a, b, (((0,), (0,)), ((), ())), preferred_element_type=jnp.int32)

    return (dot(w_high, x_high) << 8) + dot(w_high, x_low) + dot(w_low, x_high) + (dot(w_low, x_low) >> 8)


def _digits(x: Int32[Array, "*n"]) -> tuple[Int8[Array, "*n"], Int8[Array, "*n"]]:
    high, low = exact.split_digits(jnp.clip(x, -exact.LIMIT, exact.LIMIT))
    return high.astype(jnp.int8), low.astype(jnp.int8)


def _upsample(
    shape: INRShape, network: ExactINR, latents: Int32[Array, "patch row column encoding"], near
) -> Int32[Array, "patch feature pixel"]:
    x = (network.loc + network.scale * latents + (1 << (network.shift - 1))) >> network.shift
    for number, (layer, (_, scale)) in enumerate(zip(network.upsampler, shape.upsampling, strict=True)):
        seen = inr.neighbourhoods(mosaic.with_edges(jnp.clip(x, -exact.LIMIT, exact.LIMIT), jnp.asarray(near)))
        x = exact.affine(layer, seen.reshape(-1, seen.shape[-1])).reshape(*seen.shape[:-1], -1)
        if number + 1 < len(shape.upsampling):
            x = jnp.where(x > 0, x, (x * inr.LEAK_Q10 + 512) >> 10)
        x = inr.spread_out(x, scale)
    return inr.channels_first(x)


def fourier_features(shape: INRShape) -> Int32[np.ndarray, "features pixels"]:
    """Computes `recjax.models.inr.network.fourier_features` in integers, by look-ups in the table of the sine.

    Args:
        shape: Sizes of the representations.

    Returns:
        Sines and cosines with VALUE_BITS fraction bits.
    """
    table, turn = _sine_table(), 1 << _TABLE_LOG2
    places = np.meshgrid(_places(shape.height), _places(shape.width), indexing="ij")
    # An octave's phase in the middle of pixel k of n is 2^octave (2 k + 1) / (4 n) turns, which is an entry of the
    # table if n is a power of 2 and at most 1,024.
    phases = np.stack([place << octave for place in map(np.ravel, places) for octave in range(shape.fourier // 4)])
    return np.concatenate([table[phases % turn], table[(phases + turn // 4) % turn]])


def _places(count: int) -> np.ndarray:
    """Returns (2 k + 1) / (4 count) turns in steps of the table, rounded down."""
    return ((2 * np.arange(count, dtype=np.int64) + 1) << _TABLE_LOG2) // (4 * count)
