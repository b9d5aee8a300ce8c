"""Fitting posteriors of the latents of implicit neural representations to pictures, many at once.

The objective of a picture is weight * squared error + sum of (price of a latent) * KL[q || prior], in nats: minus an
evidence lower bound of pixels with variance 1 / (2 weight), where prices are 1.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8

from recjax.models.inr import hierarchy as levels
from recjax.models.inr import mosaic, weight_posterior
from recjax.models.inr import network as inr
from recjax.models.inr.mosaic import Mosaic
from recjax.models.inr.network import INRShape, Shared
from recjax.models.inr.weight_posterior import Gaussian, Posterior

LEARNING_RATE = 0.02
"""Of means and logarithms of scales, in units of the prior."""

FIRST_LOG_SCALE = -4.0

WEIGHT_POWER = 2.0
"""Along a curve of rate and distortion the weight of the squared error grows as about this power of the rate."""

_DECAYS = (0.9, 0.99)
_TINY = 1e-8


class Fit(NamedTuple):
    """Posteriors of pictures, and the moments of their gradients (Adam, arXiv:1412.6980). steps: taken so far."""

    posterior: Posterior
    first: Posterior
    second: Posterior
    steps: Any


def fresh(shape: INRShape, squares: Sequence[tuple[int, ...]]) -> Fit:
    """Makes posteriors that nothing was learned of, from the shape of each level's squares: arrays of the host."""
    nothing = tuple(np.zeros((*of_level, shape.variables), np.float32) for of_level in squares)
    q = Posterior(nothing, tuple(np.full_like(x, FIRST_LOG_SCALE) for x in nothing))
    return Fit(q, Posterior(nothing, nothing), Posterior(nothing, nothing), np.int32(0))


def part(fit: Fit, first: int, stop: int) -> Fit:
    """Of pictures first to stop - 1; arrays of the host, as in all that changes shapes of fits."""
    return each(lambda leaf: leaf[first:stop], fit)


def join(fits: Sequence[Fit]) -> Fit:
    """Of pictures of several fits of as many steps, one after another."""
    return each(lambda *leaves: np.concatenate(leaves), *fits)


def each(function: Callable[..., np.ndarray], *fits: Fit) -> Fit:
    """Fits with a function of their arrays, but for the steps."""
    arrays = (jax.tree.map(np.asarray, fit._replace(steps=None)) for fit in fits)
    return jax.tree.map(function, *arrays)._replace(steps=fits[0].steps)


def pixels_of(shape: INRShape, pictures: UInt8[Array | np.ndarray, "picture y x channel"]) -> Any:
    """Patches of pictures [patch, channel, pixel], with values 0 to 1. NumPy or JAX arrays."""
    return inr.to_patches(shape, pictures).astype(np.float32) / np.float32(255)


def squared_errors(
    shape: INRShape,
    spans: tuple[int, ...],
    shared: Shared,
    prior: Gaussian,
    units: tuple[Any, ...],
    pixels: Float[Array, "patch channel pixel"],
    tall: int,
    wide: int,
) -> Float[Array, "picture"]:
    """Of pictures whose pixels are 0 to 1, when the latents of each level [picture, square, variable] are `units`."""
    pictures = len(units[0])
    flat = tuple(x.reshape(-1, x.shape[-1]) for x in units)
    errors = patch_errors(shape, shared, prior, flat, pixels, mosaic.make(spans, pictures, tall, wide))
    return errors.reshape(pictures, -1).sum(axis=1)


def patch_errors(
    shape: INRShape,
    shared: Shared,
    prior: Gaussian,
    units: tuple[Any, ...],
    pixels: Float[Array, "patch channel pixel"],
    whole: Mosaic,
) -> Float[Array, "patch"]:
    """`squared_errors` of patches, when the latents of each level [square, variable] are `units`."""
    variables = levels.summed(weight_posterior.to_variables(prior, units), whole.squares)
    return inr.squared_errors(shape, shared, variables, pixels, whole)


def adam(fit: Fit, gradient: Posterior, learning_rate: Float[Array, ""] | float = LEARNING_RATE) -> Fit:
    """One step down the gradient."""
    steps = fit.steps + 1
    first = jax.tree.map(lambda m, g: _DECAYS[0] * m + (1 - _DECAYS[0]) * g, fit.first, gradient)
    second = jax.tree.map(lambda v, g: _DECAYS[1] * v + (1 - _DECAYS[1]) * g * g, fit.second, gradient)
    shrink = [1 - decay**steps for decay in _DECAYS]

    def move(x, m, v):
        return x - learning_rate * (m / shrink[0]) / (jnp.sqrt(v / shrink[1]) + _TINY)

    return Fit(jax.tree.map(move, fit.posterior, first, second), first, second, steps)
