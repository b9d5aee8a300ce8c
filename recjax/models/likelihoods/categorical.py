"""Free distributions of pixels, given by a flag for whether a pixel is 0 and a logit for every other value.

Grey images of drawn or scanned matter are mostly 0, and their other values have peaks that no smooth family follows. In
integers, the masses of the values 1 to n are proportional to entries of one table of exponentials, so that encoder and
decoder agree on every machine.
"""

import functools
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Int32, UInt32

from recjax.coding import codec as codecs
from recjax.coding.rans import MASS_BITS, TOTAL_MASS

FRACTION_BITS = 8
"""Logits in fixed point are in units of 2^-8 nats."""

_WEIGHT_BITS = 16


class CategoricalMasses(NamedTuple):
    """Integer distribution of pixels with values 0 to n.

    Attributes:
        present: Mass of the values above 0, in units of 2^-16, in [1, 2^16 - 1].
        edges: Cumulative masses of the values 1 to n, given that the value is not 0: 0 first, 2^16 last.
    """

    present: UInt32[Array, "*batch"]
    edges: UInt32[Array, "*batch values+1"]


def log_prob(logits: Float[Array, "*batch levels"], x: Int[Array, "*batch"]) -> Float[Array, "*batch"]:
    """Computes the log probability of pixels.

    Args:
        logits: First the logit of the value being above 0, then a logit for each value from 1 on, given that it is
            above 0.
        x: Values 0 to levels - 1.

    Returns:
        log P(x) in nats.
    """
    return presence_log_prob(logits[..., 0], x) + jnp.where(x > 0, value_log_prob(logits[..., 1:], x), 0.0)


def presence_log_prob(logit: Float[Array, "*batch"], x: Int[Array, "*batch"]) -> Float[Array, "*batch"]:
    """Computes the log probability of whether pixels are 0.

    Args:
        logit: Logit of the value being above 0.
        x: Values of the pixels.

    Returns:
        log P(x > 0) where x > 0, and log P(x = 0) elsewhere, in nats.
    """
    return jax.nn.log_sigmoid(jnp.where(x > 0, logit, -logit))


def value_log_prob(logits: Float[Array, "*batch values"], x: Int[Array, "*batch"]) -> Float[Array, "*batch"]:
    """Computes the log probability of the values of pixels that are above 0.

    Args:
        logits: A logit for each value from 1 on.
        x: Values of the pixels.

    Returns:
        log P(x | x > 0) in nats; without meaning where x = 0.
    """
    at = jnp.maximum(x.astype(jnp.int32) - 1, 0)[..., None]
    return jnp.take_along_axis(jax.nn.log_softmax(logits), at, axis=-1)[..., 0]


def distribution(logits: Int32[Array, "*batch levels"]) -> CategoricalMasses:
    """Makes the integer distribution of pixels from logits in fixed point, with a mass of at least 1 for every value.

    Args:
        logits: The logits of `log_prob`, in units of 2^-8 nats.

    Returns:
        The distribution of each pixel.
    """
    flag, values = logits[..., 0], logits[..., 1:]
    highest = jnp.max(values, axis=-1, keepdims=True)
    weights = _exp_minus(highest - values)
    count = weights.shape[-1]
    total = jnp.sum(weights, axis=-1, keepdims=True, dtype=jnp.uint32)
    # The product stays below 2^32, as weights are at most 2^16.
    masses = 1 + (weights * jnp.uint32(TOTAL_MASS - count)) // total
    spare = TOTAL_MASS - jnp.sum(masses, axis=-1, keepdims=True, dtype=jnp.uint32)
    # The mass that rounding leaves over goes to the first of the likeliest values.
    place = jnp.arange(count)
    first = jnp.min(jnp.where(values == highest, place, count), axis=-1, keepdims=True)
    edges = running_sum(masses + jnp.where(place == first, spare, 0))
    edges = jnp.concatenate([jnp.zeros_like(edges[..., :1]), edges], axis=-1)
    return CategoricalMasses(presence(flag), edges)


def codec(distribution: CategoricalMasses) -> codecs.Codec:
    """Makes a codec of the values 0 to n of pixels.

    Args:
        distribution: The distribution of each lane's pixel.

    Returns:
        A codec of one value for each lane.
    """
    count = distribution.edges.shape[-1] - 1

    def edge(k):
        return jnp.take_along_axis(distribution.edges, k[..., None], axis=-1, mode="clip")[..., 0]

    value = codecs.interval(*codecs.by_cdf(edge, count))
    return codecs.optional(codecs.bernoulli(distribution.present), value)


def bits(distribution: CategoricalMasses, x: Int[Array, "*batch"]) -> Float[Array, "*batch"]:
    """Computes the cost of pixels under their integer distributions.

    Args:
        distribution: The distribution of each pixel.
        x: Values of the pixels.

    Returns:
        -log2 of the mass of x, in bits.
    """
    at = jnp.maximum(x.astype(jnp.int32) - 1, 0)[..., None]
    low, high = (jnp.take_along_axis(distribution.edges, at + k, axis=-1)[..., 0] for k in (0, 1))
    flag = jnp.where(x > 0, distribution.present, TOTAL_MASS - distribution.present)
    value = jnp.where(x > 0, MASS_BITS - jnp.log2((high - low).astype(jnp.float32)), 0.0)
    return MASS_BITS - jnp.log2(flag.astype(jnp.float32)) + value


def running_sum(x: UInt32[Array, "*batch n"]) -> UInt32[Array, "*batch n"]:
    """Computes cumulative sums along the last axis.

    They are integer products with triangles of ones, in two levels of 16: the cumulative sum of XLA:CPU takes three
    times as long.

    Args:
        x: Integers whose sums stay below 2^31.

    Returns:
        Sums up to and including each position.
    """
    size = x.shape[-1]
    rows = jnp.pad(x.astype(jnp.int32), [(0, 0)] * (x.ndim - 1) + [(0, -size % 16)]).reshape(*x.shape[:-1], -1, 16)
    within = rows @ jnp.triu(jnp.ones((16, 16), jnp.int32))
    ends = within[..., -1] @ jnp.triu(jnp.ones((within.shape[-2],) * 2, jnp.int32), 1)
    return (within + ends[..., None]).reshape(*x.shape[:-1], -1)[..., :size].astype(jnp.uint32)


def _exp_minus(distance: Int32[Array, "*n"]) -> UInt32[Array, "*n"]:
    """Returns 2^16 exp(-distance / 2^8), rounded, for distances of 0 or more."""
    table = jnp.asarray(_exp_table())
    return table.at[distance].get(mode="clip")


def presence(logit: Int32[Array, "*n"]) -> UInt32[Array, "*n"]:
    """Computes the mass of the values above 0 from its logit.

    Args:
        logit: Logits in units of 2^-8 nats.

    Returns:
        Masses in units of 2^-16, in [1, 2^16 - 1].
    """
    # The weight of the likelier side is 2^16. As much for the other side would overflow the product below.
    weight = jnp.minimum(_exp_minus(jnp.abs(logit)), TOTAL_MASS - 1)
    both = TOTAL_MASS + weight
    smaller = jnp.maximum((weight * (TOTAL_MASS - 1) + both // 2) // both, 1)
    return jnp.where(logit < 0, smaller, TOTAL_MASS - smaller)


@functools.cache
def _exp_table() -> np.ndarray:
    """Returns round(2^16 exp(-i / 2^8)) for i = 0, 1, ..., up to the first 0."""
    # A context of its own, since the program may have changed the default one.
    with localcontext(Context(prec=40, rounding=ROUND_HALF_EVEN)):
        size = (_WEIGHT_BITS + 2) << FRACTION_BITS
        entries = [2**_WEIGHT_BITS * (Decimal(-i) / 2**FRACTION_BITS).exp() for i in range(size)]
        table = np.array([int(entry.to_integral_value()) for entry in entries], np.uint32)
    table = table[: int(np.flatnonzero(table == 0)[0]) + 1]
    table.flags.writeable = False
    return table
