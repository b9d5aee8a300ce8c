"""Variational autoencoders of small images as multilayer perceptrons (Kingma and Welling, arXiv:1312.6114).

The prior is a standard normal. The posterior is a diagonal normal, with free scales or with a fixed KL divergence of
each latent (`recjax.models.vae.isokl`). The likelihood is one of `recjax.models.likelihoods.families`. Everything here
is in floats and serves training and scoring; codecs evaluate the converted networks by `recjax.models.vae.evaluate`.
"""

from math import log
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recjax.models.vae import context_head, isokl, mlp
from recjax.models.vae.config import MAX_LOG2_SCALE, MIN_LOG2_SCALE, POSTERIORS, VAEConfig
from recjax.models.vae.mlp import MLP

Params = dict[str, Any]


class ELBOTerms(NamedTuple):
    """Terms of the evidence lower bound of each image, from one posterior sample each.

    Attributes:
        log_likelihood: log p(x | z) of the sample z, in nats.
        kl: KL divergence of each latent's posterior from its prior, in nats.
    """

    log_likelihood: Float[Array, "*batch"]
    kl: Float[Array, "*batch latents"]

    @property
    def elbo(self) -> Float[Array, "*batch"]:
        """The evidence lower bound of each image, in nats."""
        return self.log_likelihood - self.kl.sum(axis=-1)


def networks(config: VAEConfig) -> tuple[MLP, MLP]:
    """Makes the inference and the generative network.

    Args:
        config: The configuration of the VAE.

    Returns:
        The inference network, from pixels to means and log2 scales or to the alphas of "isokl", and the generative
        network, from latents to the likelihood parameters or the features of all pixels; both without weights.

    Raises:
        ValueError: The configuration names an unknown posterior.
    """
    if config.posterior not in POSTERIORS:
        raise ValueError(f"there is no posterior {config.posterior!r}; choose one of {', '.join(POSTERIORS)}.")
    per_latent = 1 if config.posterior == "isokl" else 2
    per_pixel = config.features if config.context_radius else config.make_likelihood().num_parameters
    inference = MLP((*config.hidden, per_latent * config.latents), config.dropout)
    return inference, MLP((*config.hidden[::-1], config.pixels * per_pixel), config.dropout)


def init(config: VAEConfig, key: Array) -> Params:
    """Draws initial parameters.

    Args:
        config: The configuration of the VAE.
        key: Key of `jax.random`.

    Returns:
        Weights {"inference": ..., "generative": ...}, also "head" where pixels see a context, and "log_kappa" for an
        "isokl" posterior: log of the KL divergence in nats of each group of latents.
    """
    inference, generative = networks(config)
    key_inference, key_generative = jax.random.split(key)
    params = {"log_kappa": jnp.zeros(config.kl_groups)} if config.posterior == "isokl" else {}
    params |= {
        "inference": inference.init(key_inference, jnp.zeros((1, config.pixels)))["params"],
        "generative": generative.init(key_generative, jnp.zeros((1, config.latents)))["params"],
    }
    if config.context_radius:
        params["head"] = context_head.init(config, jax.random.fold_in(key, 1))
    return params


def posterior(
    config: VAEConfig, params: Params, x: Int[Array, "*batch pixels"], dropout_key: Array | None = None
) -> tuple[Float[Array, "*batch latents"], Float[Array, "*batch latents"]]:
    """Computes the posterior of images.

    Args:
        config: The configuration of the VAE.
        params: Parameters as `init` returns them.
        x: Images with values 0 to levels - 1.
        dropout_key: Key of `jax.random` for dropout; None for no dropout.

    Returns:
        The mean and log2 of the scale, in prior standard deviations.
    """
    inputs = x.astype(jnp.float32) / (config.levels - 1)
    outputs = mlp.apply(networks(config)[0], params["inference"], inputs, dropout_key)
    if config.posterior == "isokl":
        return isokl.moments(outputs, kappa_nats(config, params))
    mean, log2_scale = jnp.split(outputs, 2, axis=-1)
    return mean, jnp.clip(log2_scale, MIN_LOG2_SCALE, MAX_LOG2_SCALE)


def kappa_nats(config: VAEConfig, params: Params) -> Float[Array, "latents"]:
    """Returns the KL divergence of each latent of an "isokl" posterior.

    Args:
        config: The configuration of the VAE.
        params: Parameters as `init` returns them.

    Returns:
        KL divergences in nats; groups are runs of latents of nearly equal length.
    """
    log_kappa = jnp.clip(params["log_kappa"], log(isokl.MIN_KAPPA_NATS), log(isokl.MAX_KAPPA_NATS))
    return jnp.exp(log_kappa)[jnp.arange(config.latents) * config.kl_groups // config.latents]


def likelihood_parameters(
    config: VAEConfig,
    params: Params,
    z: Float[Array, "*batch latents"],
    x: Int[Array, "*batch pixels"],
    dropout_key: Array | None = None,
) -> Float[Array, "*batch pixels parameters"]:
    """Computes the likelihood parameters of every pixel, given latents.

    Args:
        config: The configuration of the VAE.
        params: Parameters as `init` returns them.
        z: Latents, in prior standard deviations.
        x: Images, which matter only as the context of their pixels.
        dropout_key: Key of `jax.random` for dropout in the generative network; None for no dropout.

    Returns:
        Parameters of the likelihood of each pixel, in nats.
    """
    outputs = pixel_outputs(config, params, z, dropout_key)
    return context_head.parameters(config, params["head"], outputs, x) if config.context_radius else outputs


def log_likelihood(
    config: VAEConfig,
    params: Params,
    z: Float[Array, "*batch latents"],
    x: Int[Array, "*batch pixels"],
    dropout_key: Array | None = None,
) -> Float[Array, "*batch"]:
    """Computes the log likelihood of images, given latents.

    Args:
        config: The configuration of the VAE.
        params: Parameters as `init` returns them.
        z: Latents, in prior standard deviations.
        x: Images with values 0 to levels - 1.
        dropout_key: Key of `jax.random` for dropout in the generative network; None for no dropout.

    Returns:
        log p(x | z) in nats.
    """
    outputs = pixel_outputs(config, params, z, dropout_key)
    if config.context_radius:
        return context_head.log_likelihood(config, params["head"], outputs, x)
    return config.make_likelihood().log_prob(outputs, x).sum(axis=-1)


def pixel_outputs(
    config: VAEConfig, params: Params, z: Float[Array, "*batch latents"], dropout_key: Array | None = None
) -> Float[Array, "*batch pixels outputs"]:
    """Evaluates the generative network.

    Args:
        config: The configuration of the VAE.
        params: Parameters as `init` returns them.
        z: Latents, in prior standard deviations.
        dropout_key: Key of `jax.random` for dropout; None for no dropout.

    Returns:
        The likelihood parameters of each pixel, in nats; where pixels see a context, their features for the head.
    """
    outputs = mlp.apply(networks(config)[1], params["generative"], z, dropout_key)
    return outputs.reshape(*z.shape[:-1], config.pixels, -1)


def elbo_terms(
    config: VAEConfig, params: Params, key: Array, x: Int[Array, "*batch pixels"], training: bool = False
) -> ELBOTerms:
    """Computes single-sample terms of the evidence lower bound of images.

    Args:
        config: The configuration of the VAE.
        params: Parameters as `init` returns them.
        key: Key of `jax.random` for the sample and for dropout.
        x: Images with values 0 to levels - 1.
        training: Whether dropout acts.

    Returns:
        The terms of each image, in nats.
    """
    key, *dropout_keys = jax.random.split(key, 3) if training else (key, None, None)
    mean, log2_scale = posterior(config, params, x, dropout_keys[0])
    scale = jnp.exp2(log2_scale)
    z = mean + scale * jax.random.normal(key, mean.shape)
    return ELBOTerms(log_likelihood(config, params, z, x, dropout_keys[1]), kl_nats(mean, log2_scale))


def kl_nats(mean: Float[Array, "*shape"], log2_scale: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Computes the KL divergence of the posterior of each latent from its standard normal prior.

    Args:
        mean: Means of the posterior.
        log2_scale: log2 of the scales of the posterior.

    Returns:
        KL[posterior || prior] in nats.
    """
    return 0.5 * (jnp.exp2(2 * log2_scale) + mean * mean - 1.0) - log(2.0) * log2_scale
