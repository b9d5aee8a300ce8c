"""Removes latents that carry no information from a VAE before its release: they cost time, and in most coders bits."""

from dataclasses import replace
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Int, UInt8

from recjax.models.vae import network as vae

UNINFORMATIVE_BITS = 0.01
"""Latents with a smaller mean KL divergence on the training images, in bits, are removed."""


class Pruned(NamedTuple):
    """A VAE with fewer latents.

    Attributes:
        config: Its shape.
        params: Its parameters.
        kept: The numbers of the trained latents that are left, ascending.
    """

    config: vae.VAEConfig
    params: vae.Params
    kept: Int[np.ndarray, "kept"]


def prune(
    config: vae.VAEConfig,
    params: vae.Params,
    images: UInt8[np.ndarray, "images height width"],
    *,
    below_bits: float = UNINFORMATIVE_BITS,
) -> Pruned:
    """Removes the latents whose mean KL divergence on training images is small.

    The generative network gets the mean of their posteriors instead; at least one latent is kept. An "isokl" posterior
    keeps all latents, as each of them has the same KL divergence for every image.

    Args:
        config: The shape of the VAE.
        params: The trained parameters.
        images: The training images, uint8.
        below_bits: The mean KL divergence in bits below which a latent is removed.

    Returns:
        The smaller VAE.
    """
    if config.posterior == "isokl":
        return Pruned(config, params, np.arange(config.latents))
    mean, log2_scale = vae.posterior(config, params, jnp.asarray(images.reshape(len(images), -1)))
    kl_bits = np.asarray(vae.kl_nats(mean, log2_scale).mean(axis=0), np.float64) / np.log(2)
    informative = kl_bits >= min(below_bits, kl_bits.max())
    kept, dropped = np.flatnonzero(informative), np.flatnonzero(~informative)
    inference, generative = dict(params["inference"]), dict(params["generative"])
    last = f"layer_{len(config.hidden)}"
    columns = np.concatenate([kept, config.latents + kept])
    inference[last] = {name: array[..., columns] for name, array in inference[last].items()}
    kernel, bias = generative["layer_0"]["kernel"], generative["layer_0"]["bias"]
    generative["layer_0"] = {"kernel": kernel[kept], "bias": bias + mean.mean(axis=0)[dropped] @ kernel[dropped]}
    smaller = {**params, "inference": inference, "generative": generative}
    return Pruned(replace(config, latents=len(kept)), smaller, kept)
