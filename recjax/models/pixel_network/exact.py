"""The networks of a pixel network's channels in fixed point, to the same integers on every machine."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32

from recjax.models.fixed_point import network as fixed_point
from recjax.models.fixed_point.network import LIMIT, ExactLayer, ExactNetwork
from recjax.models.pixel_network.context import Context, channel_inputs
from recjax.models.pixel_network.mixture import COMPONENTS, Mixture, mixture_of

OUTPUTS = 3 * COMPONENTS
"""How many outputs the network of a channel has."""

_INPUTS, _OUTPUTS = 64, 32
"""What the numbers of inputs and of outputs of a matrix product are multiples of."""


class ExactChannel(NamedTuple):
    """The network of one channel.

    Attributes:
        network: Hidden layers and a last one.
        skip: A layer from the inputs straight to the outputs, which is added.
    """

    network: ExactNetwork
    skip: ExactLayer


class PreparedChannel(NamedTuple):
    """The network of one channel in the form that is evaluated, to the same integers as that of an `ExactChannel`.

    The first layer also computes what goes straight from the inputs to the outputs, in its first columns. All sizes are
    multiples of vectors, as XLA's products on CPUs are up to three times as fast then.

    Attributes:
        layers: The layers, with a ReLU between them.
    """

    layers: tuple[ExactLayer, ...]


def prepare(channel: ExactChannel) -> PreparedChannel:
    """Brings the network of a channel into the form that is evaluated.

    Args:
        channel: The network, whose arrays are not traced.

    Returns:
        The same network.
    """
    first, *others = channel.network.layers
    layers = [_padded(_beside(channel.skip, first), _ceiling(first.weight_high.shape[0], _INPUTS), _INPUTS)]
    # The outputs that are known already have no weight in the next layer.
    before = OUTPUTS
    for number, layer in enumerate(others):
        multiple = _OUTPUTS if number + 1 == len(others) else _INPUTS
        layers.append(_padded(layer, layers[-1].bias.shape[0], multiple, before))
        before = 0
    return PreparedChannel(tuple(map(fixed_point.without_zeros, layers)))


def outputs_of(channel: PreparedChannel, inputs: Int32[Array, "*pixels inputs"]) -> Int32[Array, "*pixels outputs"]:
    """Evaluates the network of a channel.

    Args:
        channel: The network.
        inputs: The inputs, in units of 2^-12.

    Returns:
        The outputs, in the units of `recjax.models.pixel_network.mixture.output_fraction_bits`.
    """
    rows = jnp.clip(inputs.reshape(-1, inputs.shape[-1]), -LIMIT, LIMIT)
    rows = jnp.pad(rows, ((0, 0), (0, channel.layers[0].weight_high.shape[0] - rows.shape[1])))
    # Or XLA computes the inputs again for each of their digits.
    rows = jax.lax.optimization_barrier(rows)
    first, *others = channel.layers
    x = fixed_point.affine(first, rows)
    direct = x[:, :OUTPUTS]
    for layer in others:
        x = fixed_point.affine(layer, jnp.maximum(x, 0))
    return jnp.clip(x[:, :OUTPUTS] + direct, -LIMIT, LIMIT).reshape(*inputs.shape[:-1], -1)


def mixture(channels: tuple[PreparedChannel, ...], context: Context, known: Int32[Array, "*pixels known"]) -> Mixture:
    """Computes the distribution of the next channel of some pixels.

    Args:
        channels: The networks of all channels.
        context: The context of the pixels.
        known: The channels of these pixels that are coded earlier; their number tells which channel is next.

    Returns:
        The distributions.
    """
    number = known.shape[-1]
    outputs = outputs_of(channels[number], channel_inputs(context, known))
    return mixture_of(outputs, context.base[..., number], context.activity)


def _beside(left: ExactLayer, right: ExactLayer) -> ExactLayer:
    """Joins layers that have the same inputs."""
    parts: Any = [np.concatenate(list(map(np.asarray, pair)), axis=-1) for pair in zip(left, right, strict=True)]
    return ExactLayer(*parts)


def _padded(layer: ExactLayer, inputs: int, multiple: int, before: int = 0) -> ExactLayer:
    """Adds inputs without weight, some of them before the others, and outputs that are 0."""
    high, low, bias, shift = map(np.asarray, layer)
    more = (0, _ceiling(bias.size, multiple) - bias.size)
    rows = (before, inputs - before - high.shape[0])
    parts: Any = (np.pad(high, (rows, more)), np.pad(low, (rows, more)), np.pad(bias, more), np.pad(shift, more))
    return ExactLayer(*parts)


def _ceiling(size: int, multiple: int) -> int:
    return -(-size // multiple) * multiple
