"""From trained float weights to the fixed-point networks of `recjax.models.exact`.

Runs once, when a model is released, in float64 on the host: only its integer result is ever used by a codec.
"""

from collections.abc import Sequence

import numpy as np

from recjax.models.exact import (
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
"""Hidden activations may exceed the largest one seen in calibration by this factor before they saturate."""

_MAX_FRACTION_BITS = 20


def convert(
    layers: Sequence[tuple[np.ndarray, np.ndarray]],
    calibration: np.ndarray,
    *,
    input_fraction_bits: int,
    output_fraction_bits: np.ndarray,
) -> ExactNetwork:
    """Fixed-point network of ReLU layers (kernel [inputs, outputs], bias [outputs]).

    calibration: real-valued inputs [rows, inputs], typical of use, which set the scales of the hidden activations.
    input_fraction_bits: the integer network's inputs are in units of 2^-input_fraction_bits.
    output_fraction_bits: the same for each output, [outputs].
    Raises ValueError if a layer cannot be represented without the risk of int32 overflow.
    """
    activations = np.asarray(calibration, np.float64)
    fraction_bits = input_fraction_bits
    exact_layers = []
    for position, (kernel, bias) in enumerate(layers):
        kernel, bias = np.asarray(kernel, np.float64), np.asarray(bias, np.float64)
        last = position + 1 == len(layers)
        outputs = activations @ kernel + bias
        if not last:
            outputs = np.maximum(outputs, 0.0)
        wanted = np.asarray(output_fraction_bits) if last else np.full(bias.shape, _hidden_fraction_bits(outputs))
        layer = _convert_layer(kernel, bias, fraction_bits, wanted)
        # Large weights leave few fraction bits in the accumulator; hidden activations can do with as few.
        while not last and wanted[0] > 0 and (layer is None or layer.shift.min() < 1):
            wanted = wanted - 1
            layer = _convert_layer(kernel, bias, fraction_bits, wanted)
        if layer is None:
            raise ValueError(
                f"layer {position} has weights too large for 16-bit fixed point (largest {np.abs(kernel).max():.3g}); "
                "train with weight decay."
            )
        exact_layers.append(layer)
        activations, fraction_bits = outputs, int(wanted[0])
    network = ExactNetwork(tuple(exact_layers))
    check(network)
    return network


def _hidden_fraction_bits(activations: np.ndarray) -> int:
    largest = max(float(activations.max(initial=0.0)) * HEADROOM, 2.0**-_MAX_FRACTION_BITS)
    return min(int(np.floor(np.log2(LIMIT / largest))), _MAX_FRACTION_BITS)


def _convert_layer(
    kernel: np.ndarray, bias: np.ndarray, input_fraction_bits: int, output_fraction_bits: np.ndarray
) -> ExactLayer | None:
    """Give each column the finest power-of-two unit for which weights fit 16 bits and sums provably fit int32.

    None if some column's accumulator would have far fewer fraction bits than its output.
    """
    offset = output_fraction_bits + ACCUMULATOR_DROPPED_BITS - input_fraction_bits
    largest = np.maximum(np.abs(kernel).max(axis=0), 2.0**-60)
    weight_bits = np.floor(np.log2(LIMIT / largest)).astype(np.int64)
    weight_bits = np.minimum(weight_bits, offset + MAX_SHIFT - 8)
    while True:
        if (weight_bits - offset < MIN_SHIFT).any():
            return None
        layer = _round_layer(kernel, bias, weight_bits, input_fraction_bits, weight_bits - offset)
        too_large = accumulator_bound(layer) >= 2**31
        if not too_large.any():
            return layer._replace(bias=layer.bias.astype(np.int32))
        weight_bits = weight_bits - too_large


def _round_layer(kernel, bias, weight_bits, input_fraction_bits: int, shift) -> ExactLayer:
    weights = np.rint(np.ldexp(kernel, weight_bits.astype(np.int32))).astype(np.int64)
    high, low = split_digits(weights)
    accumulator_bits = weight_bits + input_fraction_bits - ACCUMULATOR_DROPPED_BITS
    # The accumulator's floor of the lowest digits loses half a unit on average, which the bias gives back.
    bias = np.rint(np.ldexp(bias, accumulator_bits.astype(np.int32)) + 0.5).astype(np.int64)
    return ExactLayer(high.astype(np.int8), low.astype(np.int8), bias, shift.astype(np.int32))
