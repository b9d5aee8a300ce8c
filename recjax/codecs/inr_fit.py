"""Fitting posteriors of the variables of implicit neural representations to images, many images at once.

The objective of an image is weight * squared error + sum of (price of a variable) * KL[q || prior], in nats: minus an
evidence lower bound of pixels with variance 1 / (2 weight), where prices are 1.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt8

from recjax.models import inr, weight_posterior
from recjax.models.inr import INRShape, Shared
from recjax.models.weight_posterior import Gaussian, Posterior

LEARNING_RATE = 0.02
"""Of means and logarithms of scales, in units of the prior."""

FIRST_LOG_SCALE = -2.0

_DECAYS = (0.9, 0.99)
_TINY = 1e-8


class Fit(NamedTuple):
    """Posteriors of images, and the moments of their gradients (Adam, arXiv:1412.6980). steps: taken so far."""

    posterior: Posterior
    first: Posterior
    second: Posterior
    steps: Any


def start(shape: INRShape, count: int) -> Fit:
    """Posteriors of so many fresh images, arrays [image, variable]."""
    q = weight_posterior.fresh(jnp.zeros((count, shape.variables)), FIRST_LOG_SCALE)
    return Fit(q, jax.tree.map(jnp.zeros_like, q), jax.tree.map(jnp.zeros_like, q), jnp.int32(0))


def pixels_of(images: UInt8[Array, "image height width channel"]) -> Float[Array, "image channel pixel"]:
    """Values 0 to 1."""
    channels = jnp.moveaxis(images, -1, 1)
    return channels.reshape(*channels.shape[:2], -1).astype(jnp.float32) / 255.0


def objective(
    shape: INRShape,
    shared: Shared,
    prior: Gaussian,
    q: Posterior,
    pixels: Float[Array, "image channel pixel"],
    weight: Float[Array, ""],
    prices: Any,
    key: Array,
) -> tuple[Float[Array, ""], tuple[Float[Array, "image"], Float[Array, "image"]]]:
    """The sum over images at one draw of the variables; and squared error and KL divergence (nats) of each image."""
    draws = weight_posterior.to_variables(prior, weight_posterior.sample(q, key))
    errors = squared_errors(shape, shared, draws, pixels)
    divergences = weight_posterior.kl_nats(q)
    return weight * errors.sum() + jnp.sum(prices * divergences), (errors, divergences.sum(axis=1))


def squared_errors(
    shape: INRShape, shared: Shared, variables: Float[Array, "image variable"], pixels: Float[Array, "image channel pixel"]
) -> Float[Array, "image"]:
    """Of images whose pixels are 0 to 1."""
    return jnp.square(inr.render(shape, shared, inr.split(shape, variables)) - pixels).sum(axis=(1, 2))


def adam(fit: Fit, gradient: Posterior, learning_rate: Float[Array, ""] | float) -> Fit:
    """One step down the gradient."""
    steps = fit.steps + 1
    first = jax.tree.map(lambda m, g: _DECAYS[0] * m + (1 - _DECAYS[0]) * g, fit.first, gradient)
    second = jax.tree.map(lambda v, g: _DECAYS[1] * v + (1 - _DECAYS[1]) * g * g, fit.second, gradient)
    shrink = [1 - decay**steps for decay in _DECAYS]

    def move(x, m, v):
        return x - learning_rate * (m / shrink[0]) / (jnp.sqrt(v / shrink[1]) + _TINY)

    return Fit(jax.tree.map(move, fit.posterior, first, second), first, second, steps)
