"""Sending the latents of representations block by block: after each, the posteriors of the rest are fitted anew.

A sample differs from the mean of its posterior, and what is still to be sent can make up for it (as in RECOMBINER,
arXiv:2309.17182). All images of a batch go through the same rounds together; in each, an image sends the block that has
most to say, so the order of blocks is its own, and a decoder need not know it.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt32

from recjax import randomness, rec
from recjax.codecs import inr_fit
from recjax.codecs.inr_fit import Fit
from recjax.codecs.plan import Plan
from recjax.distributions.normal import Normal
from recjax.models import weight_posterior
from recjax.models.weight_posterior import Posterior
from recjax.numerics import LOG2
from recjax.rec import engine

PRICE_STEP = 1.05
"""A block's price of information changes by this factor when its KL divergence is to change."""

PRICE_STEPS = 10
"""Steps between changes of prices."""

SLACK_BITS = 0.4
"""A block's KL divergence is held between its limit less this and the limit."""


class Sending(NamedTuple):
    """Images on their way: posteriors, what was sent of them, and what information costs.

    fit: of the variables, [image, latent]. sent: which latents were. units: their values, in units of the prior.
    prices: of a bit of each block's divergence, beside 1 for what the objective has. index, interval, words: the codes
    of blocks, as far as they were sent.
    """

    fit: Fit
    sent: Bool[Array, "image latent"]
    units: Float[Array, "image latent"]
    prices: Float[Array, "image block"]
    index: UInt32[Array, "image block"]
    interval: UInt32[Array, "image block dim"]
    words: UInt32[Array, "image block dim"]


class Limits(NamedTuple):
    """What a search can carry. most_bits: of KL divergence in a block. least_price: 0 lets a block fill its limit, as a
    code of fixed length should; 1 never sends what is not worth its bits."""

    most_bits: Float[Array, "block"]
    least_price: Float[Array, ""]


def start(plan: Plan, fit: Fit) -> Sending:
    """Nothing is sent."""
    images, latents = fit.posterior.mean.shape
    blocks, dim = plan.shape
    empty = jnp.zeros((images, blocks, dim), jnp.uint32)
    return Sending(
        fit,
        jnp.zeros((images, latents), bool),
        jnp.zeros((images, latents)),
        jnp.ones((images, blocks)),
        jnp.zeros((images, blocks), jnp.uint32),
        empty,
        empty,
    )


def block_bits(plan: Plan, sending: Sending) -> Float[Array, "image block"]:
    """KL divergence of each block; 0 of those that were sent."""
    bits = weight_posterior.kl_nats(sending.fit.posterior) / LOG2
    return plan.split(jnp.where(sending.sent, 0.0, bits), 0.0).sum(axis=-1)


@partial(jax.jit, static_argnames=("shape", "steps"))
def tune(shape, model, plan: Plan, limits: Limits, sending: Sending, pixels, key, steps: Int[Array, ""]) -> Sending:
    """Fit what was not sent to the images, and correct the prices on the way."""

    def loss(q: Posterior, prices, key):
        unsent = ~sending.sent
        u = jnp.where(unsent, weight_posterior.sample(q, key), sending.units)
        variables = weight_posterior.to_variables(model.prior, u)
        errors = inr_fit.squared_errors(shape, model.shared, variables, pixels)
        priced = jnp.where(unsent, plan.merge(jnp.broadcast_to(prices[..., None], (*prices.shape, plan.shape[1]))), 0.0)
        return model.weight * errors.sum() + jnp.sum(priced * weight_posterior.kl_nats(q))

    def step(number, carry):
        fit, prices = carry
        gradient = jax.grad(loss)(fit.posterior, prices, jax.random.fold_in(key, number))
        fit = inr_fit.adam(fit, gradient, inr_fit.LEARNING_RATE)
        bits = block_bits(plan, sending._replace(fit=fit))
        factor = jnp.where(bits > limits.most_bits, PRICE_STEP, jnp.where(bits < limits.most_bits - SLACK_BITS, 1 / PRICE_STEP, 1.0))
        changed = jnp.maximum(prices * factor, limits.least_price)
        return fit, jnp.where(number % PRICE_STEPS == PRICE_STEPS - 1, changed, prices)

    fit, prices = jax.lax.fori_loop(0, steps, step, (sending.fit, sending.prices))
    return sending._replace(fit=fit, prices=prices)


@jax.jit
def send(plan: Plan, key, private_key, sending: Sending) -> Sending:
    """Search for a sample of each image's block of the largest divergence, and send it."""
    left = ~plan.split(sending.sent, True).all(axis=-1)
    block = jnp.argmax(jnp.where(left, block_bits(plan, sending), -1.0), axis=1)
    rows = jnp.arange(len(block))
    mean = plan.split(sending.fit.posterior.mean, 0.0)[rows, block]
    scale = plan.split(jnp.exp(sending.fit.posterior.log_scale), 1.0)[rows, block]
    streams = rec.stream_keys(key, (1, plan.shape[0]), shared_axes=(0,))[0]
    bins = None if plan.bins is None else rec.Bins(plan.bins.intervals[block], plan.bins.capacity)
    own = randomness.fold_in(private_key, rows.astype(jnp.uint32))
    found = engine.encode_rows(plan.algorithm, streams[block], own, Normal(mean, scale), Normal(0.0, 1.0), bins)
    place = (rows, block)
    words = sending.words.at[place].set(found.words)
    here = plan.merge(jnp.broadcast_to((jnp.arange(plan.shape[0]) == block[:, None])[..., None], words.shape))
    samples = plan.merge(jnp.zeros(words.shape).at[place].set(found.sample))
    return sending._replace(
        sent=sending.sent | here,
        units=jnp.where(here, samples, sending.units),
        index=sending.index.at[place].set(found.code.index),
        interval=sending.interval.at[place].set(found.code.interval),
        words=words,
    )
