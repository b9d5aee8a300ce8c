"""Converts trained parameters to a model that codecs can use, and measures what the conversion costs."""

import json
from collections.abc import Mapping
from dataclasses import replace
from math import sqrt
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt8

from recjax.models.fixed_point.convert import convert
from recjax.models.fixed_point.network import ExactNetwork
from recjax.models.likelihoods.families import PARAMETER_FRACTION_BITS, released_name
from recjax.models.vae import context, context_head
from recjax.models.vae import network as vae
from recjax.models.vae.evaluate import (
    GRID_FRACTION_BITS,
    KAPPA_FRACTION_BITS,
    KL_UNIT,
    LATENT_FRACTION_BITS,
    LOG2_SCALE_FRACTION_BITS,
    MEAN_FRACTION_BITS,
    Model,
    image_bits,
    make_model,
    pixel_fraction_bits,
    posterior_floats,
)
from recjax.rec.candidates.interval_counts import intervals_from_kl

_CALIBRATION_SEED = 0
_MEASURE_SEED = 1
_HEAD_CALIBRATION_IMAGES = 200
_BATCH = 100


class Rates(NamedTuple):
    """Mean rates of a model on some images.

    Attributes:
        images: The number of images.
        elbo_bits_per_dim: The negative ELBO of the float model in bits per dimension.
        elbo_standard_error: The standard error of this mean over the images; None for one image.
        exact_bits_per_dim: The same bound for the converted model, with the KL divergence of its posterior, the masses
            of its tables and the same noise.
        kl_bits: The KL divergence per image in bits.
        active_latents: The number of latents with a mean KL divergence above 0.1 bits.
    """

    images: int
    elbo_bits_per_dim: float
    elbo_standard_error: float | None
    exact_bits_per_dim: float
    kl_bits: float
    active_latents: int

    @property
    def conversion_loss(self) -> float:
        """The relative change of the negative ELBO by the conversion."""
        return self.exact_bits_per_dim / self.elbo_bits_per_dim - 1.0


def to_model(
    name: str,
    config: vae.VAEConfig,
    params: vae.Params,
    images: UInt8[np.ndarray, "images height width"],
    *,
    weight_bits: int = 16,
) -> Model:
    """Converts trained parameters to an exact model, which is evaluated in integers.

    The parameters may come from any program, if the VAE is of this kind:

    - Both networks are dense layers with a ReLU after each but the last, and the prior is a standard normal.
    - The inference network takes pixels in row order, divided by levels - 1. It returns all means, then the base-2
      logarithms of all standard deviations. For a network of log variances, divide kernel and bias of these outputs by
      2 log(2).
    - The generative network returns the parameters of the likelihood of each pixel, those of a pixel next to each
      other: a logit for "bernoulli", for others see `recjax.models.likelihoods.families`.

    Args:
        name: The name of the model.
        config: The shape of the VAE.
        params: The trained parameters: {"inference": layers, "generative": layers}, where layers are {"layer_0":
            {"kernel": [inputs, outputs], "bias": [outputs]}, "layer_1": ...}, as of `flax.linen.Dense`.
        images: Training images, uint8, from which the scales of activations and the mean KL divergence of each latent
            are taken.
        weight_bits: The bits of the weights of all networks, 8 or 16; see `recjax.models.fixed_point.convert.convert`.

    Returns:
        The model, with an empty card.
    """
    x = jnp.asarray(images.reshape(len(images), -1))
    mean, log2_scale = vae.posterior(config, params, x)
    z = mean + jnp.exp2(log2_scale) * jax.random.normal(jax.random.key(_CALIBRATION_SEED), mean.shape)
    kl_bits = np.asarray(vae.kl_nats(mean, log2_scale).mean(axis=0), np.float64) / np.log(2)
    kl_bits = np.maximum(kl_bits, 0.0)
    isokl = config.posterior == "isokl"
    posterior_bits = [MEAN_FRACTION_BITS] if isokl else [MEAN_FRACTION_BITS, LOG2_SCALE_FRACTION_BITS]
    kappa_q16 = np.rint(np.ldexp(vae.kappa_nats(config, params), KAPPA_FRACTION_BITS)) if isokl else None
    # The network's input is the pixel itself, so the division by the largest level moves into the first kernel.
    inference = convert(
        _layers(params["inference"], input_scale=1 / (config.levels - 1)),
        np.asarray(x, np.float64),
        input_fraction_bits=pixel_fraction_bits(config.levels),
        output_fraction_bits=np.repeat(posterior_bits, config.latents),
        weight_bits=weight_bits,
    )
    generative_layers = _layers(params["generative"])
    fraction_bits = context.FRACTION_BITS if config.context_radius else PARAMETER_FRACTION_BITS
    generative = convert(
        generative_layers,
        np.asarray(z, np.float64),
        input_fraction_bits=LATENT_FRACTION_BITS,
        output_fraction_bits=np.full(len(generative_layers[-1][1]), fraction_bits),
        weight_bits=weight_bits,
    )
    return make_model(
        name,
        inference,
        generative,
        image_shape=config.image_shape,
        levels=config.levels,
        likelihood_name=released_name(config.likelihood, config.levels),
        head=_head(config, params, z, x, weight_bits) if config.context_radius else None,
        context_radius=config.context_radius,
        kl_bits=np.rint(kl_bits * KL_UNIT),
        intervals=intervals_from_kl(kl_bits),
        posterior_name=config.posterior,
        kappa_nats_q16=kappa_q16,
    )


def _head(config: vae.VAEConfig, params: vae.Params, z: jax.Array, x: jax.Array, weight_bits: int) -> ExactNetwork:
    """Converts the context head, with scales of activations from some training images."""
    z, x = z[:_HEAD_CALIBRATION_IMAGES], x[:_HEAD_CALIBRATION_IMAGES]
    inputs = context_head.inputs(config, vae.pixel_outputs(config, params, z), x)
    return convert(
        _layers(params["head"]),
        np.asarray(inputs, np.float64).reshape(-1, inputs.shape[-1]),
        input_fraction_bits=context.FRACTION_BITS,
        output_fraction_bits=np.full(config.make_likelihood().num_parameters, PARAMETER_FRACTION_BITS),
        weight_bits=weight_bits,
    )


def with_card(model: Model, card: Mapping[str, Any]) -> Model:
    """Gives a model another card, which does not change its digest.

    Args:
        model: The model.
        card: What people want to know about the model, of types that JSON has.

    Returns:
        The model with this card.
    """
    return replace(model, card=json.dumps(dict(card), sort_keys=True))


def measure(
    config: vae.VAEConfig,
    params: vae.Params,
    model: Model,
    images: UInt8[np.ndarray, "images height width"],
    *,
    samples: int = 16,
) -> Rates:
    """Measures the rates of a float model and of its exact conversion, on the same images with the same noise.

    Args:
        config: The shape of the float model.
        params: The parameters of the float model.
        model: The exact model.
        images: The images to measure on, uint8.
        samples: The number of posterior samples for each image.

    Returns:
        The mean rates.
    """
    x = jnp.asarray(images.reshape(len(images), -1))

    @jax.jit
    def kl_bits(params, x):
        return vae.kl_nats(*vae.posterior(config, params, x)).mean(axis=0) / jnp.log(2)

    @jax.jit
    def float_bits(params, x, noise):
        def of_image(pair):
            x, noise = pair
            mean, log2_scale = vae.posterior(config, params, x)
            log_likelihood = vae.log_likelihood(config, params, mean + jnp.exp2(log2_scale) * noise, x)
            return (vae.kl_nats(mean, log2_scale).sum(axis=-1) - log_likelihood) / jnp.log(2)

        return jax.lax.map(of_image, (x, noise), batch_size=_BATCH)

    # The model is an argument, not a closure: otherwise XLA would fold the integer products of constants, slowly.
    @jax.jit
    def exact_bits(model, x, noise):
        mean, scale = posterior_floats(model, x)
        z = jnp.clip(mean + scale * noise, -15.0, 15.0)
        kl = vae.kl_nats(mean, jnp.log2(scale)).sum(axis=-1) / jnp.log(2)
        return kl + image_bits(model, jnp.rint(z * 2.0**GRID_FRACTION_BITS).astype(jnp.int32), x)

    totals, exact_totals = [], []
    for key in jax.random.split(jax.random.key(_MEASURE_SEED), samples):
        noise = jax.random.normal(key, (len(x), config.latents))
        totals.append(np.asarray(float_bits(params, x, noise), np.float64))
        exact_totals.append(np.asarray(exact_bits(model, x, noise), np.float64))
    per_image = np.mean(totals, axis=0) / config.pixels
    kl = np.asarray(kl_bits(params, x), np.float64)
    return Rates(
        images=len(x),
        elbo_bits_per_dim=float(per_image.mean()),
        elbo_standard_error=float(per_image.std(ddof=1) / sqrt(len(x))) if len(x) > 1 else None,
        exact_bits_per_dim=float(np.mean(exact_totals)) / config.pixels,
        kl_bits=float(kl.sum()),
        active_latents=int((kl > 0.1).sum()),
    )


def _layers(params: Mapping[str, Any], input_scale: float = 1.0) -> list[tuple[np.ndarray, np.ndarray]]:
    layers = []
    for position in range(len(params)):
        layer = params[f"layer_{position}"]
        kernel = np.asarray(layer["kernel"], np.float64) * (input_scale if position == 0 else 1.0)
        layers.append((kernel, np.asarray(layer["bias"], np.float64)))
    return layers
