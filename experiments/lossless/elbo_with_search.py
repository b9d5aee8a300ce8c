"""-ELBO of an exact model by the floats that its encoders search with, which are all that an IsoKL posterior has."""

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
# The grid of latents ends a little beyond.
_FURTHEST = 15.0


class SearchBound(NamedTuple):
    """kl_bits: of the posterior of each latent. likelihood_bits: -log2 of the integer masses of an image's pixels, a
    mean over draws of its latents."""

    kl_bits: Float[np.ndarray, "images latents"]
    likelihood_bits: Float[np.ndarray, "images"]

    @property
    def bits(self) -> Float[np.ndarray, "images"]:
        """-ELBO of each image."""
        return self.kl_bits.sum(axis=1) + self.likelihood_bits

    def facts(self, pixels: int) -> dict[str, float | int | None]:
        """Means for a result's JSON; active latents have a mean KL above 0.1 bits."""
        error = standard_error(self.bits)
        return {
            "exact_bits_per_dim": mean(self.bits) / pixels,
            "exact_standard_error": None if error is None else error / pixels,
            "exact_kl_bits": mean(self.kl_bits.sum(axis=1)),
            "exact_likelihood_bits_per_dim": mean(self.likelihood_bits) / pixels,
            "exact_active_latents": int((self.kl_bits.mean(axis=0) > 0.1).sum()),
        }


def search_bound(model: Model, images: UInt8[np.ndarray, "images height width"], samples: int) -> SearchBound:
    """Measure it on these images, with so many draws of the latents of each."""
    flat = jnp.asarray(images.reshape(len(images), -1))
    draws = [
        image_bits(model, _draw(model, flat, key), flat) for key in jax.random.split(jax.random.key(_SEED), samples)
    ]
    return SearchBound(kl_bits(model, images), np.mean(np.asarray(draws, np.float64), axis=0))


@jax.jit
def _draw(model: Model, flat: jax.Array, key: jax.Array) -> jax.Array:
    """Latents of images [image, pixels] in units of 2^-26."""
    mean_, scale = posterior_floats(model, flat)
    z = jnp.clip(mean_ + scale * jax.random.normal(key, mean_.shape), -_FURTHEST, _FURTHEST)
    return jnp.rint(z * 2.0**GRID_FRACTION_BITS).astype(jnp.int32)


def kl_bits(model: Model, images: UInt8[np.ndarray, "images height width"]) -> Float[np.ndarray, "images latents"]:
    """KL divergences of the posteriors, in bits."""
    flat = images.reshape(len(images), -1)
    batches = []
    for start in range(0, len(flat), _BATCH):
        mean_, scale = posterior_floats(model, jnp.asarray(flat[start : start + _BATCH]))
        batches.append(np.asarray(kl_nats(mean_, jnp.log2(scale)), np.float64) / np.log(2))
    return np.concatenate(batches)
