"""Converts a trained model of implicit neural representations to the integers of `recjax.models.inr.model`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from recjax.models.fixed_point.convert import HEADROOM, convert
from recjax.models.fixed_point.network import LIMIT, ExactLayer
from recjax.models.inr import hierarchy as levels
from recjax.models.inr import model as inr_model
from recjax.models.inr import network as inr
from recjax.models.inr import weight_posterior
from recjax.models.inr.exact import UNIT_BITS, VALUE_BITS, WEIGHT_BITS, ExactINR
from recjax.models.inr.model import RATIO_BITS, INRModel
from recjax.models.inr.network import INRShape, Shared
from recjax.models.inr.weight_posterior import Posterior
from recjax.numerics import LOG2
from training.inr.prior import Settled

KEPT_BITS = 0.02
"""Latents with a smaller mean KL divergence, in bits, are never sent."""

_MAX_FRACTION_BITS = 16
_SCALE_LIMIT = 1 << 14
_CALIBRATION_PICTURES = 64


def to_model(
    name: str,
    shape: INRShape,
    spans: tuple[int, ...],
    shared: Shared,
    priors: Sequence[Settled],
    tall: int,
    wide: int,
    card: Mapping[str, Any],
) -> INRModel:
    """Converts a network and its priors to an integer model.

    Typical latents under all priors set the scales of the values between layers.

    Args:
        name: The name of the model.
        shape: The shape of the network.
        spans: The patches per side of a square, for each level; the last is 1.
        shared: The parameters that pictures share.
        priors: The priors, each with the posteriors of training pictures.
        tall: The height of these pictures in patches.
        wide: The width of these pictures in patches.
        card: What people want to know about the model, of types that JSON has.

    Returns:
        The integer model, whose card also has the weight, rate and PSNR of each prior.
    """
    scale = np.max([np.asarray(scale, np.float64) for settled in priors for scale in settled.prior.scale], axis=0)
    own_means = [np.sum([np.asarray(mean, np.float64) for mean in settled.prior.mean], axis=0) for settled in priors]
    mean = np.mean(own_means, axis=0)
    means = np.stack([np.rint((own - mean) / scale * (1 << UNIT_BITS)) for own in own_means]).astype(np.int32)
    ratios = [[np.rint(np.asarray(x) / scale * (1 << RATIO_BITS)) for x in settled.prior.scale] for settled in priors]
    kl_q10 = np.asarray([_divergences_q10(settled.posterior) for settled in priors], np.int32)
    units = np.concatenate(
        [
            (_latents(spans, settled, kl, tall, wide)[:_CALIBRATION_PICTURES] - mean) / scale
            for settled, kl in zip(priors, kl_q10, strict=True)
        ]
    )
    network, value_bits = to_exact(shape, shared, mean, scale, units)
    stated = [
        {
            "weight": settled.weight,
            "bits_per_pixel": settled.bits_per_pixel,
            "psnr_db": settled.psnr,
            "pictures": len(settled.posterior.mean[0]),
        }
        for settled in priors
    ]
    document = json.dumps({**card, "priors": stated}, sort_keys=True)
    arrays = (means, np.asarray(ratios).astype(np.int32), kl_q10)
    model = INRModel(network, *arrays, {}, shape, spans, value_bits, name, document)
    inr_model.check(model)
    return model


def _divergences_q10(posterior: Posterior) -> list[np.ndarray]:
    """Computes the mean KL divergence of each latent of each level in 1/1024 bit; 0 for latents that are never sent."""
    divergences = [np.asarray(x).mean(axis=(0, 1)) / LOG2 for x in weight_posterior.kl_nats(posterior)]
    return [np.where(kl >= KEPT_BITS, np.rint(kl * 1024), 0) for kl in divergences]


def _latents(spans: tuple[int, ...], settled: Settled, kl_q10: np.ndarray, tall: int, wide: int) -> np.ndarray:
    """Computes the posterior means [picture, tall, wide, variable], or the prior mean for latents that are not sent."""
    units = tuple(x * (kl > 0) for x, kl in zip(settled.posterior.mean, kl_q10, strict=True))
    variables = weight_posterior.to_variables(settled.prior, units)
    return np.asarray(levels.total(spans, variables, tall, wide), np.float64)


def to_exact(
    shape: INRShape,
    shared: Shared,
    mean: Float[np.ndarray, "variable"],
    scale: Float[np.ndarray, "variable"],
    units: Float[np.ndarray, "picture tall wide variable"],
) -> tuple[ExactINR, tuple[int, ...]]:
    """Converts a network to integers.

    Args:
        shape: The shape of the network.
        shared: The parameters that pictures share.
        mean: The prior means that belong into the network, one for each variable, summed over levels.
        scale: The scales of the latents' units, one for each variable.
        units: Typical latents in these units, float [picture, tall, wide, variable].

    Returns:
        The integer network, and the number of fraction bits of the encodings and of the output of each layer of the
        upsampler.
    """
    means, scales, parts = (inr.split(shape, x) for x in (mean, scale, units))
    maps = tuple(
        _map(
            number + 1 == len(shape.layers),
            layer,
            means.layers[number],
            scales.layers[number],
            parts.layers[number].reshape(-1, shape.latents[number]),
        )
        for number, layer in enumerate(shared.maps)
    )
    x = np.asarray(inr.join_patches(jnp.asarray(means.encoding + scales.encoding * parts.encoding)), np.float64)
    bits = _fraction_bits(x)
    shift = int(np.floor(np.log2(_SCALE_LIMIT / scales.encoding.max()))) + UNIT_BITS - bits
    shift = min(shift, 29 - int(np.ceil(np.log2(np.abs(means.encoding).max() * 2.0**bits + 1))))
    loc = np.rint(np.ldexp(means.encoding, bits + shift)).astype(np.int32)
    steps = np.rint(np.ldexp(scales.encoding, bits + shift - UNIT_BITS)).astype(np.int32)
    upsampler, value_bits = [], [bits]
    for number, (layer, (_, size)) in enumerate(zip(shared.upsampler, shape.upsampling, strict=True)):
        edged = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))).astype(np.float32)
        near = np.asarray(inr.neighbourhoods(jnp.asarray(edged)), np.float64)
        kernel, bias = np.asarray(layer.kernel, np.float64), np.asarray(layer.bias, np.float64)
        outputs = near @ kernel + bias
        output_bits = VALUE_BITS if number + 1 == len(shape.upsampling) else _fraction_bits(outputs)
        upsampler.append(_one(kernel, bias, near.reshape(-1, near.shape[-1]), bits, output_bits))
        if number + 1 < len(shape.upsampling):
            outputs = np.where(outputs > 0, outputs, outputs * inr.LEAK_Q10 / 1024)
        x, bits = np.asarray(inr.spread_out(jnp.asarray(outputs, jnp.float32), size), np.float64), output_bits
        value_bits.append(output_bits)
    network = ExactINR(maps, jnp.asarray(loc), jnp.asarray(steps), jnp.int32(shift), tuple(upsampler))
    return network, tuple(value_bits)


def _map(last: bool, layer: inr.Affine, mean, scale, latents: np.ndarray) -> ExactLayer:
    """Converts a map, which absorbs the prior's mean and scale and the factor of the sine's argument, in turns."""
    factor = 1.0 if last else inr.W0 / (2 * np.pi)
    kernel = np.asarray(layer.kernel, np.float64)
    bias = factor * (np.asarray(layer.bias, np.float64) + mean @ kernel)
    return _one(factor * scale[:, None] * kernel, bias, latents, UNIT_BITS, WEIGHT_BITS)


def _one(kernel, bias, inputs, input_bits: int, output_bits: int) -> ExactLayer:
    fraction_bits = np.full(bias.shape, output_bits)
    network = convert([(kernel, bias)], inputs, input_fraction_bits=input_bits, output_fraction_bits=fraction_bits)
    return network.layers[0]


def _fraction_bits(x: np.ndarray) -> int:
    return min(int(np.floor(np.log2(LIMIT / (HEADROOM * np.abs(x).max() + 1e-9)))), _MAX_FRACTION_BITS)
