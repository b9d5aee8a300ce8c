"""Measures how many bits of an image latents save: latents from the posterior against latents without information."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt8

from experiments.lossless.elbo import FIRST_SEED
from experiments.provenance import mean, standard_error
from recjax import grid
from recjax.codecs.lossless.chains import bits_back
from recjax.codecs.lossless.report import ideal_bits_of_chain
from recjax.models.vae import evaluate as models
from recjax.models.vae.evaluate import GRID_FRACTION_BITS, Model


def measure(model: Model, images: UInt8[np.ndarray, "images height width"]) -> dict[str, Any]:
    """Measures bits of images with latents from the posterior, at 0, and from the prior.

    At 0, the prior's mean, images are coded without latents; what that costs more is the gain from latents.

    Args:
        model: The model.
        images: The images.

    Returns:
        Means over the images with standard errors, in bits per image: `latent` and `posterior` for latents and pixels
        at a draw from the posterior, `total` for their sum, `zero` and `prior` for pixels at 0 and at a draw from the
        prior, and `gain`, which is `zero` less `total`.
    """
    flat = images.reshape(len(images), -1)
    latent, pixels = ideal_bits_of_chain(images, model, seed=FIRST_SEED)
    words = np.random.default_rng(0).integers(0, 1 << bits_back.GRID_BITS, (len(images), model.latents))
    of_prior = grid.value_fixed(jnp.asarray(words, jnp.uint32), bits_back.GRID_BITS)
    at_zero = np.asarray(models.image_bits(model, jnp.zeros_like(of_prior), flat), np.float64)
    at_prior = np.asarray(models.image_bits(model, of_prior, flat), np.float64)
    figures = {
        "latent": latent,
        "posterior": pixels,
        "total": latent + pixels,
        "zero": at_zero,
        "prior": at_prior,
        "gain": at_zero - latent - pixels,
    }
    found: dict[str, Any] = {"images": len(images)}
    for name, bits in figures.items():
        found |= {f"{name}_bits": mean(bits), f"{name}_bits_se": standard_error(bits)}
    return found


def pixel_bits(model: Model, image: UInt8[np.ndarray, "height width"]) -> list[list[float]]:
    """Computes the bits of each pixel at the mean of the posterior.

    Args:
        model: The model.
        image: The image.

    Returns:
        Bits of each pixel, a list of rows.
    """
    flat = jnp.asarray(image.reshape(1, -1))
    center, _ = models.posterior_floats(model, flat)
    z_fixed = jnp.rint(center * 2.0**GRID_FRACTION_BITS).astype(jnp.int32)
    bits = np.asarray(models.pixel_bits(model, z_fixed, flat)).reshape(image.shape)
    return np.round(bits.astype(float), 3).tolist()
