"""What the codec of representations needs of a trained model, all of it integers, with a digest.

A decoder renders the integers; an encoder fits posteriors with floats that are made from them.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32

from recjax.models import inr, inr_exact
from recjax.models.exact import ACCUMULATOR_DROPPED_BITS, ExactLayer
from recjax.models.inr import Affine, INRShape, Shared
from recjax.models.inr_exact import UNIT_BITS, VALUE_BITS, WEIGHT_BITS, ExactINR
from recjax.models.weight_posterior import Gaussian


@dataclass(frozen=True, eq=False)
class INRModel:
    """A released model of representations; a pytree of integers.

    network: with the prior, so that latents are standard normal. kl_bits: mean KL divergence of each latent on the
    training images, in units of 1/1024 bits. intervals: of each latent, for space partitioning. value_bits: fraction
    bits of the encodings and of what each layer of the upsampler gives. weight: of the squared error in the objective
    that the model was trained with, in nats.
    """

    network: ExactINR
    kl_bits: Int32[np.ndarray, "latents"]
    intervals: Int32[np.ndarray, "latents"]
    shape: INRShape
    value_bits: tuple[int, ...]
    weight: float
    name: str
    card: str


jax.tree_util.register_dataclass(
    INRModel,
    data_fields=["network", "kl_bits", "intervals"],
    meta_fields=["shape", "value_bits", "weight", "name", "card"],
)


class Floats(NamedTuple):
    """What fitting takes: maps and upsampler, the prior in whose units latents are, and the weight of the error."""

    shared: Shared
    prior: Gaussian
    weight: Any


def floats(model: INRModel) -> Floats:
    """The network that rendering in integers follows, but for roundings."""
    network, shape = model.network, model.shape
    last = len(network.maps) - 1
    maps = []
    for number, layer in enumerate(network.maps):
        factor = 1.0 if number == last else 2 * np.pi / inr.W0
        maps.append(_to_floats(layer, UNIT_BITS, WEIGHT_BITS, factor))
    upsampler, bits = [], model.value_bits[0]
    for layer, reached in zip(network.upsampler, model.value_bits[1:], strict=True):
        upsampler.append(_to_floats(layer, bits, reached, 1.0))
        bits = reached
    unit = jnp.exp2(-(network.shift + model.value_bits[0]).astype(jnp.float32))
    layers = sum(shape.latents)
    mean = jnp.concatenate([jnp.zeros(layers), (network.loc * unit).ravel()])
    scale = jnp.concatenate([jnp.ones(layers), (network.scale * unit * 2.0**UNIT_BITS).ravel()])
    return Floats(Shared(tuple(maps), tuple(upsampler)), Gaussian(mean, scale), jnp.float32(model.weight))


def render(model: INRModel, units: Int32[Array, "image latent"]) -> Array:
    """Pixels uint8 [image, height, width, channels] of latents with UNIT_BITS fraction bits."""
    return inr_exact.render(model.shape, model.network, units)


def _to_floats(layer: ExactLayer, input_bits: int, output_bits: int, factor: float) -> Affine:
    digits = jnp.asarray(layer.weight_high, jnp.float32) * 256 + jnp.asarray(layer.weight_low, jnp.float32)
    weight_bits = layer.shift + output_bits + ACCUMULATOR_DROPPED_BITS - input_bits
    kernel = digits * jnp.exp2(-weight_bits.astype(jnp.float32))
    bias_bits = weight_bits + input_bits - ACCUMULATOR_DROPPED_BITS
    bias: Float[Array, "outputs"] = layer.bias * jnp.exp2(-bias_bits.astype(jnp.float32))
    return Affine(factor * kernel, factor * bias)
