"""Trains with this package: an epoch of a VAE, or steps of fitting implicit representations to pictures."""

from functools import partial

import jax
import jax.numpy as jnp

from experiments.benchmarks.contenders import training_case as case
from experiments.benchmarks.task import Task
from recjax.models.inr import fit as inr_fit
from recjax.models.inr import network as inr
from recjax.models.inr import weight_posterior
from recjax.models.inr.network import INRShape
from recjax.models.inr.weight_posterior import Gaussian
from recjax.models.vae import network as vae
from training.inr.epoch import fresh_fit
from training.vae.config import TrainConfig
from training.vae.epochs import initial_state, make_mesh, make_optimiser, run_epochs


def prepare(name: str, size: int) -> Task:
    """Prepares training.

    Args:
        name: Likelihood of a VAE, or "inr" for implicit representations.
        size: Number of images or pictures.

    Returns:
        The code; its amount is the number of images, for "inr" times the number of steps.
    """
    return _inr(size) if name == "inr" else _vae(name, size)


def _vae(likelihood: str, count: int) -> Task:
    levels = 2 if likelihood == "bernoulli" else 256
    shape = vae.VAEConfig((28, 28), levels, case.LATENTS, case.HIDDEN, likelihood, case.DROPOUT)
    config = TrainConfig(
        batch_size=case.BATCH, learning_rate=case.LEARNING_RATE, weight_decay=case.WEIGHT_DECAY, average=case.AVERAGE
    )
    optimiser = make_optimiser(config, count // case.BATCH)
    epoch = jax.jit(partial(run_epochs, shape, config, optimiser, make_mesh(1), False), static_argnames="count")
    state, x = initial_state(shape, config, optimiser), jnp.asarray(case.images(levels, count))
    return Task({"train": (lambda: jax.block_until_ready(epoch(state, x, count=1)), count)})


def _inr(count: int) -> Task:
    shape = INRShape()
    shared = inr.init(shape, jax.random.key(0))
    prior = Gaussian((jnp.zeros(shape.variables),), (jnp.full(shape.variables, case.INR_PRIOR_SCALE),))
    pixels = inr_fit.pixels_of(shape, jnp.asarray(case.pictures(count)))

    def loss(q, key):
        units = weight_posterior.sample(q, key)
        errors = inr_fit.squared_errors(shape, (1,), shared, prior, units, pixels, 1, 1)
        return case.INR_WEIGHT * errors.sum() + sum(kl.sum() for kl in weight_posterior.kl_nats(q))

    @jax.jit
    def steps(fit):
        def step(number, fit):
            gradient = jax.grad(loss)(fit.posterior, jax.random.fold_in(jax.random.key(1), number))
            return inr_fit.adam(fit, gradient, case.INR_LEARNING_RATE)

        return jax.lax.fori_loop(0, case.INR_STEPS, step, fit)

    fit = fresh_fit(shape, (1,), count, 1, 1)
    return Task({"train": (lambda: jax.block_until_ready(steps(fit)), count * case.INR_STEPS)})
