"""Pixel likelihoods by name: as floats for training, and as the same distributions in integers for coding.

For coding, the network's fixed-point parameters of a pixel become an integer distribution. Mostly it is a row of a
table of cumulative masses, which is built on the host in integers only (see `recjax.models.likelihoods.tables`), so
that encoder and decoder agree on every machine.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import lgamma
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Int32

from recjax.coding import codec as codecs
from recjax.models.likelihoods import categorical, logistic, tables
from recjax.models.likelihoods.table_codec import by_rows, by_split_rows

PARAMETER_FRACTION_BITS = 8
"""Fraction bits of a likelihood parameter in fixed point: units of 2^-8 nats."""

WHOLE_LEVELS = 65
"""Largest number of levels for which a beta-binomial is released as one table.

With more levels it is released as "split_beta_binomial". Models that have "beta_binomial" with more levels still decode
their files with it.
"""


@dataclass(frozen=True)
class Likelihood:
    """The distribution of one pixel, given a network's parameters for it.

    Attributes:
        name: Its key in `LIKELIHOODS`.
        num_symbols: Number of pixel values, which are 0 to num_symbols - 1.
        num_parameters: Network outputs per pixel: the size of the last axis of every array of parameters.
        log_prob: Takes float parameters in nats and pixels; returns log probabilities in nats.
        distribution: Takes parameters in units of 2^-8 nats; returns the distributions as a pytree of integers with
            leading axes *batch. It computes with integers only.
        codec: Takes distributions, one for each lane; returns the codec of pixels.
        bits: Takes distributions and pixels; returns -log2 of the masses of the pixels, in bits.
    """

    name: str
    num_symbols: int
    num_parameters: int
    log_prob: Callable[[Float[Array, "*batch parameters"], Int[Array, "*batch"]], Float[Array, "*batch"]]
    distribution: Callable[[Int32[Array, "*batch parameters"]], Any]
    codec: Callable[[Any], codecs.Codec]
    bits: Callable[[Any, Int[Array, "*batch"]], Float[Array, "*batch"]]


@functools.cache
def make_likelihood(name: str, levels: int) -> Likelihood:
    """Makes the likelihood of a name.

    Args:
        name: A key of `LIKELIHOODS`.
        levels: Number of pixel values.

    Returns:
        The likelihood, the same object for the same arguments.

    Raises:
        ValueError: There is no likelihood of this name, or it does not have this number of levels.
    """
    if name not in LIKELIHOODS:
        raise ValueError(f"there is no likelihood {name!r}; choose one of {', '.join(LIKELIHOODS)}.")
    return LIKELIHOODS[name](levels)


def bernoulli(levels: int = 2) -> Likelihood:
    """Makes the likelihood of binary pixels, whose one parameter is the logit of the pixel being 1.

    Args:
        levels: Number of pixel values, which must be 2.

    Returns:
        The likelihood "bernoulli".

    Raises:
        ValueError: `levels` is not 2.
    """
    if levels != 2:
        raise ValueError(f"a Bernoulli likelihood has 2 levels, got {levels}; use beta_binomial for more.")

    def log_prob(parameters, x):
        logit = jnp.clip(parameters[..., 0], -tables.MAX_LOGIT, tables.MAX_LOGIT)
        return jax.nn.log_sigmoid(jnp.where(x == 1, logit, -logit))

    return Likelihood("bernoulli", 2, 1, log_prob, _logit_index, *by_rows(tables.bernoulli_rows))


def beta_binomial(levels: int) -> Likelihood:
    """Makes the beta-binomial likelihood of pixels: binomial counts whose probability is beta distributed.

    BB-ANS (arXiv:1901.04866) uses it. The two parameters are the logit of the mean, and the log of the concentration
    alpha + beta. Both are outputs of the network (which in the paper's code are log alpha and log beta), so that they
    are the axes of the table.

    Args:
        levels: Number of pixel values, 2 to 256.

    Returns:
        The likelihood "beta_binomial".

    Raises:
        ValueError: `levels` is out of range.
    """
    if not 2 <= levels <= 256:
        raise ValueError(f"a beta-binomial likelihood has 2 to 256 levels, got {levels}.")
    n = levels - 1
    log_choose = np.array([lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) for k in range(levels)], np.float32)

    def log_prob(parameters, x):
        logit = jnp.clip(parameters[..., 0], -tables.MAX_LOGIT, tables.MAX_LOGIT)
        log_total = jnp.clip(parameters[..., 1], tables.MIN_LOG_CONCENTRATION, tables.MAX_LOG_CONCENTRATION)
        alpha = jnp.exp(log_total + jax.nn.log_sigmoid(logit))
        beta = jnp.exp(log_total + jax.nn.log_sigmoid(-logit))
        ones = x.astype(jnp.float32)
        rising = _log_rising(alpha, ones) + _log_rising(beta, n - ones) - _log_rising(alpha + beta, jnp.float32(n))
        return jnp.asarray(log_choose)[x.astype(jnp.int32)] + rising

    def row(parameters):
        columns = jnp.asarray(tables.beta_binomial_row_numbers(n))
        concentration = _rounded_shift(parameters[..., 1], PARAMETER_FRACTION_BITS - tables.CONCENTRATION_STEP_BITS)
        concentration = concentration - (tables.MIN_LOG_CONCENTRATION << tables.CONCENTRATION_STEP_BITS)
        concentration = jnp.clip(concentration, 0, columns.shape[0] - 1)
        return jnp.ravel(columns)[concentration * columns.shape[1] + _logit_index(parameters)]

    return Likelihood(
        "beta_binomial", levels, 2, log_prob, row, *by_rows(functools.partial(tables.beta_binomial_rows, n))
    )


def split_beta_binomial(levels: int) -> Likelihood:
    """Makes the beta-binomial likelihood with two tables: for whether a pixel is 0, and for its value if not.

    Args:
        levels: Number of pixel values, 3 to 256.

    Returns:
        The likelihood "split_beta_binomial", whose parameters are those of `beta_binomial`.

    Raises:
        ValueError: `levels` is out of range.
    """
    if levels < 3:
        raise ValueError(f"a split beta-binomial likelihood has 3 to 256 levels, got {levels}; use beta_binomial.")
    codec, bits = by_split_rows(functools.partial(tables.beta_binomial_split_rows, levels - 1))
    return replace(beta_binomial(levels), name="split_beta_binomial", codec=codec, bits=bits)


def released_name(name: str, levels: int) -> str:
    """Returns the name of the likelihood that codes with a model trained under a name.

    Args:
        name: Name of the likelihood in training.
        levels: Number of pixel values.

    Returns:
        A likelihood with the same distribution in floats, and with better tables where there are any.
    """
    return "split_beta_binomial" if name == "beta_binomial" and levels > WHOLE_LEVELS else name


def categorical_likelihood(levels: int) -> Likelihood:
    """Makes the likelihood of pixels of any distribution, see `recjax.models.likelihoods.categorical`.

    Args:
        levels: Number of pixel values, 3 to 256; there are as many parameters.

    Returns:
        The likelihood "categorical".

    Raises:
        ValueError: `levels` is out of range.
    """
    if not 3 <= levels <= 256:
        raise ValueError(f"a categorical likelihood has 3 to 256 levels, got {levels}; use bernoulli for 2.")
    parts = (categorical.log_prob, categorical.distribution, categorical.codec, categorical.bits)
    return Likelihood("categorical", levels, levels, *parts)


def discretised_logistic(levels: int) -> Likelihood:
    """Makes the likelihood of pixels whose values are intervals of a logistic distribution.

    The two parameters are the mean and the log of the scale, in units in which all levels together are 8 wide; see
    `recjax.models.likelihoods.logistic`. Every value has at least one unit of mass, so even a certain pixel costs
    0.0056 bits with 256 levels.

    Args:
        levels: Number of pixel values, 2 to 256.

    Returns:
        The likelihood "discretised_logistic".

    Raises:
        ValueError: `levels` is out of range.
    """
    if not 2 <= levels <= 256:
        raise ValueError(f"a discretised logistic likelihood has 2 to 256 levels, got {levels}.")
    codec, bits = functools.partial(logistic.codec, levels=levels), functools.partial(logistic.bits, levels=levels)
    log_prob = functools.partial(logistic.log_prob, levels=levels)
    return Likelihood("discretised_logistic", levels, 2, log_prob, logistic.distribution, codec, bits)


LIKELIHOODS: dict[str, Callable[[int], Likelihood]] = {
    "bernoulli": bernoulli,
    "beta_binomial": beta_binomial,
    "split_beta_binomial": split_beta_binomial,
    "categorical": categorical_likelihood,
    "discretised_logistic": discretised_logistic,
}
"""Functions that make a likelihood for a number of levels, by its name."""


def _rounded_shift(x: Int32[Array, "..."], bits: int) -> Int32[Array, "..."]:
    return (x + (1 << (bits - 1))) >> bits


def _logit_index(parameters: Int32[Array, "*batch parameters"]) -> Int32[Array, "*batch"]:
    index = _rounded_shift(parameters[..., 0], PARAMETER_FRACTION_BITS - tables.LOGIT_STEP_BITS)
    return jnp.clip(index + tables.LOGIT_CENTRE, 0, 2 * tables.LOGIT_CENTRE)


def _log_rising(a: Float[Array, "..."], k: Float[Array, "..."]) -> Float[Array, "..."]:
    """Computes log(a (a + 1) ... (a + k - 1)) = log Gamma(a + k) - log Gamma(a) for real k >= 0.

    Stirling's series of both terms are subtracted analytically: two float32 log-gammas of large arguments would cancel.
    The recurrence is applied four times first, because the series needs arguments of 4 or more (error below 1e-6).
    """
    b = a + 4.0
    top = b + k
    series = (top - 0.5) * jnp.log1p(k / b) + k * (jnp.log(b) - 1.0) + _stirling_tail(top) - _stirling_tail(b)
    # The four steps of the recurrence: a (a + 1) (a + 2) (a + 3) over the same product at a + k.
    ratio = (a / (a + k)) * ((a + 1) / (a + k + 1)) * ((a + 2) / (a + k + 2)) * ((a + 3) / (a + k + 3))
    return series + jnp.log(ratio)


def _stirling_tail(x: Float[Array, "..."]) -> Float[Array, "..."]:
    inverse = 1.0 / x
    return inverse * (1 / 12 - inverse * inverse / 360)
