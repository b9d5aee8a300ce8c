"""What training minimises: the negative evidence lower bound, in bits per dimension."""

from math import log

import jax
from jaxtyping import Array, Float, Int

from recjax.models import vae


def negative_elbo(
    config: vae.VAEConfig,
    params: vae.Params,
    key: Array,
    x: Int[Array, "batch pixels"],
    *,
    kl_weight: float | Float[Array, ""] = 1.0,
    training: bool = True,
) -> Float[Array, ""]:
    """Mean -ELBO of a batch in bits per dimension, from one posterior sample per image.

    kl_weight below 1 early in training keeps latents from collapsing before the generative network has found a use for
    them (Sønderby et al., arXiv:1602.02282).
    """
    terms = vae.elbo_terms(config, params, key, x, training)
    return (kl_weight * terms.kl.sum(axis=-1) - terms.log_likelihood).mean() / (config.pixels * log(2))


def evaluate(
    config: vae.VAEConfig, params: vae.Params, x: Int[Array, "images pixels"], *, samples: int = 8, seed: int = 0
) -> Float[Array, ""]:
    """Mean -ELBO in bits per dimension without dropout, with the same noise at every call."""
    keys = jax.random.split(jax.random.key(seed), samples)
    return jax.lax.map(lambda key: negative_elbo(config, params, key, x, training=False), keys).mean()
