"""Steps of training representations: of posteriors and shared parameters together, and of the prior after them."""

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
    """The state of training.

    Attributes:
        shared: The parameters that pictures share.
        optimiser: The state of their optimiser.
        prior: The prior, with means and scales [variable] for each level.
        fit: The posteriors of all pictures in units of the prior, and the moments of their optimiser.
        weight: The weight of the squared error in the objective, in nats; a float32 scalar.
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
    """Makes the state before the first epoch: fresh weights, a prior that is standard normal in sum, and posteriors.

    Args:
        shape: The shape of the network.
        spans: The patches per side of a square, for each level; the last is 1.
        count: The number of pictures.
        tall: The height of a picture in patches.
        wide: The width of a picture in patches.
        optimiser: The optimiser of the shared parameters.
        weight: The weight of the squared error, in nats.
        seed: The seed of the weights.

    Returns:
        The state.
    """
    shared = inr.init(shape, jax.random.key(seed))
    share = 1.0 / np.sqrt(len(spans))
    zeros, scales = (tuple(jnp.full(shape.variables, x) for _ in spans) for x in (0.0, share))
    fit = fresh_fit(shape, spans, count, tall, wide)
    return State(shared, optimiser.init(shared), Gaussian(zeros, scales), fit, jnp.float32(weight))


def fresh_fit(shape: INRShape, spans: tuple[int, ...], count: int, tall: int, wide: int) -> Fit:
    """Makes fresh posteriors of pictures, on the device.

    Args:
        shape: The shape of the network.
        spans: The patches per side of a square, for each level; the last is 1.
        count: The number of pictures.
        tall: The height of a picture in patches.
        wide: The width of a picture in patches.

    Returns:
        Posteriors [picture, square, variable] for each level, with fresh moments of their optimiser.
    """
    fit = inr_fit.fresh(shape, [(count, levels.count(span, tall, wide)) for span in spans])
    # Copies, since every leaf must have a buffer of its own to be donated.
    return jax.tree.map(jnp.array, fit)


@partial(jax.jit, static_argnames=("shape", "spans", "optimiser", "mesh"), donate_argnames=("state",))
def epoch(shape, spans, optimiser, mesh: Mesh, state: State, pictures, order, key, rate) -> tuple[State, Any]:
    """Passes over all pictures once, in batches.

    Args:
        shape: The shape of the network.
        spans: The patches per side of a square, for each level; the last is 1.
        optimiser: The optimiser of the shared parameters.
        mesh: The devices that share every batch.
        state: The state before the pass; its buffers are reused.
        pictures: All pictures, uint8 [picture, height, width, channel].
        order: The numbers of the pictures of each batch, int [batch, picture].
        key: The random key of the draws from posteriors.
        rate: The learning rate of the posteriors.

    Returns:
        The state after the pass, and the squared error and the KL divergence in nats per picture, averaged over the
        pass.
    """
    tall, wide = pictures.shape[1] // shape.height, pictures.shape[2] // shape.width

    def objective(posterior, shared, drawn, pixels):
        units = weight_posterior.draw(posterior, drawn)
        errors = inr_fit.squared_errors(shape, spans, shared, state.prior, units, pixels, tall, wide).sum()
        nats = sum(x.sum() for x in weight_posterior.kl_nats(posterior))
        return state.weight * errors + nats, (errors, nats)

    # Every device has pictures of its own; the gradients of what they share are summed over devices.
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
    """Fits the prior to the posteriors, in closed form.

    Args:
        state: The state; its buffers are reused.

    Returns:
        The state with the best prior, and the posteriors in its units.
    """
    prior, posterior = weight_posterior.fit_prior(state.prior, state.fit.posterior)
    return state._replace(prior=prior, fit=state.fit._replace(posterior=posterior))


def turn(shape: INRShape, optimiser: optax.GradientTransformation, state: State) -> State:
    """Rotates the latents of a model to their principal axes.

    The moments of both optimisers start anew, at the learning rates that had been reached.

    Args:
        shape: The shape of the network.
        optimiser: The optimiser of the shared parameters.
        state: The state.

    Returns:
        The same model and posteriors in the new axes.
    """
    shared, prior, posterior = inr_basis.concentrate(shape, state.shared, state.prior, state.fit.posterior)
    fresh: Any = optimiser.init(shared)
    first, second = (jax.tree.map(jnp.zeros_like, posterior) for _ in range(2))
    fit = Fit(posterior, first, second, jnp.int32(0))
    return State(shared, (fresh[0], *state.optimiser[1:]), prior, fit, state.weight)
