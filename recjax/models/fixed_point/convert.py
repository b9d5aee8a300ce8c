"""From trained float weights to the fixed-point networks of `recjax.models.fixed_point.network`.

Runs once, when a model is released, in float64 on the host: only its integer result is ever used by a codec.
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
"""Hidden activations may exceed the largest one seen in calibration by this factor before they saturate."""

WEIGHT_BITS = (8, 16)
"""What the weights of a network may have."""

_MAX_FRACTION_BITS = 20


def convert(
    layers: Sequence[tuple[np.ndarray, np.ndarray]],
    calibration: np.ndarray,
    *,
    input_fraction_bits: int,
    output_fraction_bits: np.ndarray,
    weight_bits: int = 16,
) -> ExactNetwork:
    """Fixed-point network of ReLU layers (kernel [inputs, outputs], bias [outputs]).

    calibration: real-valued inputs [rows, inputs], typical of use, which set the scales of the hidden activations.
    input_fraction_bits: the integer network's inputs are in units of 2^-input_fraction_bits.
    output_fraction_bits: the same for each output, [outputs].
    weight_bits: 16, or 8 for weights that are multiples of 256, whose low digits are all 0 and need not be stored.
    Raises ValueError for other weight_bits, or if a layer cannot be represented without the risk of int32 overflow.
    """
    if weight_bits not in WEIGHT_BITS:
        raise ValueError(f"weight_bits must be 8 or 16, got {weight_bits}; choose one.")
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
        layer = _convert_layer(kernel, bias, fraction_bits, wanted, weight_bits)
        # Large weights leave few fraction bits in the accumulator; hidden activations can do with as few.
        while not last and wanted[0] > 0 and (layer is None or layer.shift.min() < 1):
            wanted = wanted - 1
            layer = _convert_layer(kernel, bias, fraction_bits, wanted, weight_bits)
        if layer is None:
            raise ValueError(
                f"layer {position} has weights too large for {weight_bits}-bit fixed point "
                f"(largest {np.abs(kernel).max():.3g}); train with weight decay."
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
    kernel: np.ndarray, bias: np.ndarray, input_fraction_bits: int, output_fraction_bits: np.ndarray, weight_bits: int
) -> ExactLayer | None:
    """Give each column the finest power-of-two unit for which weights fit their bits and sums provably fit int32.

    None if some column's accumulator would have far fewer fraction bits than its output.
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
    """The layer with weights that are multiples of `step`."""
    weights = step * np.rint(np.ldexp(kernel, weight_fraction_bits.astype(np.int32)) / step).astype(np.int64)
    high, low = split_digits(weights)
    accumulator_bits = weight_fraction_bits + input_fraction_bits - ACCUMULATOR_DROPPED_BITS
    # The accumulator's floor of the lowest digits loses half a unit on average, where there are such digits; the bias
    # gives it back.
    lost = 0.5 if step == 1 else 0.0
    bias = np.rint(np.ldexp(bias, accumulator_bits.astype(np.int32)) + lost).astype(np.int64)
    return ExactLayer(high.astype(np.int8), low.astype(np.int8), bias, shift.astype(np.int32))
