"""The pixel network in floats: what training and the encoder's adaptation differentiate.

The inputs are the exact integers that decoders compute, so only the layers and the masses are approximate.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32

from recjax.models.pixel_network.context import (
    INPUT_FRACTION_BITS,
    Context,
    channel_inputs,
    num_inputs,
)
from recjax.models.pixel_network.mixture import COMPONENTS, MAX_LOG_SCALE, MIN_LOG_SCALE, TOTAL_MASS, VALUES

Parameters = dict[str, dict[str, Array]]
"""Weights by the name of the channel, then by name: `hidden0`, `bias0`, ..., `out`, `bias_out`, and `skip`."""


def initial_parameters(key: Any, channels: int, hidden: tuple[int, ...]) -> Parameters:
    """Draws the weights to start training with.

    Args:
        key: A JAX key.
        channels: How many channels a pixel has.
        hidden: The number of units of each hidden layer.

    Returns:
        The weights.
    """
    parameters: Parameters = {}
    for channel in range(channels):
        key, *keys = jax.random.split(key, len(hidden) + 2)
        inputs = num_inputs(channels, channel)
        widths = (inputs, *hidden)
        own = {}
        for layer, (fan_in, fan_out) in enumerate(zip(widths, hidden, strict=False)):
            scale = np.sqrt(2 / fan_in) * (0.5 if layer == 0 else 1.0)
            own[f"hidden{layer}"] = scale * jax.random.normal(keys[layer], (fan_in, fan_out))
            own[f"bias{layer}"] = jnp.zeros(fan_out)
        own["out"] = 0.03 / np.sqrt(hidden[-1]) * jax.random.normal(keys[-1], (hidden[-1], 3 * COMPONENTS))
        spread = np.linspace(-2.9, 0.0, COMPONENTS)
        own["bias_out"] = jnp.asarray(np.concatenate([np.zeros(COMPONENTS), spread, np.zeros(COMPONENTS)]), jnp.float32)
        own["skip"] = jnp.zeros((inputs, 3 * COMPONENTS))
        parameters[f"channel{channel}"] = own
    return parameters


def outputs_of(own: dict[str, Array], inputs: Float[Array, "pixels inputs"]) -> Float[Array, "pixels outputs"]:
    """Evaluates the network of one channel.

    Args:
        own: The weights of the channel.
        inputs: The inputs.

    Returns:
        The outputs.
    """
    x, layer = inputs, 0
    while f"hidden{layer}" in own:
        x = jax.nn.relu(x @ own[f"hidden{layer}"] + own[f"bias{layer}"])
        layer += 1
    return x @ own["out"] + own["bias_out"] + inputs @ own["skip"]


def real_inputs(context: Context, known: Int32[Array, "pixels known"]) -> Float[Array, "pixels inputs"]:
    """Computes the inputs of the network of one channel as floats.

    Args:
        context: The context.
        known: The channels of these pixels that are coded earlier.

    Returns:
        The inputs.
    """
    return channel_inputs(context, known).astype(jnp.float32) * 2.0**-INPUT_FRACTION_BITS


def bits_of(
    outputs: Float[Array, "pixels outputs"],
    base: Int32[Array, "pixels"],
    activity: Int32[Array, "pixels"],
    value: Int32[Array, "pixels"],
) -> Float[Array, "pixels"]:
    """Computes the codelength of a channel of each pixel.

    Args:
        outputs: The outputs of the network of the channel.
        base: `Context.base` of the channel.
        activity: `Context.activity`.
        value: The values, 0 to 255.

    Returns:
        The codelengths in bits.
    """
    places, scales, weights = jnp.split(outputs, 3, axis=-1)
    unit = activity.astype(jnp.float32)[:, None] / 64
    location = base.astype(jnp.float32)[:, None] / 4 + unit * places
    log_scale = jnp.clip(jnp.log2(unit) + scales, MIN_LOG_SCALE, MAX_LOG_SCALE)
    inverse = jnp.exp2(-log_scale)
    x = value.astype(jnp.float32)[:, None]
    upper, lower = (x + 0.5 - location) * inverse, (x - 0.5 - location) * inverse
    # Differences are taken in the smaller tail, where they lose no digits.
    flip = upper + lower > 0
    high, low = jnp.where(flip, -lower, upper), jnp.where(flip, -upper, lower)
    mass = jax.nn.sigmoid(high) - jax.nn.sigmoid(low)
    mass = jnp.where(x <= 0, jax.nn.sigmoid(upper), mass)
    mass = jnp.where(x >= VALUES - 1, jax.nn.sigmoid(-lower), mass)
    log_weights = weights * np.float32(np.log(2))
    mass = (jax.nn.softmax(log_weights, -1) * mass).sum(-1)
    return -jnp.log2(mass * ((TOTAL_MASS - VALUES) / TOTAL_MASS) + 1 / TOTAL_MASS)


def picture_bits(
    parameters: Parameters, context: Context, values: Int32[Array, "pixels channels"]
) -> Float[Array, "pixels channels"]:
    """Computes the codelength of each channel of some pixels.

    Args:
        parameters: The weights.
        context: The context of the pixels.
        values: The pixels, channels in the order of coding.

    Returns:
        The codelengths in bits.
    """
    bits = []
    for channel in range(values.shape[-1]):
        inputs = real_inputs(context, values[:, :channel])
        outputs = outputs_of(parameters[f"channel{channel}"], inputs)
        bits.append(bits_of(outputs, context.base[:, channel], context.activity, values[:, channel]))
    return jnp.stack(bits, -1)


def num_parameters(channels: int, hidden: tuple[int, ...]) -> int:
    """Counts the weights of a network.

    Args:
        channels: How many channels a pixel has.
        hidden: The number of units of each hidden layer.

    Returns:
        The number of weights of all channels.
    """
    shapes = jax.eval_shape(lambda: initial_parameters(jax.random.key(0), channels, hidden))
    return sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(shapes))
