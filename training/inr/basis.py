"""Rotates the latents of implicit neural representations to principal axes, where few carry most information.

The maps and the upsampler are linear in the latents, so they can absorb the inverse rotation, and nothing else changes.
In the principal axes of the posterior means the factorised prior fits best, as no correlation costs bits. Few latents
then carry much information, instead of many that carry little: what intervals send need not be searched for
(arXiv:2405.12203).
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from recjax.models.inr import network as inr
from recjax.models.inr.network import Affine, INRShape, Shared
from recjax.models.inr.weight_posterior import Gaussian, Posterior


def concentrate(
    shape: INRShape, shared: Shared, prior: Gaussian, posterior: Posterior
) -> tuple[Shared, Gaussian, Posterior]:
    """Rotates a model and posteriors to the principal axes of the posterior means.

    The latent weights of each layer are rotated together, and so are the encodings, in the same way at all places of
    the grid. The rotated posteriors keep their variances but lose correlations.

    Args:
        shape: The shape of the network.
        shared: The parameters that pictures share.
        prior: The prior of the latents, with a mean and a scale for each level and variable.
        posterior: The posteriors of training pictures in units of the prior, for each level [picture, square,
            variable].

    Returns:
        The shared parameters, the prior and the posteriors in the new axes.
    """
    turns = _turns(shape, prior, posterior)
    maps = tuple(
        Affine(jnp.asarray(turn.T @ np.asarray(layer.kernel)), layer.bias)
        for turn, layer in zip(turns[:-1], shared.maps, strict=True)
    )
    first = shared.upsampler[0]
    kernel = np.einsum("ef,neo->nfo", turns[-1], np.asarray(first.kernel).reshape(9, shape.encodings, -1))
    upsampler = (Affine(jnp.asarray(kernel.reshape(first.kernel.shape)), first.bias), *shared.upsampler[1:])
    means, scales, units, log_scales = [], [], [], []
    for mean, scale, own, log_scale in zip(prior.mean, prior.scale, posterior.mean, posterior.log_scale, strict=True):
        turned_mean = _turn(shape, turns, np.asarray(mean))
        places = _turn(shape, turns, np.asarray(mean + scale * own)) - turned_mean
        variances = _turn(shape, [turn**2 for turn in turns], np.asarray((scale * jnp.exp(log_scale)) ** 2))
        # Scales in the new axes come from posterior means and variances, until the prior is fitted again.
        unit = np.sqrt(np.mean(places**2 + variances, axis=(0, 1)))
        means.append(jnp.asarray(turned_mean))
        scales.append(jnp.asarray(unit))
        units.append(jnp.asarray(places / unit))
        log_scales.append(jnp.asarray(0.5 * np.log(variances) - np.log(unit)))
    turned = Posterior(tuple(units), tuple(log_scales))
    return Shared(maps, upsampler), Gaussian(tuple(means), tuple(scales)), turned


def _turns(shape: INRShape, prior: Gaussian, posterior: Posterior) -> list[Float[np.ndarray, "size size"]]:
    """Computes the principal axes, as columns, of the latent weights of each layer and of the encodings."""
    covariances = [np.zeros((size, size)) for size in (*shape.latents, shape.encodings)]
    for scale, own in zip(prior.scale, posterior.mean, strict=True):
        values = np.asarray(scale * own, np.float64).reshape(-1, shape.variables)
        parts = inr.split(shape, values - values.mean(axis=0))
        for covariance, part in zip(
            covariances, (*parts.layers, parts.encoding.reshape(-1, shape.encodings)), strict=True
        ):
            covariance += part.T @ part / len(values)
    return [np.linalg.eigh(covariance)[1][:, ::-1].astype(np.float32) for covariance in covariances]


def _turn(shape: INRShape, turns: list[np.ndarray], x: np.ndarray) -> np.ndarray:
    """Computes the coordinates [..., variable] in the new axes."""
    parts = inr.split(shape, x)
    layers = [part @ turn for part, turn in zip(parts.layers, turns[:-1], strict=True)]
    encoding = (parts.encoding @ turns[-1]).reshape(*x.shape[:-1], -1)
    return np.concatenate([*layers, encoding], axis=-1)
