"""Converts trained float weights to the fixed-point networks of `recjax.models.fixed_point.network`.

The conversion runs once, when a model is released, in float64 on the host: codecs use only its integer result.
"""

from collections.abc import Sequence

import numpy as np

from recjax.models.fixed_point.network import (
    ACCUMULATOR_DROPPED_BITS,
    LIMIT,
    MAX_SHIFT,
    MIN_SHIFT,
    ExactLayer,
    ExactNetwork,
    accumulator_bound,
    check,
    split_digits,
)

HEADROOM = 2.0
"""Factor by which hidden activations may exceed the largest one of the calibration before they saturate."""

WEIGHT_BITS = (8, 16)
"""Sizes of weights that a network may have, in bits."""

_MAX_FRACTION_BITS = 20


def convert(
    layers: Sequence[tuple[np.ndarray, np.ndarray]],
    calibration: np.ndarray,
    *,
    input_fraction_bits: int,
    output_fraction_bits: np.ndarray,
    weight_bits: int | Sequence[int] = 16,
) -> ExactNetwork:
    """Converts a float network of ReLU layers to a fixed-point network.

    Args:
        layers: Kernel [inputs, outputs] and bias [outputs] of each layer; there is no ReLU after the last.
        calibration: Typical real-valued inputs [rows, inputs], which set the scales of the hidden activations.
        input_fraction_bits: The integer network takes inputs in units of 2^-input_fraction_bits.
        output_fraction_bits: Fraction bits of each output, [outputs].
        weight_bits: 16; or 8 for weights that are multiples of 256, whose low digits are all 0 and need not be stored;
            or one of these for each layer.

    Returns:
        The fixed-point network, checked by `recjax.models.fixed_point.network.check`.

    Raises:
        ValueError: `weight_bits` is neither 8 nor 16, or the weights of a layer are too large to be represented without
            the risk of int32 overflow.
    """
    bits = [weight_bits] * len(layers) if isinstance(weight_bits, int) else list(weight_bits)
    if not set(bits) <= set(WEIGHT_BITS) or len(bits) != len(layers):
        raise ValueError(f"weight_bits must be 8 or 16, got {weight_bits}; choose one, or one for each layer.")
    activations = np.asarray(calibration, np.float64)
    fraction_bits = input_fraction_bits
    exact_layers = []
    for position, (kernel, bias) in enumerate(layers):
        kernel, bias = np.asarray(kernel, np.float64), np.asarray(bias, np.float64)
        last = position + 1 == len(layers)
        outputs = activations @ kernel + bias
        if not last:
            outputs = np.maximum(outputs, 0.0)
        output_bits = np.asarray(output_fraction_bits) if last else np.full(bias.shape, _hidden_fraction_bits(outputs))
        layer = _convert_layer(kernel, bias, fraction_bits, output_bits, bits[position])
        # Large weights leave the accumulator few fraction bits. The hidden activations get fewer, too, until the layer
        # can be represented and its shift goes to the right.
        while not last and output_bits[0] > 0 and (layer is None or layer.shift.min() < 1):
            output_bits = output_bits - 1
            layer = _convert_layer(kernel, bias, fraction_bits, output_bits, bits[position])
        if layer is None:
            raise ValueError(
                f"layer {position} has weights too large for {bits[position]}-bit fixed point "
                f"(largest {np.abs(kernel).max():.3g}); train with weight decay."
            )
        exact_layers.append(layer)
        activations, fraction_bits = outputs, int(output_bits[0])
    network = ExactNetwork(tuple(exact_layers))
    check(network)
    return network


def _hidden_fraction_bits(activations: np.ndarray) -> int:
    largest = max(float(activations.max(initial=0.0)) * HEADROOM, 2.0**-_MAX_FRACTION_BITS)
    return min(int(np.floor(np.log2(LIMIT / largest))), _MAX_FRACTION_BITS)


def _convert_layer(
    kernel: np.ndarray, bias: np.ndarray, input_fraction_bits: int, output_fraction_bits: np.ndarray, weight_bits: int
) -> ExactLayer | None:
    """Converts one layer, with the finest power-of-two unit for each column that is safe.

    In this unit the weights fit their bits, and the sums fit int32 for any input. The result is None if the accumulator
    of some column would have over 8 fraction bits fewer than its output.
    """
    offset = output_fraction_bits + ACCUMULATOR_DROPPED_BITS - input_fraction_bits
    largest = np.maximum(np.abs(kernel).max(axis=0), 2.0**-60)
    step = 1 << (16 - weight_bits)
    weight_fraction_bits = np.floor(np.log2(LIMIT // step * step / largest)).astype(np.int64)
    weight_fraction_bits = np.minimum(weight_fraction_bits, offset + MAX_SHIFT - 8)
    while True:
        if (weight_fraction_bits - offset < MIN_SHIFT).any():
            return None
        shift = weight_fraction_bits - offset
        layer = _round_layer(kernel, bias, weight_fraction_bits, input_fraction_bits, shift, step)
        too_large = accumulator_bound(layer) >= 2**31
        if not too_large.any():
            return layer._replace(bias=layer.bias.astype(np.int32))
        weight_fraction_bits = weight_fraction_bits - too_large


def _round_layer(kernel, bias, weight_fraction_bits, input_fraction_bits: int, shift, step: int) -> ExactLayer:
    """Rounds the weights of a layer to multiples of `step`; the bias is still int64, to be checked against int32."""
    weights = step * np.rint(np.ldexp(kernel, weight_fraction_bits.astype(np.int32)) / step).astype(np.int64)
    high, low = split_digits(weights)
    accumulator_bits = weight_fraction_bits + input_fraction_bits - ACCUMULATOR_DROPPED_BITS
    # The products of low digits are rounded down to units of the accumulator, which loses half a unit on average; the
    # bias gives it back. With 8-bit weights these products are 0 and nothing is lost.
    lost = 0.5 if step == 1 else 0.0
    bias = np.rint(np.ldexp(bias, accumulator_bits.astype(np.int32)) + lost).astype(np.int64)
    return ExactLayer(high.astype(np.int8), low.astype(np.int8), bias, shift.astype(np.int32))
