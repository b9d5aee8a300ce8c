"""Learning the model of implicit neural representations: shared maps and upsampler, and the prior of all latents.

Empirical Bayes, as RECOMBINER has it (arXiv:2309.17182): every training picture has a posterior of its own; posteriors
and what pictures share go down the gradient of the objective of `recjax.codecs.inr_fit`, and after each epoch the prior
becomes the best one for the posteriors, in closed form, and the weight of the squared error is corrected towards a
budget of bits per pixel.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from recjax.codecs import inr_fit
from recjax.codecs.inr_fit import Fit
from recjax.models import inr, weight_posterior
from recjax.models.inr import INRShape, Shared
from recjax.models.weight_posterior import Gaussian
from recjax.numerics import LOG2


@dataclass(frozen=True)
class INRTraining:
    """How the model is learned.

    bits_per_pixel: the mean KL divergence that training steers to. epochs: passes over the pictures. batch_size:
    pictures of a step. learning_rate: of maps and upsampler, falling to 0 by a cosine. warmup_epochs: before the prior
    and the weight of the squared error are first corrected. spans: of the prior's levels (`recjax.models.levels`).
    """

    bits_per_pixel: float = 0.7
    epochs: int = 200
    batch_size: int = 64
    learning_rate: float = 2e-3
    warmup_epochs: int = 5
    first_weight: float = 100.0
    spans: tuple[int, ...] = (1,)
    seed: int = 0


class State(NamedTuple):
    """Of the training: what is learned, the optimiser of what is shared, and the weight of the squared error.

    prior: means and scales [variable] of each level. fit: posteriors of all pictures.
    """

    shared: Shared
    optimiser: Any
    prior: Gaussian
    fit: Fit
    weight: Any


def start(
    shape: INRShape, config: INRTraining, count: int, tall: int, wide: int, optimiser: optax.GradientTransformation
) -> State:
    """Fresh weights, a standard normal prior, and posteriors of `count` pictures of tall x wide patches."""
    shared = inr.init(shape, jax.random.key(config.seed))
    share = 1.0 / np.sqrt(len(config.spans))
    zeros, scales = (tuple(jnp.full(shape.variables, x) for _ in config.spans) for x in (0.0, share))
    fit = inr_fit.start(shape, config.spans, count, tall, wide)
    return State(shared, optimiser.init(shared), Gaussian(zeros, scales), fit, jnp.float32(config.first_weight))


@partial(jax.jit, static_argnames=("shape", "spans", "optimiser"), donate_argnames=("state",))
def epoch(shape, spans, optimiser, state: State, pictures, order, key) -> tuple[State, tuple[Any, Any]]:
    """One pass over the pictures, in batches [batch, picture] of their numbers; mean squared error and KL (nats)."""
    tall, wide = pictures.shape[1] // shape.height, pictures.shape[2] // shape.width

    def step(carry, rows):
        shared, moments, fit, key = carry
        key, own = jax.random.split(key)
        part = Fit(*jax.tree.map(lambda x: x[rows], fit[:3]), fit.steps)
        pixels = inr_fit.pixels_of(shape, pictures[rows])

        def loss(posterior, shared):
            units = weight_posterior.sample(posterior, own)
            errors = inr_fit.squared_errors(shape, spans, shared, state.prior, units, pixels, tall, wide).sum()
            nats = sum(x.sum() for x in weight_posterior.kl_nats(posterior))
            return state.weight * errors + nats, (errors / len(rows), nats / len(rows))

        (_, facts), (down, slopes) = jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)(part.posterior, shared)
        part = inr_fit.adam(part, down)
        written = jax.tree.map(lambda whole, new: whole.at[rows].set(new), fit[:3], part[:3])
        slopes = jax.tree.map(lambda g: g / (len(rows) * state.weight), slopes)
        updates, moments = optimiser.update(slopes, moments, shared)
        return (optax.apply_updates(shared, updates), moments, Fit(*written, fit.steps), key), facts

    carry = (state.shared, state.optimiser, state.fit, key)
    (shared, moments, fit, _), facts = jax.lax.scan(step, carry, order)
    fit = fit._replace(steps=fit.steps + 1)
    return State(shared, moments, state.prior, fit, state.weight), jax.tree.map(jnp.mean, facts)


@partial(jax.jit, static_argnames=("budget_nats",), donate_argnames=("state",))
def refine(state: State, kl_nats, budget_nats: float) -> State:
    """The best prior for the posteriors, and a weight nearer to the budget."""
    prior, posterior = weight_posterior.fit_prior(state.prior, state.fit.posterior)
    ratio = jnp.clip(budget_nats / kl_nats, 0.8, 1.25)
    return state._replace(prior=prior, fit=state.fit._replace(posterior=posterior), weight=state.weight * ratio)


def train(
    shape: INRShape, pictures: np.ndarray, config: INRTraining, report: Callable[[int, float, float, float], None]
) -> State:
    """A trained model of pictures uint8 [picture, y, x, channel]; `report` hears epoch, PSNR, bits per pixel, weight."""
    count = len(pictures) // config.batch_size * config.batch_size
    tall, wide = pictures.shape[1] // shape.height, pictures.shape[2] // shape.width
    size = pictures.shape[1] * pictures.shape[2]
    steps = config.epochs * (count // config.batch_size)
    optimiser = optax.adam(optax.cosine_decay_schedule(config.learning_rate, steps))
    state, pictures = start(shape, config, count, tall, wide, optimiser), jnp.asarray(pictures[:count])
    rng, budget = np.random.default_rng(config.seed), config.bits_per_pixel * size
    for number in range(config.epochs):
        order = jnp.asarray(rng.permutation(count).reshape(-1, config.batch_size).astype(np.int32))
        key = jax.random.key(config.seed * 100_003 + number + 1)
        state, (error, nats) = epoch(shape, config.spans, optimiser, state, pictures, order, key)
        if number >= config.warmup_epochs:
            state = refine(state, nats, budget * LOG2)
        mse = float(error) / (shape.channels * size)
        report(number, -10 * np.log10(mse), float(nats) / LOG2 / size, float(state.weight))
    return state
