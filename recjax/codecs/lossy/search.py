"""Sends the latents of pictures block by block, and fits the posteriors of the remaining ones anew after each block.

A sample differs from the mean of its posterior, and the latents that are still to be sent can make up for it (as in
RECOMBINER, arXiv:2309.17182). All squares of a level go through the same rounds together. In each round, a square sends
the block of the largest divergence, so that every square has its own order of blocks, which a decoder need not know.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from recjax import randomness, rec
from recjax.codecs.lossy.plan import CODE_BITS, Filling, Level
from recjax.distributions.normal import Normal
from recjax.models.inr import fit as inr_fit
from recjax.models.inr import weight_posterior
from recjax.models.inr.fit import Fit
from recjax.models.inr.model import Floats
from recjax.models.inr.mosaic import Mosaic
from recjax.models.inr.weight_posterior import Posterior
from recjax.numerics import LOG2
from recjax.rec import engine

STEPS_AT_ONCE = 10
"""Number of steps between changes of the prices and of the weight."""

PRICE_STEP = 1.05
"""Factor by which a block's price of information changes when its KL divergence is to change."""

WEIGHT_STEP = 1.1
"""Largest factor by which the weight of the squared error changes at once when a rate is steered to."""

SLACK_BITS = 0.4
"""A block that is to be filled is held between its limit less this number of bits and the limit."""


class SendingState(NamedTuple):
    """Holds pictures that are being sent.

    The arrays of each level have a leading axis of squares, picture by picture, and then padding.

    Attributes:
        fit: Posteriors of the latents, [square, variable] for each level.
        sent: For each level, whether a latent has been sent, or never will be, [square, variable].
        units: For each level, values of the latents that were sent, in units of the prior, [square, variable].
        prices: For each level, the factors of the KL divergences of blocks 0, 1, ... in the objective, at first 1;
            arrays [square, variable] too, as no level has more blocks than variables.
        weight: The weight of the squared error in the objective.
    """

    fit: Fit
    sent: tuple[Any, ...]
    units: tuple[Any, ...]
    prices: tuple[Any, ...]
    weight: Any


class SentLevel(NamedTuple):
    """Holds what was sent of a level.

    Attributes:
        index: Indices of the candidates, [square, block].
        interval: Intervals of the bins, [square, block, dim].
        words: Words of the samples, [square, block, dim].
    """

    index: Any
    interval: Any
    words: Any


class Limits(NamedTuple):
    """Holds the limits of what a search sends.

    Attributes:
        room_bits: KL divergence that a block may have beyond what its bins send, in bits.
        least_price: Lowest price of a bit. 0 lets blocks be filled to their limit, as suits a code of constant length;
            1 never sends what is not worth its bits.
        divergence_bits: KL divergence of all pictures together, in bits, to which the weight is steered; 0 keeps the
            weight. (Codelengths cannot be steered to: they follow the divergence down to what the bins take, which no
            weight changes.)
    """

    room_bits: Float[Array, ""] | float
    least_price: Float[Array, ""] | float
    divergence_bits: Float[Array, ""] | float


def start(levels: tuple[Level, ...], fit: Fit, squares: tuple[int, ...], weight: float) -> SendingState:
    """Makes the state in which nothing is sent.

    Args:
        levels: How the latents of each level are sent.
        fit: Posteriors to start from, [square, variable] for each level.
        squares: Number of squares of each level without padding. Latents of padding are marked as sent.
        weight: The weight of the squared error.

    Returns:
        The state.
    """
    sent = []
    for level, mean, count in zip(levels, fit.posterior.mean, squares, strict=True):
        never = np.ones(mean.shape, bool)
        never[:count, level.latents] = False
        sent.append(never)
    units, prices = (tuple(np.full(never.shape, x, np.float32) for never in sent) for x in (0, 1))
    return SendingState(fit, tuple(sent), units, prices, np.float32(weight))


def nothing_found(level: Level, sent: Any) -> SentLevel:
    """Makes the result of a level of which nothing is sent yet.

    Args:
        level: How the latents of the level are sent.
        sent: An array with an axis of squares in front.

    Returns:
        A result of zeros.
    """
    empty = np.zeros((len(sent), *level.plan.shape), np.uint32)
    return SentLevel(empty[..., 0], empty, empty)


@jax.jit
def block_bits(sending: SendingState, fillings: tuple[Filling, ...]) -> tuple[Float[Array, "square variable"], ...]:
    """Computes the KL divergence of each block.

    Args:
        sending: The state.
        fillings: The blocks of each level.

    Returns:
        For each level, the divergences of blocks 0, 1, ... in bits, 0 for those that were sent, and then zeros.
    """
    return tuple(_bits_of(sending, number, filling) for number, filling in enumerate(fillings))


def _bits_of(sending: SendingState, number: int, filling: Filling) -> Float[Array, "square variable"]:
    """Computes the divergences of the blocks of one level, in bits."""
    mean, log_scale = (part[number] for part in sending.fit.posterior)
    bits = weight_posterior.kl_nats(Posterior(mean, log_scale)) / LOG2
    return jnp.zeros_like(bits).at[..., filling.block].add(jnp.where(sending.sent[number], 0.0, bits))


def code_bits(fillings: tuple[Filling, ...], divergences: tuple[Any, ...]) -> Any:
    """Estimates the length of the codes of blocks.

    Args:
        fillings: The blocks of each level.
        divergences: For each level, the divergences of its blocks in bits, from `block_bits`.

    Returns:
        The length of all codes together, in bits.
    """
    return sum(
        jnp.where(bits > 0, jnp.maximum(bits, filling.bin_bits) + CODE_BITS, 0.0).sum()
        for filling, bits in zip(fillings, divergences, strict=True)
    )


@partial(jax.jit, static_argnames=("shape",))
def tune(
    shape,
    whole: Mosaic,
    model: Floats,
    fillings,
    limits: Limits,
    sending: SendingState,
    pixels,
    key,
    rounds: Int[Array, ""],
) -> tuple[SendingState, tuple[Any, Any]]:
    """Fits the posteriors of latents that were not sent, and corrects prices and weight after each round of steps.

    Args:
        shape: Sizes of the representations.
        whole: The patches of the pictures.
        model: The network and the prior in floats.
        fillings: The blocks of each level.
        limits: The limits of what is sent.
        sending: The state.
        pixels: The pictures as patches [patch, channel, pixel], with values from 0 to 1.
        key: Key of the noise, a JAX key.
        rounds: Number of rounds, each of STEPS_AT_ONCE steps.

    Returns:
        The new state; and a pair of the squared errors [patch] of the last draw and the approximate length of the codes
        that are still to be sent, in bits.
    """

    def loss(q: Posterior, weight, prices, key):
        drawn = weight_posterior.sample(q, key)
        units = jax.tree.map(jnp.where, sending.sent, sending.units, drawn)
        errors = inr_fit.patch_errors(shape, model.shared, model.prior, units, pixels, whole)
        paid = jax.tree.map(
            lambda sent, price, kl: jnp.where(sent, 0.0, price * kl).sum(),
            sending.sent,
            prices,
            weight_posterior.kl_nats(q),
        )
        return weight * errors.sum() + sum(paid), errors

    def some_steps(number, carry):
        fit, block_prices, weight, _ = carry
        prices = tuple(price[..., filling.block] for price, filling in zip(block_prices, fillings, strict=True))

        def step(number, carry):
            fit, _ = carry
            own = jax.random.fold_in(key, number)
            gradient, errors = jax.grad(loss, has_aux=True)(fit.posterior, weight, prices, own)
            return inr_fit.adam(fit, gradient), errors

        first = number * STEPS_AT_ONCE
        fit, errors = jax.lax.fori_loop(first, first + STEPS_AT_ONCE, step, (fit, carry[3]))
        bits = block_bits(sending._replace(fit=fit), fillings)
        changed = []
        for filling, price, kl in zip(fillings, block_prices, bits, strict=True):
            most = filling.bin_bits + limits.room_bits
            factor = jnp.where(kl > most, PRICE_STEP, jnp.where(kl < most - SLACK_BITS, 1 / PRICE_STEP, 1.0))
            changed.append(jnp.maximum(price * factor, limits.least_price))
        divergence = sum(kl.sum() for kl in bits)
        correction = jnp.clip(limits.divergence_bits / jnp.maximum(divergence, 1.0), 1 / WEIGHT_STEP, WEIGHT_STEP)
        return fit, tuple(changed), weight * jnp.where(limits.divergence_bits > 0, correction, 1.0), errors

    carry = (sending.fit, sending.prices, sending.weight, jnp.zeros(len(pixels)))
    fit, prices, weight, errors = jax.lax.fori_loop(0, rounds, some_steps, carry)
    sending = sending._replace(fit=fit, prices=prices, weight=weight)
    return sending, (errors, code_bits(fillings, block_bits(sending, fillings)))


@partial(jax.jit, static_argnames=("number",))
def send(
    number: int, level: Level, key, private_key, squares: Int[Array, ""], sending: SendingState, found: SentLevel
) -> tuple[SendingState, SentLevel]:
    """Searches, for each square of a level, for a sample of the unsent block of the largest divergence, and sends it.

    Args:
        number: Number of the level.
        level: How its latents are sent.
        key: Key of the level's streams: one stream for each block, which all squares share.
        private_key: Randomness of the search, which the decoder does not need.
        squares: Number of squares without padding.
        sending: The state.
        found: What was sent of the level so far.

    Returns:
        The new state, and what was sent of the level now.
    """
    plan, sent = level.plan, sending.sent[number]
    bits = _bits_of(sending, number, level.filling)[..., : plan.shape[0]]
    rows = jnp.arange(len(sent))

    def blocks_of(x, padding):
        return plan.split(x[:, level.latents], padding)

    left = ~blocks_of(sent, True).all(axis=-1)
    block = jnp.argmax(jnp.where(left, bits, -1.0), axis=1)
    posterior = sending.fit.posterior
    mean = blocks_of(posterior.mean[number], 0.0)[rows, block]
    scale = blocks_of(jnp.exp(posterior.log_scale[number]), 1.0)[rows, block]
    streams = rec.stream_keys(key, (1, plan.shape[0]), shared_axes=(0,))[0]
    bins = None if plan.bins is None else rec.Bins(plan.bins.intervals[block], plan.bins.capacity)
    own = randomness.fold_in(private_key, rows.astype(jnp.uint32))
    q, p = Normal(mean, scale), Normal(0.0, 1.0)
    drawn = engine.encode_rows(plan.algorithm, streams[block], own, q, p, bins, squares)

    def put(whole, part):
        return whole.at[rows, block].set(part)

    def in_place(x):
        merged = plan.merge(jnp.zeros((len(rows), *plan.shape), x.dtype).at[rows, block].set(x))
        return jnp.zeros(sent.shape, x.dtype).at[:, level.latents].set(merged)

    here = in_place(jnp.ones(mean.shape, bool))
    units = jnp.where(here, in_place(drawn.sample), sending.units[number])
    sending = sending._replace(sent=_with(sending.sent, number, sent | here), units=_with(sending.units, number, units))
    return sending, SentLevel(*(map(put, found, (drawn.code.index, drawn.code.interval, drawn.words))))


def _with(items: tuple[Any, ...], number: int, item: Any) -> tuple[Any, ...]:
    return (*items[:number], item, *items[number + 1 :])
