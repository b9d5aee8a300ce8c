"""Evaluates the networks of a model either exactly, the same on every machine, or in floats, for research.

Results in floats depend on the device, its instruction set, the version of XLA and the batch: see
`recjax.codecs.lossless.fingerprint`.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32, Int, Int32

from recjax.models.fixed_point import network as exact
from recjax.models.fixed_point.network import ACCUMULATOR_DROPPED_BITS, LIMIT, ExactNetwork


class FloatLayer(NamedTuple):
    """One affine layer in floats.

    Attributes:
        weight: Weights, for inputs and outputs in the units of the exact layer from which it was made.
        bias: Bias of each output, in the units of the outputs.
    """

    weight: Float32[Array, "inputs outputs"]
    bias: Float32[Array, "outputs"]


class FloatNetwork(NamedTuple):
    """Affine layers in floats, with a ReLU between them and none after the last.

    Hidden activations are at most `LIMIT`, as in exact networks, but are not rounded; `apply` bounds and rounds the
    outputs of the last layer.

    Attributes:
        layers: The layers in the order of evaluation.
    """

    layers: tuple[FloatLayer, ...]


Network = ExactNetwork | FloatNetwork


def in_floats(network: ExactNetwork) -> FloatNetwork:
    """Converts an exact network to floats.

    Args:
        network: The exact network.

    Returns:
        A network with the same weights, whose products and activations are floats.
    """
    layers = []
    for layer in network.layers:
        high, low, bias, shift = (np.asarray(leaf, np.int64) for leaf in layer)
        weight = np.ldexp(np.float32(high * 256 + low), -(shift + ACCUMULATOR_DROPPED_BITS))
        layers.append(FloatLayer(jnp.asarray(weight), jnp.asarray(np.ldexp(np.float32(bias), -shift))))
    return FloatNetwork(tuple(layers))


def apply(network: Network, x: Int[Array, "*batch inputs"]) -> Int32[Array, "*batch outputs"]:
    """Evaluates a network.

    Args:
        network: An exact or a float network.
        x: Inputs in the units for which the network was converted.

    Returns:
        Outputs in the units for which the network was converted, as integers within +-LIMIT.
    """
    if isinstance(network, ExactNetwork):
        return exact.apply(network, x)
    return jnp.clip(jnp.rint(float_outputs(network, x)), -LIMIT, LIMIT).astype(jnp.int32)


def float_outputs(network: FloatNetwork, x: Array) -> Float32[Array, "*batch outputs"]:
    """Evaluates a float network without rounding its outputs.

    Args:
        network: The float network.
        x: Inputs [*batch, inputs] in the units for which the network was converted.

    Returns:
        Outputs of the last layer, neither bounded nor rounded.
    """
    rows = _float_hidden(network, jnp.reshape(x, (-1, x.shape[-1])))
    last = network.layers[-1]
    return jnp.reshape(rows @ last.weight + last.bias, (*x.shape[:-1], -1))


def hidden(network: Network, x: Int[Array, "rows inputs"]) -> Array:
    """Evaluates all layers of a network but the last.

    Args:
        network: An exact or a float network.
        x: Inputs in rows, in the units for which the network was converted.

    Returns:
        The inputs of the last layer [rows, units]: int32 of an exact network, float32 of a float one.
    """
    return exact.hidden(network, x) if isinstance(network, ExactNetwork) else _float_hidden(network, x)


def last_of(network: Network, columns: slice = slice(None)) -> Network:
    """Returns the last layer, or some of its outputs, as a network of one layer.

    Args:
        network: An exact or a float network.
        columns: The outputs to keep; by default all.

    Returns:
        A network that takes what `hidden` returns.
    """
    last = network.layers[-1]
    return network._replace(layers=(last._replace(**{k: leaf[..., columns] for k, leaf in last._asdict().items()}),))


def num_outputs(network: Network) -> int:
    """Returns the number of outputs of a network.

    Args:
        network: An exact or a float network.

    Returns:
        The width of its last layer.
    """
    return network.layers[-1].bias.shape[0]


def _float_hidden(network: FloatNetwork, x: Array) -> Float32[Array, "rows units"]:
    x = x.astype(jnp.float32)
    for layer in network.layers[:-1]:
        x = jnp.clip(x @ layer.weight + layer.bias, 0.0, LIMIT)
    return x
