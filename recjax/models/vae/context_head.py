"""The float head of a VAE whose pixels see a context: from features and decoded neighbours to a pixel's likelihood.

The latents say what an image shows, and its neighbours say what a pixel is likely to be. With both, a small network
models grey values far better than with either (PixelVAE, Gulrajani et al., arXiv:1611.05013, here on a window of a few
pixels).
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recjax.models.likelihoods import categorical
from recjax.models.vae import context, mlp
from recjax.models.vae.config import VAEConfig
from recjax.models.vae.mlp import MLP

Params = dict[str, Any]

_SPARE_ROOM = 0.3
"""If at most this share of the pixels is above 0, the distributions of values are evaluated for those pixels alone."""


def network(config: VAEConfig) -> MLP:
    """Makes the head, which turns the features and the context of a pixel into the parameters of its likelihood.

    Args:
        config: The configuration of the VAE.

    Returns:
        The network without its weights.
    """
    return MLP((*config.head, config.make_likelihood().num_parameters))


def init(config: VAEConfig, key: Array) -> Params:
    """Draws initial weights of the head.

    Args:
        config: The configuration of the VAE.
        key: Key of `jax.random`.

    Returns:
        The weights by layer.
    """
    width = config.features + context.num_inputs(config.context_radius)
    return dict(network(config).init(key, jnp.zeros((1, width)))["params"])


def parameters(
    config: VAEConfig,
    params: Params,
    features: Float[Array, "*batch pixels features"],
    x: Int[Array, "*batch pixels"],
) -> Float[Array, "*batch pixels parameters"]:
    """Computes the likelihood parameters of every pixel.

    Args:
        config: The configuration of the VAE.
        params: Weights of the head.
        features: The generative network's numbers for each pixel.
        x: Images with values 0 to levels - 1, the context of their pixels.

    Returns:
        Parameters of the likelihood of every pixel, in nats.
    """
    return mlp.apply(network(config), params, inputs(config, features, x))


def log_likelihood(
    config: VAEConfig,
    params: Params,
    features: Float[Array, "*batch pixels features"],
    x: Int[Array, "*batch pixels"],
) -> Float[Array, "*batch"]:
    """Computes the log likelihood of images.

    Args:
        config: The configuration of the VAE.
        params: Weights of the head.
        features: The generative network's numbers for each pixel.
        x: Images with values 0 to levels - 1.

    Returns:
        log p(x | z) in nats, where z are the latents of the features.
    """
    if config.likelihood != "categorical":
        return config.make_likelihood().log_prob(parameters(config, params, features, x), x).sum(axis=-1)
    last = params[f"layer_{len(config.head)}"]
    # The logits are computed in the precision of the weights, the distributions in float32.
    hidden = mlp.apply(MLP(config.head, last_relu=True), params, inputs(config, features, x)).astype(last["bias"].dtype)
    flag = (hidden @ last["kernel"][:, 0] + last["bias"][0]).astype(jnp.float32)
    present = categorical.presence_log_prob(flag, x).sum(axis=-1)
    value = _present_values(hidden.reshape(-1, hidden.shape[-1]), last["kernel"][:, 1:], last["bias"][1:], x)
    return present + value.reshape(x.shape).sum(axis=-1)


def _present_values(hidden, kernel, bias, x) -> Float[Array, "all_pixels"]:
    """Computes log P(x | x > 0) in nats of each pixel of all images, and 0 where x = 0.

    Where few pixels are above 0, the distribution of up to 255 values is evaluated for these alone.
    """
    flat = x.reshape(-1)
    room = max(int(_SPARE_ROOM * flat.size), 1)

    def few(hidden):
        (place,) = jnp.nonzero(flat > 0, size=room, fill_value=flat.size)
        outputs = (hidden.at[place].get(mode="clip") @ kernel + bias).astype(jnp.float32)
        values = categorical.value_log_prob(outputs, flat.at[place].get(mode="clip"))
        return jnp.zeros(flat.size, values.dtype).at[place].set(values, mode="drop")

    def all_of_them(hidden):
        outputs = (hidden @ kernel + bias).astype(jnp.float32)
        return jnp.where(flat > 0, categorical.value_log_prob(outputs, flat), 0.0)

    return jax.lax.cond(jnp.sum(flat > 0) <= room, few, all_of_them, hidden)


def inputs(
    config: VAEConfig, features: Float[Array, "*batch pixels features"], x: Int[Array, "*batch pixels"]
) -> Float[Array, "*batch pixels inputs"]:
    """Collects the inputs of the head for every pixel.

    Args:
        config: The configuration of the VAE.
        features: The generative network's numbers for each pixel.
        x: Images with values 0 to levels - 1.

    Returns:
        The features of each pixel, then the inputs from its context (`context.float_inputs`).
    """
    seen = context.float_inputs(x, config.image_shape, config.context_radius, config.levels)
    return jnp.concatenate([features, seen], axis=-1)
