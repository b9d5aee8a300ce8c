"""Fits posteriors of the latents of implicit neural representations to pictures, many at once.

The objective of a picture is weight * squared error + sum of (price of a latent) * KL[q || prior], in nats. Where
prices are 1, this is minus an evidence lower bound of pixels with variance 1 / (2 weight), up to a constant.
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
"""Learning rate of means and logs of scales, in units of the prior."""

FIRST_LOG_SCALE = -4.0
"""Log of the scales of a fresh posterior, in units of the prior."""

WEIGHT_POWER = 2.0
"""Along a curve of rate and distortion, the weight of the squared error grows as about this power of the rate."""

_DECAYS = (0.9, 0.99)
"""Decays of the first and second moments of gradients in Adam."""
_TINY = 1e-8


class Fit(NamedTuple):
    """Posteriors of pictures, and the moments of their gradients in Adam (arXiv:1412.6980).

    Attributes:
        posterior: Means and logs of scales, in units of the prior: an array [*, variable] for each level.
        first: First moments of the gradients, of the same structure.
        second: Second moments of the gradients, of the same structure.
        steps: Number of steps taken.
    """

    posterior: Posterior
    first: Posterior
    second: Posterior
    steps: Any


def fresh(shape: INRShape, squares: Sequence[tuple[int, ...]]) -> Fit:
    """Makes the posteriors from which fitting starts, with mean 0 and small scales.

    Args:
        shape: Sizes of the representations.
        squares: Shape of each level's squares, such as (pictures, squares).

    Returns:
        A fit of NumPy arrays after 0 steps.
    """
    nothing = tuple(np.zeros((*of_level, shape.variables), np.float32) for of_level in squares)
    q = Posterior(nothing, tuple(np.full_like(x, FIRST_LOG_SCALE) for x in nothing))
    return Fit(q, Posterior(nothing, nothing), Posterior(nothing, nothing), np.int32(0))


def part(fit: Fit, first: int, stop: int) -> Fit:
    """Takes the part of a fit that belongs to some pictures.

    Args:
        fit: A fit whose arrays have a leading axis of pictures.
        first: Number of the first picture.
        stop: Number after the last picture.

    Returns:
        A fit of NumPy arrays.
    """
    return each(lambda leaf: leaf[first:stop], fit)


def join(fits: Sequence[Fit]) -> Fit:
    """Joins the pictures of several fits, one fit after another.

    Args:
        fits: Fits after the same number of steps, whose arrays have a leading axis of pictures.

    Returns:
        A fit of NumPy arrays.
    """
    return each(lambda *leaves: np.concatenate(leaves), *fits)


def each(function: Callable[..., np.ndarray], *fits: Fit) -> Fit:
    """Applies a function to the arrays of fits, but not to the number of steps.

    Args:
        function: Takes one NumPy array of each fit and returns an array.
        *fits: Fits after the same number of steps.

    Returns:
        A fit of the arrays that the function returned.
    """
    arrays = (jax.tree.map(np.asarray, fit._replace(steps=None)) for fit in fits)
    return jax.tree.map(function, *arrays)._replace(steps=fits[0].steps)


def pixels_of(shape: INRShape, pictures: UInt8[Array | np.ndarray, "picture y x channel"]) -> Any:
    """Cuts pictures into patches with values from 0 to 1.

    Args:
        shape: Sizes of the representations.
        pictures: Pictures of whole patches, a NumPy or JAX array.

    Returns:
        Patches [patch, channel, pixel], row by row (float32).
    """
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
    """Computes the squared error of pictures for given latents.

    Args:
        shape: Sizes of the representations.
        spans: Span of each level, in patches (`recjax.models.inr.hierarchy`).
        shared: The network that all pictures share.
        prior: Means and scales of the latents, [variable] for each level.
        units: Latents of each level in units of the prior, [picture, square, variable].
        pixels: Patches with values from 0 to 1, as `pixels_of` returns them.
        tall: Rows of patches of a picture.
        wide: Columns of patches of a picture.

    Returns:
        The sum of squared errors over the pixels and channels of each picture.
    """
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
    """Computes the squared error of patches for given latents.

    Args:
        shape: Sizes of the representations.
        shared: The network that all pictures share.
        prior: Means and scales of the latents, [variable] for each level.
        units: Latents of each level in units of the prior, [square, variable].
        pixels: Patches with values from 0 to 1, as `pixels_of` returns them.
        whole: The patches, in the same order.

    Returns:
        The sum of squared errors over the pixels and channels of each patch, 0 for padding.
    """
    variables = levels.summed(weight_posterior.to_variables(prior, units), whole.squares)
    return inr.squared_errors(shape, shared, variables, pixels, whole)


def adam(fit: Fit, gradient: Posterior, learning_rate: Float[Array, ""] | float = LEARNING_RATE) -> Fit:
    """Takes one step of Adam (arXiv:1412.6980) down a gradient.

    Args:
        fit: Posteriors and moments.
        gradient: Gradient of the objective by means and logs of scales.
        learning_rate: Step size of means and logs of scales.

    Returns:
        The fit after the step.
    """
    steps = fit.steps + 1
    first = jax.tree.map(lambda m, g: _DECAYS[0] * m + (1 - _DECAYS[0]) * g, fit.first, gradient)
    second = jax.tree.map(lambda v, g: _DECAYS[1] * v + (1 - _DECAYS[1]) * g * g, fit.second, gradient)
    shrink = [1 - decay**steps for decay in _DECAYS]

    def move(x, m, v):
        return x - learning_rate * (m / shrink[0]) / (jnp.sqrt(v / shrink[1]) + _TINY)

    return Fit(jax.tree.map(move, fit.posterior, first, second), first, second, steps)
