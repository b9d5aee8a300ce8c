"""The objective of VAE training: the negative evidence lower bound (ELBO), in bits per dimension."""

from math import log

import jax
from jaxtyping import Array, Float, Int

from recjax.models.vae import network as vae

_BATCH = 500


def negative_elbo(
    config: vae.VAEConfig,
    params: vae.Params,
    key: Array,
    x: Int[Array, "batch pixels"],
    *,
    kl_weight: float | Float[Array, ""] = 1.0,
    training: bool = True,
) -> Float[Array, ""]:
    """Estimates the mean negative ELBO of a batch from one posterior sample per image.

    A KL weight below 1 early in training keeps latents from collapsing before the generative network has learned to use
    them (Sønderby et al., arXiv:1602.02282).

    Args:
        config: The shape of the VAE.
        params: The parameters.
        key: The random key of the sample and of dropout.
        x: The images, integers [batch, pixels].
        kl_weight: The weight of the KL divergence, in [0, 1].
        training: Whether hidden units are dropped.

    Returns:
        The estimate in bits per dimension, a scalar.
    """
    terms = vae.elbo_terms(config, params, key, x, training)
    return (kl_weight * terms.kl.sum(axis=-1) - terms.log_likelihood).mean() / (config.pixels * log(2))


def evaluate(
    config: vae.VAEConfig, params: vae.Params, x: Int[Array, "images pixels"], *, samples: int = 8, seed: int = 0
) -> Float[Array, ""]:
    """Estimates the mean negative ELBO without dropout, with the same noise at every call.

    Args:
        config: The shape of the VAE.
        params: The parameters.
        x: The images, integers [images, pixels].
        samples: The number of posterior samples per image.
        seed: The seed of the noise.

    Returns:
        The estimate in bits per dimension, a scalar.
    """

    def total(key, batch):
        return negative_elbo(config, params, key, batch, training=False) * len(batch)

    # The activations of a context head for all images at once could take gigabytes.
    batches, rest = divmod(len(x), _BATCH)
    keys = jax.random.split(jax.random.key(seed), samples * (batches + 1)).reshape(samples, batches + 1)
    whole = x[: batches * _BATCH].reshape(batches, _BATCH, x.shape[1])

    def one_sample(keys):
        of_whole = jax.lax.map(lambda pair: total(*pair), (keys[:batches], whole)).sum() if batches else 0.0
        return (of_whole + total(keys[batches], x[batches * _BATCH :])) if rest else of_whole

    return jax.lax.map(one_sample, keys).mean() / len(x)
