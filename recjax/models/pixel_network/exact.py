"""The networks of a pixel network's channels in fixed point, to the same integers on every machine."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Int32

from recjax.models.fixed_point import network as fixed_point
from recjax.models.fixed_point.network import LIMIT, ExactLayer, ExactNetwork
from recjax.models.pixel_network.context import Context, channel_inputs
from recjax.models.pixel_network.mixture import Mixture, mixture_of


class ExactChannel(NamedTuple):
    """The network of one channel.

    Attributes:
        network: Hidden layers and a last one.
        skip: A layer from the inputs straight to the outputs, which is added.
    """

    network: ExactNetwork
    skip: ExactLayer


def outputs_of(channel: ExactChannel, inputs: Int32[Array, "*pixels inputs"]) -> Int32[Array, "*pixels outputs"]:
    """Evaluates the network of a channel.

    Args:
        channel: The network.
        inputs: The inputs, in units of 2^-12.

    Returns:
        The outputs, in the units of `recjax.models.pixel_network.mixture.output_fraction_bits`.
    """
    rows = inputs.reshape(-1, inputs.shape[-1])
    outputs = fixed_point.apply(channel.network, rows) + fixed_point.affine(channel.skip, rows)
    return jnp.clip(outputs, -LIMIT, LIMIT).reshape(*inputs.shape[:-1], -1)


def mixture(channels: tuple[ExactChannel, ...], context: Context, known: Int32[Array, "*pixels known"]) -> Mixture:
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
