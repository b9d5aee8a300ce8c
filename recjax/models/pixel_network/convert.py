"""Converts trained float weights of a pixel network to fixed point."""

import jax
import numpy as np
from jaxtyping import Float

from recjax.models.fixed_point.convert import convert as convert_network
from recjax.models.pixel_network.context import INPUT_FRACTION_BITS
from recjax.models.pixel_network.exact import ExactChannel
from recjax.models.pixel_network.floats import Parameters
from recjax.models.pixel_network.mixture import output_fraction_bits

INNER_WEIGHT_BITS = 8
"""Bits of the weights between hidden layers. The first and the last layer have 16: with 8 in the first one, files would
be 0.5% larger."""


def convert(parameters: Parameters, calibration: list[Float[np.ndarray, "pixels inputs"]]) -> tuple[ExactChannel, ...]:
    """Converts the networks of all channels.

    Args:
        parameters: The float weights.
        calibration: Typical inputs of each channel's network, from which the scales of hidden activations are taken.

    Returns:
        The networks in fixed point.

    Raises:
        ValueError: Weights are too large to be represented.
    """
    bits = output_fraction_bits()
    channels = []
    for number, inputs in enumerate(calibration):
        own = {name: np.asarray(leaf, np.float64) for name, leaf in parameters[f"channel{number}"].items()}
        hidden = sorted(name for name in own if name.startswith("hidden"))
        layers = [(own[name], own[name.replace("hidden", "bias")]) for name in hidden]
        network = convert_network(
            [*layers, (own["out"], own["bias_out"])],
            inputs,
            input_fraction_bits=INPUT_FRACTION_BITS,
            output_fraction_bits=bits,
            weight_bits=[16] + [INNER_WEIGHT_BITS] * (len(hidden) - 1) + [16],
        )
        skip = convert_network(
            [(own["skip"], np.zeros(own["skip"].shape[1]))],
            inputs,
            input_fraction_bits=INPUT_FRACTION_BITS,
            output_fraction_bits=bits,
        )
        channels.append(jax.tree.map(np.asarray, ExactChannel(network, skip.layers[0])))
    return tuple(channels)
