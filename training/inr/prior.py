"""Fits a prior for a rate: in turn, posteriors of training pictures, as an encoder does, and the prior to them.

The prior that is learned together with the shared parameters lags behind, as each picture is seen once in an epoch.
With the shared parameters held fixed, the closed-form prior and the posteriors settle in a few rounds. So one network
serves many rates: each weight of the squared error has a prior, and divergences of latents, of its own.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt8

from recjax.models.inr import fit as inr_fit
from recjax.models.inr import weight_posterior
from recjax.models.inr.fit import Fit
from recjax.models.inr.network import INRShape, Shared
from recjax.models.inr.weight_posterior import Gaussian, Posterior
from recjax.numerics import LOG2
from training.inr.epoch import fresh_fit


class Settled(NamedTuple):
    """A prior that was fitted to pictures.

    Attributes:
        prior: The prior, with means and scales [variable] for each level.
        posterior: The posteriors of the pictures in units of the prior, [picture, square, variable] for each level.
        psnr: The PSNR in dB of pictures drawn from the posteriors.
        bits_per_pixel: The KL divergence in bits per pixel.
        weight: The weight of the squared error that they were fitted with, in nats.
    """

    prior: Gaussian
    posterior: Posterior
    psnr: float
    bits_per_pixel: float
    weight: float


@partial(jax.jit, static_argnames=("shape", "spans"), donate_argnames=("fit",))
def _steps(shape, spans, shared: Shared, prior: Gaussian, fit: Fit, pictures, weight, key, count):
    """Fits the posteriors of pictures by `count` steps.

    Returns the fit, and the squared error and the KL divergence (nats) of the last draw, summed over the pictures.
    """
    tall, wide = pictures.shape[1] // shape.height, pictures.shape[2] // shape.width
    pixels = inr_fit.pixels_of(shape, pictures)

    def loss(posterior, key):
        units = weight_posterior.sample(posterior, key)
        errors = inr_fit.squared_errors(shape, spans, shared, prior, units, pixels, tall, wide).sum()
        nats = sum(x.sum() for x in weight_posterior.kl_nats(posterior))
        return weight * errors + nats, (errors, nats)

    def step(number, carry):
        gradient, facts = jax.grad(loss, has_aux=True)(carry[0].posterior, jax.random.fold_in(key, number))
        return inr_fit.adam(carry[0], gradient), facts

    zero = jnp.float32(0)
    return jax.lax.fori_loop(0, count, step, (fit, (zero, zero)))


def settle(
    shape: INRShape,
    spans: tuple[int, ...],
    shared: Shared,
    prior: Gaussian,
    pictures: UInt8[np.ndarray, "picture y x channel"],
    weight: float,
    *,
    bits_per_pixel: float | None = None,
    first_steps: int = 400,
    steps: int = 150,
    rounds: int = 3,
    batch_size: int = 64,
    report: Callable[[int, Settled], None] = lambda number, settled: None,
) -> Settled:
    """Fits a prior to pictures, starting from another prior.

    Args:
        shape: The shape of the network.
        spans: The patches per side of a square, for each level; the last is 1.
        shared: The parameters that pictures share, which stay fixed.
        prior: The prior to start from.
        pictures: The pictures, uint8 [picture, height, width, channel].
        weight: The weight of the squared error, in nats.
        bits_per_pixel: The rate that the weight is changed towards after each round; None keeps the weight.
        first_steps: The number of steps of the first round.
        steps: The number of steps of each further round.
        rounds: The number of rounds, at least 1.
        batch_size: The number of pictures that are fitted at a time.
        report: A function that gets the number of each round, from 0 on, and its result.

    Returns:
        The result of the last round.
    """
    tall, wide = pictures.shape[1] // shape.height, pictures.shape[2] // shape.width
    parts = [pictures[k : k + batch_size] for k in range(0, len(pictures), batch_size)]
    fits = [fresh_fit(shape, spans, len(part), tall, wide) for part in parts]
    size = pictures.shape[1] * pictures.shape[2] * len(pictures)
    settled = None
    for number in range(rounds):
        facts = []
        for k, part in enumerate(parts):
            key = jax.random.fold_in(jax.random.key(number), k)
            count = jnp.int32(steps if number else first_steps)
            fits[k], own = _steps(
                shape, spans, shared, prior, fits[k], jnp.asarray(part), jnp.float32(weight), key, count
            )
            facts.append(own)
        error, nats = np.sum(np.asarray(facts, np.float64), axis=0)
        whole = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *[fit.posterior for fit in fits])
        prior, posterior = weight_posterior.fit_prior(prior, whole)
        psnr = float(-10 * np.log10(error / (size * shape.channels)))
        settled = Settled(prior, posterior, psnr, float(nats / LOG2 / size), weight)
        if bits_per_pixel is not None:
            weight *= (bits_per_pixel / settled.bits_per_pixel) ** inr_fit.WEIGHT_POWER
        starts = np.cumsum([0, *map(len, parts)])
        fits = [
            Fit(jax.tree.map(lambda leaf, a=a, b=b: leaf[a:b], posterior), *fit[1:])
            for fit, a, b in zip(fits, starts[:-1], starts[1:], strict=True)
        ]
        report(number, settled)
    assert settled is not None
    return settled
