"""Networks of a model as a decoder evaluates them: exact, the same everywhere, or in floats, for research.

Floats are those of the device, its instruction set, the version of XLA and the batch: see
`recjax.codecs.lossless.fingerprint`.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32, Int, Int32

from recjax.models.fixed_point import network as exact
from recjax.models.fixed_point.network import ACCUMULATOR_DROPPED_BITS, LIMIT, ExactNetwork


class FloatLayer(NamedTuple):
    """An affine layer; outputs are in the units of the exact layer of which it was made."""

    weight: Float32[Array, "inputs outputs"]
    bias: Float32[Array, "outputs"]


class FloatNetwork(NamedTuple):
    """Affine layers with a ReLU between them and none after the last, bounded as exact ones are; only the last outputs
    are rounded."""

    layers: tuple[FloatLayer, ...]


Network = ExactNetwork | FloatNetwork


def in_floats(network: ExactNetwork) -> FloatNetwork:
    """A network of the same weights, whose products and activations are floats."""
    layers = []
    for layer in network.layers:
        high, low, bias, shift = (np.asarray(leaf, np.int64) for leaf in layer)
        weight = np.ldexp(np.float32(high * 256 + low), -(shift + ACCUMULATOR_DROPPED_BITS))
        layers.append(FloatLayer(jnp.asarray(weight), jnp.asarray(np.ldexp(np.float32(bias), -shift))))
    return FloatNetwork(tuple(layers))


def apply(network: Network, x: Int[Array, "*batch inputs"]) -> Int32[Array, "*batch outputs"]:
    """Outputs of the network in the converter's units, within `exact.LIMIT`."""
    if isinstance(network, ExactNetwork):
        return exact.apply(network, x)
    return jnp.clip(jnp.rint(float_outputs(network, x)), -LIMIT, LIMIT).astype(jnp.int32)


def float_outputs(network: FloatNetwork, x: Array) -> Float32[Array, "*batch outputs"]:
    """Outputs before they are rounded."""
    rows = _float_hidden(network, jnp.reshape(x, (-1, x.shape[-1])))
    last = network.layers[-1]
    return jnp.reshape(rows @ last.weight + last.bias, (*x.shape[:-1], -1))


def hidden(network: Network, x: Int[Array, "rows inputs"]) -> Array:
    """What the last layer is given: integers, or floats."""
    return exact.hidden(network, x) if isinstance(network, ExactNetwork) else _float_hidden(network, x)


def last_of(network: Network, columns: slice = slice(None)) -> Network:
    """The last layer, or some columns of it, as a network of `hidden`'s numbers."""
    last = network.layers[-1]
    return network._replace(layers=(last._replace(**{k: leaf[..., columns] for k, leaf in last._asdict().items()}),))


def num_outputs(network: Network) -> int:
    return network.layers[-1].bias.shape[0]


def _float_hidden(network: FloatNetwork, x: Array) -> Float32[Array, "rows units"]:
    x = x.astype(jnp.float32)
    for layer in network.layers[:-1]:
        x = jnp.clip(x @ layer.weight + layer.bias, 0.0, LIMIT)
    return x
