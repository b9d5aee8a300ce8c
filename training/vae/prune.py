"""Latents that carry no information leave a VAE before it is released: they cost time, and in most coders bits."""

from dataclasses import replace
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Int, UInt8

from recjax.models.vae import network as vae

UNINFORMATIVE_BITS = 0.01
"""Latents with a smaller mean KL divergence on the training images are dropped."""


class Pruned(NamedTuple):
    """A VAE of fewer latents. kept: which of the trained ones are left, in their order."""

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
    """The VAE without the latents whose mean KL divergence on these (training) images is below `below_bits` bits.

    The generative network gets the mean of their posteriors instead; one latent stays in any case. An "isokl" posterior
    keeps all: each of its latents has the same KL divergence for every image.
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
