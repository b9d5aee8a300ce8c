"""Variational autoencoders of small images as multilayer perceptrons (Kingma and Welling, arXiv:1312.6114).

The prior is a standard normal, the posterior a diagonal normal, free or of fixed KL divergence per latent
(`recjax.models.isokl`), the likelihood one of `recjax.models.likelihoods`.
Everything here is float and serves training and scoring; what a codec evaluates is the converted `recjax.models.model`.
"""

from dataclasses import dataclass
from math import log, prod
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recjax.models import isokl
from recjax.models.likelihoods import Likelihood, make_likelihood

POSTERIORS = ("normal", "isokl")

MIN_LOG2_SCALE, MAX_LOG2_SCALE = -12, 2
"""Posterior scales are kept between 2^-12 and 2^2 prior standard deviations."""

Params = dict[str, Any]


@dataclass(frozen=True)
class VAEConfig:
    """Shape of a VAE.

    image_shape: (height, width) of an image; it is coded as height * width pixels in row order.
    levels: pixels are 0 to levels - 1.
    latents: number of latent coordinates.
    hidden: widths of the hidden ReLU layers of the inference network; the generative network mirrors them.
    likelihood: name of the pixel likelihood.
    dropout: probability of dropping a hidden unit in training, in both networks.
    posterior: "normal", a mean and a scale for each latent; or "isokl", see `recjax.models.isokl`.
    kl_groups: for "isokl", runs of latents that share a learned KL divergence.
    """

    image_shape: tuple[int, int]
    levels: int
    latents: int
    hidden: tuple[int, ...] = (256, 256)
    likelihood: str = "beta_binomial"
    dropout: float = 0.0
    posterior: str = "normal"
    kl_groups: int = 1

    @property
    def pixels(self) -> int:
        return prod(self.image_shape)

    def make_likelihood(self) -> Likelihood:
        return make_likelihood(self.likelihood, self.levels)


class ELBOTerms(NamedTuple):
    """Terms of the evidence lower bound of each image, from one posterior sample each, in nats."""

    log_likelihood: Float[Array, "*batch"]
    kl: Float[Array, "*batch latents"]

    @property
    def elbo(self) -> Float[Array, "*batch"]:
        return self.log_likelihood - self.kl.sum(axis=-1)


class MLP(nn.Module):
    """Dense layers named layer_0, layer_1, ... with a ReLU and dropout between them."""

    widths: tuple[int, ...]
    dropout: float = 0.0

    @nn.compact
    def __call__(self, x: Float[Array, "*batch inputs"], training: bool = False) -> Float[Array, "*batch outputs"]:
        for position, width in enumerate(self.widths):
            x = nn.Dense(width, name=f"layer_{position}")(x)
            if position + 1 < len(self.widths):
                x = nn.Dropout(self.dropout, deterministic=not training)(nn.relu(x))
        return x


def networks(config: VAEConfig) -> tuple[MLP, MLP]:
    """The inference network (pixels -> mean and log2 scale, or alpha) and the generative (latents -> parameters)."""
    if config.posterior not in POSTERIORS:
        raise ValueError(f"there is no posterior {config.posterior!r}; choose one of {', '.join(POSTERIORS)}.")
    outputs = config.pixels * config.make_likelihood().num_parameters
    per_latent = 1 if config.posterior == "isokl" else 2
    inference = MLP((*config.hidden, per_latent * config.latents), config.dropout)
    return inference, MLP((*config.hidden[::-1], outputs), config.dropout)


def init(config: VAEConfig, key: Array) -> Params:
    """Fresh parameters {"inference": ..., "generative": ...}, and {"log_kappa": ...} for an "isokl" posterior."""
    inference, generative = networks(config)
    key_inference, key_generative = jax.random.split(key)
    learned = {"log_kappa": jnp.zeros(config.kl_groups)} if config.posterior == "isokl" else {}
    return learned | {
        "inference": inference.init(key_inference, jnp.zeros((1, config.pixels)))["params"],
        "generative": generative.init(key_generative, jnp.zeros((1, config.latents)))["params"],
    }


def posterior(
    config: VAEConfig, params: Params, x: Int[Array, "*batch pixels"], dropout_key: Array | None = None
) -> tuple[Float[Array, "*batch latents"], Float[Array, "*batch latents"]]:
    """Mean and log2 of the scale of the posterior, in prior standard deviations."""
    inputs = x.astype(jnp.float32) / (config.levels - 1)
    outputs = _apply(networks(config)[0], params["inference"], inputs, dropout_key)
    if config.posterior == "isokl":
        return isokl.moments(outputs, kappa_nats(config, params))
    mean, log2_scale = jnp.split(outputs, 2, axis=-1)
    return mean, jnp.clip(log2_scale, MIN_LOG2_SCALE, MAX_LOG2_SCALE)


def kappa_nats(config: VAEConfig, params: Params) -> Float[Array, "latents"]:
    """KL divergence of each latent of an "isokl" posterior, in nats; groups are runs of nearly equal length."""
    log_kappa = jnp.clip(params["log_kappa"], log(isokl.MIN_KAPPA_NATS), log(isokl.MAX_KAPPA_NATS))
    return jnp.exp(log_kappa)[jnp.arange(config.latents) * config.kl_groups // config.latents]


def likelihood_parameters(
    config: VAEConfig, params: Params, z: Float[Array, "*batch latents"], dropout_key: Array | None = None
) -> Float[Array, "*batch pixels parameters"]:
    """Parameters of the likelihood of each pixel, in nats."""
    outputs = _apply(networks(config)[1], params["generative"], z, dropout_key)
    return outputs.reshape(*z.shape[:-1], config.pixels, -1)


def elbo_terms(
    config: VAEConfig, params: Params, key: Array, x: Int[Array, "*batch pixels"], training: bool = False
) -> ELBOTerms:
    """Single-sample ELBO terms of each image; dropout acts only in training."""
    key, *dropout_keys = jax.random.split(key, 3) if training else (key, None, None)
    mean, log2_scale = posterior(config, params, x, dropout_keys[0])
    scale = jnp.exp2(log2_scale)
    z = mean + scale * jax.random.normal(key, mean.shape)
    parameters = likelihood_parameters(config, params, z, dropout_keys[1])
    log_likelihood = config.make_likelihood().log_prob(parameters, x).sum(axis=-1)
    return ELBOTerms(log_likelihood, kl_nats(mean, log2_scale))


def kl_nats(mean: Float[Array, "*shape"], log2_scale: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """KL divergence from the standard normal to the posterior of each latent, in nats."""
    return 0.5 * (jnp.exp2(2 * log2_scale) + mean * mean - 1.0) - log(2.0) * log2_scale


def _apply(network: MLP, params: Params, x: Array, dropout_key: Array | None) -> Array:
    training = dropout_key is not None
    # Computed in the precision of the weights that are given; what follows is float32.
    x = x.astype(jax.tree.leaves(params)[0].dtype)
    outputs = network.apply({"params": params}, x, training, rngs={"dropout": dropout_key} if training else None)
    assert isinstance(outputs, jax.Array)
    return outputs.astype(jnp.float32)
