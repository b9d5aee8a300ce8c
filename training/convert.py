"""From trained parameters to a model that a codec can use, and what the conversion costs."""

import json
from collections.abc import Mapping
from dataclasses import replace
from math import sqrt
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt8

from recjax.models import vae
from recjax.models.likelihoods import PARAMETER_FRACTION_BITS
from recjax.models.model import (
    GRID_FRACTION_BITS,
    KAPPA_FRACTION_BITS,
    KL_UNIT,
    LATENT_FRACTION_BITS,
    LOG2_SCALE_FRACTION_BITS,
    MEAN_FRACTION_BITS,
    Model,
    cdf_rows,
    make_model,
    pixel_fraction_bits,
    posterior_floats,
    symbol_rows,
)
from recjax.models.partition import intervals_from_kl
from recjax.models.quantise import convert

_CALIBRATION_SEED = 0
_MEASURE_SEED = 1


class Rates(NamedTuple):
    """Mean rates of images, in bits.

    images: how many.
    elbo_bits_per_dim, elbo_standard_error: -ELBO of the float model, and its standard error over the images (None for
        one image).
    exact_bits_per_dim: the same of the converted model: KL of its posterior and its tables' masses, at the same noise.
    kl_bits: KL divergence per image.
    active_latents: latents with a mean KL above 0.1 bits.
    """

    images: int
    elbo_bits_per_dim: float
    elbo_standard_error: float | None
    exact_bits_per_dim: float
    kl_bits: float
    active_latents: int

    @property
    def conversion_loss(self) -> float:
        """Relative change of -ELBO by the conversion."""
        return self.exact_bits_per_dim / self.elbo_bits_per_dim - 1.0


def to_model(
    name: str,
    config: vae.VAEConfig,
    params: vae.Params,
    images: UInt8[np.ndarray, "images height width"],
) -> Model:
    """The exact model of trained parameters; `images` are training images, for scales and the mean KL per latent."""
    x = jnp.asarray(images.reshape(len(images), -1))
    mean, log2_scale = vae.posterior(config, params, x)
    z = mean + jnp.exp2(log2_scale) * jax.random.normal(jax.random.key(_CALIBRATION_SEED), mean.shape)
    kl_bits = np.asarray(vae.kl_nats(mean, log2_scale).mean(axis=0), np.float64) / np.log(2)
    kl_bits = np.maximum(kl_bits, 0.0)
    isokl = config.posterior == "isokl"
    posterior_bits = [MEAN_FRACTION_BITS] if isokl else [MEAN_FRACTION_BITS, LOG2_SCALE_FRACTION_BITS]
    kappa_q16 = np.rint(np.ldexp(vae.kappa_nats(config, params), KAPPA_FRACTION_BITS)) if isokl else None
    num_outputs = config.pixels * config.make_likelihood().num_parameters
    # The network's input is the pixel itself, so the division by the largest level moves into the first kernel.
    inference = convert(
        _layers(params["inference"], input_scale=1 / (config.levels - 1)),
        np.asarray(x, np.float64),
        input_fraction_bits=pixel_fraction_bits(config.levels),
        output_fraction_bits=np.repeat(posterior_bits, config.latents),
    )
    generative = convert(
        _layers(params["generative"]),
        np.asarray(z, np.float64),
        input_fraction_bits=LATENT_FRACTION_BITS,
        output_fraction_bits=np.full(num_outputs, PARAMETER_FRACTION_BITS),
    )
    return make_model(
        name,
        inference,
        generative,
        image_shape=config.image_shape,
        levels=config.levels,
        likelihood_name=config.likelihood,
        kl_bits=np.rint(kl_bits * KL_UNIT),
        intervals=intervals_from_kl(kl_bits),
        posterior_name=config.posterior,
        kappa_nats_q16=kappa_q16,
    )


def with_card(model: Model, card: Mapping[str, Any]) -> Model:
    """The model with another card: what people want to know of it, as JSON; the digest stays."""
    return replace(model, card=json.dumps(dict(card), sort_keys=True))


def measure(
    config: vae.VAEConfig,
    params: vae.Params,
    model: Model,
    images: UInt8[np.ndarray, "images height width"],
    *,
    samples: int = 16,
) -> Rates:
    """Rates of the float model and its exact conversion on the same images with the same noise."""
    x = jnp.asarray(images.reshape(len(images), -1))
    rows = jnp.asarray(cdf_rows(model))

    @jax.jit
    def kl_bits(params, x):
        return vae.kl_nats(*vae.posterior(config, params, x)).mean(axis=0) / jnp.log(2)

    @jax.jit
    def float_bits(params, x, noise):
        mean, log2_scale = vae.posterior(config, params, x)
        parameters = vae.likelihood_parameters(config, params, mean + jnp.exp2(log2_scale) * noise)
        log_likelihood = config.make_likelihood().log_prob(parameters, x).sum(axis=-1)
        return (vae.kl_nats(mean, log2_scale).sum(axis=-1) - log_likelihood) / jnp.log(2)

    # Model and rows are arguments, not closures: XLA would fold the integer products of constants, slowly.
    @jax.jit
    def exact_bits(model, x, rows, noise):
        mean, scale = posterior_floats(model, x)
        z = jnp.clip(mean + scale * noise, -15.0, 15.0)
        row = symbol_rows(model, jnp.rint(z * 2.0**GRID_FRACTION_BITS).astype(jnp.int32))
        symbol = x.astype(jnp.int32)
        mass = (rows[row, symbol + 1] - rows[row, symbol]).astype(jnp.float32)
        kl = vae.kl_nats(mean, jnp.log2(scale)).sum(axis=-1) / jnp.log(2)
        return kl + (16.0 - jnp.log2(mass)).sum(axis=-1)

    totals, exact_totals = [], []
    for key in jax.random.split(jax.random.key(_MEASURE_SEED), samples):
        noise = jax.random.normal(key, (len(x), config.latents))
        totals.append(np.asarray(float_bits(params, x, noise), np.float64))
        exact_totals.append(np.asarray(exact_bits(model, x, rows, noise), np.float64))
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
