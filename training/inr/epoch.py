"""Steps of learning representations: posteriors of all pictures, what pictures share, and the prior, in turn."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh, PartitionSpec

from recjax.models.inr import fit as inr_fit
from recjax.models.inr import hierarchy as levels
from recjax.models.inr import network as inr
from recjax.models.inr import weight_posterior
from recjax.models.inr.fit import Fit
from recjax.models.inr.network import INRShape, Shared
from recjax.models.inr.weight_posterior import Gaussian
from training.inr import basis as inr_basis
from training.vae.epochs import BATCH_AXIS

_OWN, _ALL = PartitionSpec(BATCH_AXIS), PartitionSpec()


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
    shape: INRShape,
    spans: tuple[int, ...],
    count: int,
    tall: int,
    wide: int,
    optimiser: optax.GradientTransformation,
    weight: float,
    seed: int,
) -> State:
    """Fresh weights, a standard normal prior, and posteriors of `count` pictures of tall x wide patches."""
    shared = inr.init(shape, jax.random.key(seed))
    share = 1.0 / np.sqrt(len(spans))
    zeros, scales = (tuple(jnp.full(shape.variables, x) for _ in spans) for x in (0.0, share))
    fit = fresh_fit(shape, spans, count, tall, wide)
    return State(shared, optimiser.init(shared), Gaussian(zeros, scales), fit, jnp.float32(weight))


def fresh_fit(shape: INRShape, spans: tuple[int, ...], count: int, tall: int, wide: int) -> Fit:
    """Makes posteriors [picture, square, variable] of `count` pictures of tall x wide patches, on the device."""
    fit = inr_fit.fresh(shape, [(count, levels.count(span, tall, wide)) for span in spans])
    # Copies, each of which may be donated.
    return jax.tree.map(jnp.array, fit)


@partial(jax.jit, static_argnames=("shape", "spans", "optimiser", "mesh"), donate_argnames=("state",))
def epoch(shape, spans, optimiser, mesh: Mesh, state: State, pictures, order, key, rate) -> tuple[State, Any]:
    """One pass over the pictures, in batches [batch, picture] of their numbers; mean squared error and KL (nats)."""
    tall, wide = pictures.shape[1] // shape.height, pictures.shape[2] // shape.width

    def objective(posterior, shared, drawn, pixels):
        units = weight_posterior.draw(posterior, drawn)
        errors = inr_fit.squared_errors(shape, spans, shared, state.prior, units, pixels, tall, wide).sum()
        nats = sum(x.sum() for x in weight_posterior.kl_nats(posterior))
        return state.weight * errors + nats, (errors, nats)

    # Every device has pictures of its own; what they share goes down the sum of all slopes.
    @partial(jax.shard_map, mesh=mesh, in_specs=(_OWN, _ALL, _OWN, _OWN), out_specs=(_OWN, _ALL), check_vma=False)
    def slopes_of(posterior, shared, drawn, pixels):
        gradient = jax.grad(objective, argnums=(0, 1), has_aux=True)
        (down, slopes), facts = gradient(posterior, shared, drawn, pixels)
        return down, jax.lax.psum((slopes, facts), BATCH_AXIS)

    def step(carry, rows):
        shared, moments, fit, key = carry
        key, own = jax.random.split(key)
        part = jax.tree.map(lambda x: x[rows], fit._replace(steps=None))._replace(steps=fit.steps)
        drawn = weight_posterior.noise(part.posterior.mean, own)
        pixels = inr_fit.pixels_of(shape, pictures[rows])
        down, (slopes, facts) = slopes_of(part.posterior, shared, drawn, pixels)
        part = inr_fit.adam(part, down, rate)
        moved = part._replace(steps=None)
        written = jax.tree.map(lambda whole, new: whole.at[rows].set(new), fit._replace(steps=None), moved)
        slopes = jax.tree.map(lambda g: g / (len(rows) * state.weight), slopes)
        updates, moments = optimiser.update(slopes, moments, shared)
        learned: Any = optax.apply_updates(shared, updates)
        return (learned, moments, written._replace(steps=fit.steps), key), facts

    carry = (state.shared, state.optimiser, state.fit, key)
    (shared, moments, fit, _), facts = jax.lax.scan(step, carry, order)
    fit = fit._replace(steps=fit.steps + 1)
    return State(shared, moments, state.prior, fit, state.weight), jax.tree.map(lambda x: x.sum() / order.size, facts)


@partial(jax.jit, donate_argnames=("state",))
def refine(state: State) -> State:
    """The best prior for the posteriors, and these in its units."""
    prior, posterior = weight_posterior.fit_prior(state.prior, state.fit.posterior)
    return state._replace(prior=prior, fit=state.fit._replace(posterior=posterior))


def turn(shape: INRShape, optimiser: optax.GradientTransformation, state: State) -> State:
    """The same model in the principal axes of its latents, where both optimisers start anew at the learning rates that
    they had come to."""
    shared, prior, posterior = inr_basis.concentrate(shape, state.shared, state.prior, state.fit.posterior)
    fresh: Any = optimiser.init(shared)
    first, second = (jax.tree.map(jnp.zeros_like, posterior) for _ in range(2))
    fit = Fit(posterior, first, second, jnp.int32(0))
    return State(shared, (fresh[0], *state.optimiser[1:]), prior, fit, state.weight)
