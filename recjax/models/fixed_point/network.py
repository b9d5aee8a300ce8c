"""Evaluates multilayer perceptrons in fixed point, to the same integers on every machine.

A decoder has to reproduce every network output that the encoder used, so nothing here is a float. Weights and
activations are 16-bit fixed-point numbers, held as two balanced base-256 digits of int8 (`high` * 256 + `low`). A layer
is four int8 matrix products with int32 accumulators, an integer bias and a rounding shift. Integer sums do not depend
on their order, so batch shape, jit, instruction set and device cannot matter. `recjax.models.fixed_point.convert` makes
such networks from float weights.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Int8, Int32

LIMIT = 127 * 256 + 127
"""Largest magnitude of a weight or activation: the largest number that has two int8 digits, as has its negative."""

ACCUMULATOR_DROPPED_BITS = 8
"""Low bits of the exact sum of products that the accumulator drops, so that it fits int32."""

MIN_SHIFT, MAX_SHIFT = -8, 30
"""Range of the shifts of a layer, in bits."""
_MAX_DIGIT = 128
_INT32_MAX = 2**31 - 1


class ExactLayer(NamedTuple):
    """One affine layer in fixed point.

    Attributes:
        weight_high: High digits of the 16-bit weights; each column has its own unit.
        weight_low: Low digits of the weights; all 0 for 8-bit weights, or None, which takes half the time.
        bias: Bias of each column, in the units of its accumulator.
        shift: Bits by which the accumulator of each column is shifted right, rounding to the nearest, to become the
            output: -8 to 30, where a negative shift goes left.
    """

    weight_high: Int8[Array, "inputs outputs"]
    weight_low: Int8[Array, "inputs outputs"] | None
    bias: Int32[Array, "outputs"]
    shift: Int32[Array, "outputs"]


class ExactNetwork(NamedTuple):
    """Affine layers in fixed point, with a ReLU between them and none after the last.

    Attributes:
        layers: The layers in the order of evaluation, at least one.
    """

    layers: tuple[ExactLayer, ...]


def split_digits(x):
    """Splits integers into balanced base-256 digits.

    Args:
        x: Integers in [-LIMIT, LIMIT], a NumPy or JAX array.

    Returns:
        The digits (high, low), both in [-128, 127], such that x = 256 high + low.
    """
    low = ((x + 128) & 255) - 128
    return (x - low) >> 8, low


def apply(network: ExactNetwork, x: Int[Array, "*batch inputs"]) -> Int32[Array, "*batch outputs"]:
    """Evaluates a fixed-point network.

    Args:
        network: The network.
        x: Inputs in the units for which the network was converted; values beyond +-LIMIT saturate.

    Returns:
        Outputs in the units for which the network was converted; every layer's outputs saturate at +-LIMIT.
    """
    batch = x.shape[:-1]
    x = affine(network.layers[-1], hidden(network, jnp.reshape(x, (-1, x.shape[-1]))))
    return jnp.reshape(x, (*batch, x.shape[-1]))


def hidden(network: ExactNetwork, x: Int[Array, "rows inputs"]) -> Int32[Array, "rows units"]:
    """Evaluates all layers of a network but the last.

    Args:
        network: The network.
        x: Inputs in rows; values beyond +-LIMIT saturate.

    Returns:
        The inputs of the last layer.
    """
    x = jnp.clip(x.astype(jnp.int32), -LIMIT, LIMIT)
    for layer in network.layers[:-1]:
        x = jnp.maximum(affine(layer, x), 0)
    return x


def affine(layer: ExactLayer, x: Int32[Array, "rows inputs"]) -> Int32[Array, "rows outputs"]:
    """Evaluates one layer, without a ReLU.

    Args:
        layer: The layer.
        x: Inputs in rows, which must lie within +-LIMIT.

    Returns:
        Outputs, which saturate at +-LIMIT.
    """
    high, low = (digit.astype(jnp.int8) for digit in split_digits(x))
    sums = (_dot(high, layer.weight_high) << 8) + _dot(low, layer.weight_high)
    if layer.weight_low is not None:
        sums = sums + _dot(high, layer.weight_low) + (_dot(low, layer.weight_low) >> 8)
    right, left = jnp.maximum(layer.shift, 0), jnp.maximum(-layer.shift, 0)
    half = jnp.left_shift(1, right) >> 1
    outputs = jnp.clip((sums + (layer.bias + half)[None, :]) >> right[None, :], -LIMIT, LIMIT)
    return jnp.clip(outputs << left[None, :], -LIMIT, LIMIT)


def _dot(a: Int8[Array, "rows inputs"], b: Int8[Array, "inputs outputs"]) -> Int32[Array, "rows outputs"]:
    return jax.lax.dot_general(a, b, (((1,), (0,)), ((), ())), preferred_element_type=jnp.int32)


def without_zeros(layer: ExactLayer) -> ExactLayer:
    """Leaves out low digits that are all 0, which evaluates to the same integers in half the time.

    Args:
        layer: The layer, whose arrays are not traced.

    Returns:
        The layer, with None in place of such digits.
    """
    return layer if np.any(layer.weight_low) else layer._replace(weight_low=None)


def accumulator_bound(layer: ExactLayer) -> np.ndarray:
    """Bounds the magnitude of all intermediate results of a layer, for any input.

    Args:
        layer: The layer.

    Returns:
        A bound for each output (int64 [outputs]); the layer cannot overflow if all are below 2^31.
    """
    high = np.abs(np.asarray(layer.weight_high, np.int64)).sum(axis=0)
    low = np.abs(np.asarray(layer.weight_low, np.int64)).sum(axis=0)
    products = _MAX_DIGIT * ((high << 8) + high + low) + ((_MAX_DIGIT * low) >> 8) + 1
    half = np.left_shift(np.int64(1), np.maximum(np.asarray(layer.shift, np.int64), 0)) >> 1
    return np.maximum(products + np.abs(np.asarray(layer.bias, np.int64)) + half, _MAX_DIGIT * low)


def check(network: ExactNetwork) -> None:
    """Checks that the layers of a network fit together and that no accumulator can leave int32, for any input.

    Args:
        network: The network.

    Raises:
        ValueError: There is no layer, shapes or dtypes do not fit, a shift is out of range, or a sum can overflow.
    """
    if not network.layers:
        raise ValueError("an exact network needs at least one layer, got none.")
    width = np.shape(network.layers[0].weight_high)[:1]
    for position, layer in enumerate(network.layers):
        shape = np.shape(layer.weight_high)
        expected = (("weight_high", shape, np.int8), ("weight_low", shape, np.int8))
        expected += (("bias", shape[1:], np.int32), ("shift", shape[1:], np.int32))
        for field, field_shape, dtype in expected:
            array = getattr(layer, field)
            if (
                len(shape) != 2
                or 0 in shape
                or shape[:1] != width
                or array.shape != field_shape
                or array.dtype != dtype
            ):
                raise ValueError(
                    f"layer {position} of an exact network has {field} of {array.dtype} {array.shape}, which does not "
                    f"fit the layers around it; convert the network again."
                )
        shift = np.asarray(layer.shift)
        if shift.min() < MIN_SHIFT or shift.max() > MAX_SHIFT:
            raise ValueError(
                f"layer {position} of an exact network has shifts outside {MIN_SHIFT} to {MAX_SHIFT}; convert it again."
            )
        if accumulator_bound(layer).max() > _INT32_MAX:
            raise ValueError(
                f"layer {position} of an exact network can overflow int32; convert it with smaller weights."
            )
        width = shape[1:]
