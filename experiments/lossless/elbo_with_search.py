"""Measures -ELBO of an exact model with the float posteriors that its encoders search with.

An IsoKL posterior exists in this form only.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8

from experiments.provenance import mean, standard_error
from recjax.models.vae.evaluate import GRID_FRACTION_BITS, Model, image_bits, posterior_floats
from recjax.models.vae.network import kl_nats

_SEED = 1
_BATCH = 5_000
# Draws are clipped to this many standard deviations of the prior, a little inside the range of the grid of latents.
_FURTHEST = 15.0


class SearchBound(NamedTuple):
    """Holds the two terms of -ELBO for each image.

    Attributes:
        kl_bits: KL divergence of the posterior of each latent from its prior, in bits.
        likelihood_bits: -log2 of the integer masses of an image's pixels, a mean over draws of its latents.
    """

    kl_bits: Float[np.ndarray, "images latents"]
    likelihood_bits: Float[np.ndarray, "images"]

    @property
    def bits(self) -> Float[np.ndarray, "images"]:
        """-ELBO of each image, in bits."""
        return self.kl_bits.sum(axis=1) + self.likelihood_bits

    def facts(self, pixels: int) -> dict[str, float | int | None]:
        """Returns means for a result's JSON; latents count as active if their mean KL is above 0.1 bits.

        Args:
            pixels: The number of pixels of an image.

        Returns:
            The figures, with the prefix `exact_`.
        """
        error = standard_error(self.bits)
        return {
            "exact_bits_per_dim": mean(self.bits) / pixels,
            "exact_standard_error": None if error is None else error / pixels,
            "exact_kl_bits": mean(self.kl_bits.sum(axis=1)),
            "exact_likelihood_bits_per_dim": mean(self.likelihood_bits) / pixels,
            "exact_active_latents": int((self.kl_bits.mean(axis=0) > 0.1).sum()),
        }


def search_bound(model: Model, images: UInt8[np.ndarray, "images height width"], samples: int) -> SearchBound:
    """Measures -ELBO of an exact model on images.

    Args:
        model: The model.
        images: The images.
        samples: The number of draws of the latents of each image.

    Returns:
        The terms of the bound.
    """
    flat = jnp.asarray(images.reshape(len(images), -1))
    draws = [
        image_bits(model, _draw(model, flat, key), flat) for key in jax.random.split(jax.random.key(_SEED), samples)
    ]
    return SearchBound(kl_bits(model, images), np.mean(np.asarray(draws, np.float64), axis=0))


@jax.jit
def _draw(model: Model, flat: jax.Array, key: jax.Array) -> jax.Array:
    """Draws latents [image, latent] from the posteriors, in units of 2^-GRID_FRACTION_BITS."""
    mean_, scale = posterior_floats(model, flat)
    z = jnp.clip(mean_ + scale * jax.random.normal(key, mean_.shape), -_FURTHEST, _FURTHEST)
    return jnp.rint(z * 2.0**GRID_FRACTION_BITS).astype(jnp.int32)


def kl_bits(model: Model, images: UInt8[np.ndarray, "images height width"]) -> Float[np.ndarray, "images latents"]:
    """Computes the KL divergences of the posteriors from the prior.

    Args:
        model: The model.
        images: The images.

    Returns:
        The KL divergence of each latent of each image, in bits.
    """
    flat = images.reshape(len(images), -1)
    batches = []
    for start in range(0, len(flat), _BATCH):
        mean_, scale = posterior_floats(model, jnp.asarray(flat[start : start + _BATCH]))
        batches.append(np.asarray(kl_nats(mean_, jnp.log2(scale)), np.float64) / np.log(2))
    return np.concatenate(batches)
