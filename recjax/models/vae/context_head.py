"""The head of a VAE whose pixels see a context: from the features and the decoded neighbours of a pixel to its law.

A latent says what an image is about, and its neighbours say what a pixel is likely to be: with both, a small network
models grey values far better than either (PixelVAE, Gulrajani et al., arXiv:1611.05013, on a window of a few pixels).
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
"""Share of the pixels for which the laws of values above 0 are evaluated together, if no more of them are above 0."""


def network(config: VAEConfig) -> MLP:
    """Features and context of a pixel -> parameters of its likelihood."""
    return MLP((*config.head, config.make_likelihood().num_parameters))


def init(config: VAEConfig, key: Array) -> Params:
    """Fresh parameters."""
    width = config.features + context.num_inputs(config.context_radius)
    return dict(network(config).init(key, jnp.zeros((1, width)))["params"])


def parameters(
    config: VAEConfig,
    params: Params,
    features: Float[Array, "*batch pixels features"],
    x: Int[Array, "*batch pixels"],
) -> Float[Array, "*batch pixels parameters"]:
    """Parameters of the likelihood of every pixel, in nats."""
    return mlp.apply(network(config), params, inputs(config, features, x))


def log_likelihood(
    config: VAEConfig,
    params: Params,
    features: Float[Array, "*batch pixels features"],
    x: Int[Array, "*batch pixels"],
) -> Float[Array, "*batch"]:
    """log p(x | z) of images in nats."""
    if config.likelihood != "categorical":
        return config.make_likelihood().log_prob(parameters(config, params, features, x), x).sum(axis=-1)
    last = params[f"layer_{len(config.head)}"]
    # In the precision of the weights, as far as to the law itself.
    hidden = mlp.apply(MLP(config.head, last_relu=True), params, inputs(config, features, x)).astype(last["bias"].dtype)
    flag = (hidden @ last["kernel"][:, 0] + last["bias"][0]).astype(jnp.float32)
    present = categorical.presence_log_prob(flag, x).sum(axis=-1)
    value = _present_values(hidden.reshape(-1, hidden.shape[-1]), last["kernel"][:, 1:], last["bias"][1:], x)
    return present + value.reshape(x.shape).sum(axis=-1)


def _present_values(hidden, kernel, bias, x) -> Float[Array, "all_pixels"]:
    """log P(x | x > 0) of each pixel of all images, 0 where x = 0: a law of 255 values for a fifth of the pixels."""
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
    """What the head is told of every pixel."""
    seen = context.float_inputs(x, config.image_shape, config.context_radius, config.levels)
    return jnp.concatenate([features, seen], axis=-1)
