"""Sending the latents of representations block by block: after each, the posteriors of the rest are fitted anew.

A sample differs from the mean of its posterior, and what is still to be sent can make up for it (as in RECOMBINER,
arXiv:2309.17182). All squares of a level go through the same rounds together; in each, a square sends the block that
has most to say, so the order of blocks is its own, and a decoder need not know it.
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
"""Steps between changes of prices and of the weight."""

PRICE_STEP = 1.05
"""A block's price of information changes by this factor when its KL divergence is to change."""

WEIGHT_STEP = 1.1
"""The weight of the squared error changes by this factor at most while a rate is steered to."""

SLACK_BITS = 0.4
"""A block that is to be full is held between its limit less this and the limit."""


class Sending(NamedTuple):
    """Pictures on their way, for each level arrays with an axis [square] in front, picture by picture and then padding.

    fit: posteriors of the latents [variable]. sent: which of them were, or never will be. units: their values, in units
    of the prior. prices: of a bit of each block, beside 1 for what the objective has, as many as there are variables.
    weight: of the squared error.
    """

    fit: Fit
    sent: tuple[Any, ...]
    units: tuple[Any, ...]
    prices: tuple[Any, ...]
    weight: Any


class Found(NamedTuple):
    """What was sent of a level. index [square, block]; interval, words [square, block, dim]."""

    index: Any
    interval: Any
    words: Any


class Limits(NamedTuple):
    """What a search can carry.

    room_bits: of divergence in a block, beyond what its bins send. least_price: 0 lets a block fill its limit, as a
    code of fixed length should; 1 never sends what is not worth its bits. divergence_bits: of all pictures together, to
    which the weight is steered; 0 leaves it alone. (Codes follow the divergence down to what the bins take, which no
    weight changes; so it cannot be steered by them.)
    """

    room_bits: Float[Array, ""] | float
    least_price: Float[Array, ""] | float
    divergence_bits: Float[Array, ""] | float


def start(levels: tuple[Level, ...], fit: Fit, squares: tuple[int, ...], weight: float) -> Sending:
    """Nothing is sent. squares: how many of each level are no padding, of which nothing ever is."""
    sent = []
    for level, mean, count in zip(levels, fit.posterior.mean, squares, strict=True):
        never = np.ones(mean.shape, bool)
        never[:count, level.latents] = False
        sent.append(never)
    units, prices = (tuple(np.full(never.shape, x, np.float32) for never in sent) for x in (0, 1))
    return Sending(fit, tuple(sent), units, prices, np.float32(weight))


def nothing_found(level: Level, sent: Any) -> Found:
    """Of a level of which nothing is sent yet."""
    empty = np.zeros((len(sent), *level.plan.shape), np.uint32)
    return Found(empty[..., 0], empty, empty)


@jax.jit
def block_bits(sending: Sending, fillings: tuple[Filling, ...]) -> tuple[Float[Array, "square variable"], ...]:
    """Divergence of blocks 0, 1, ... of each level, then zeros; 0 of those that were sent."""
    return tuple(_bits_of(sending, number, filling) for number, filling in enumerate(fillings))


def _bits_of(sending: Sending, number: int, filling: Filling) -> Float[Array, "square variable"]:
    """Divergence of the blocks of one level."""
    mean, log_scale = (part[number] for part in sending.fit.posterior)
    bits = weight_posterior.kl_nats(Posterior(mean, log_scale)) / LOG2
    return jnp.zeros_like(bits).at[..., filling.block].add(jnp.where(sending.sent[number], 0.0, bits))


def code_bits(fillings: tuple[Filling, ...], divergences: tuple[Any, ...]) -> Any:
    """About what the codes of blocks of such divergences will take, all together."""
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
    sending: Sending,
    pixels,
    key,
    rounds: Int[Array, ""],
) -> tuple[Sending, tuple[Any, Any]]:
    """Fit what was not sent, by rounds of steps, and correct prices and weight after each; squared error of the last
    draw [patch], and about what is still to be sent, in bits."""

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
        found = sum(kl.sum() for kl in bits)
        wanted = jnp.clip(limits.divergence_bits / jnp.maximum(found, 1.0), 1 / WEIGHT_STEP, WEIGHT_STEP)
        return fit, tuple(changed), weight * jnp.where(limits.divergence_bits > 0, wanted, 1.0), errors

    carry = (sending.fit, sending.prices, sending.weight, jnp.zeros(len(pixels)))
    fit, prices, weight, errors = jax.lax.fori_loop(0, rounds, some_steps, carry)
    sending = sending._replace(fit=fit, prices=prices, weight=weight)
    return sending, (errors, code_bits(fillings, block_bits(sending, fillings)))


@partial(jax.jit, static_argnames=("number",))
def send(
    number: int, level: Level, key, private_key, squares: Int[Array, ""], sending: Sending, found: Found
) -> tuple[Sending, Found]:
    """Search for a sample of the block of the largest divergence of each square of a level, and send it.

    key: of the level's streams, a stream for each block, which all squares share. squares: how many are no padding.
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
    return sending, Found(*(map(put, found, (drawn.code.index, drawn.code.interval, drawn.words))))


def _with(items: tuple[Any, ...], number: int, item: Any) -> tuple[Any, ...]:
    return (*items[:number], item, *items[number + 1 :])
