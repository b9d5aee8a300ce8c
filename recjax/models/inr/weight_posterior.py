"""Independent normal distributions over the leaves of a pytree: posteriors of weights, and the best prior for them.

A posterior is held in units of its prior: u = (v - mean) / scale has a standard normal prior. That is what relative
entropy coding takes (`Normal(0, 1)`), and one learning rate suits all variables.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array


class Gaussian(NamedTuple):
    """Independent normal distributions.

    Attributes:
        mean: Means, a pytree of arrays.
        scale: Scales, a pytree of the same structure.
    """

    mean: Any
    scale: Any


class Posterior(NamedTuple):
    """Independent normal distributions in units of a prior.

    Attributes:
        mean: Means, a pytree of arrays.
        log_scale: Natural logarithms of scales, a pytree of the same structure.
    """

    mean: Any
    log_scale: Any


def noise(like: Any, key: Array) -> Any:
    """Draws a standard normal number for every variable.

    Args:
        like: A pytree of arrays with the shapes of the variables.
        key: Key of `jax.random`.

    Returns:
        A pytree of numbers.
    """
    leaves, structure = jax.tree.flatten(like)
    keys = jax.tree.unflatten(structure, list(jax.random.split(key, len(leaves))))
    return jax.tree.map(lambda leaf, k: jax.random.normal(k, leaf.shape), like, keys)


def draw(q: Posterior, noise: Any) -> Any:
    """Computes a sample of every variable from given noise, so that gradients reach means and scales.

    Args:
        q: The posterior.
        noise: Standard normal numbers, a pytree like the means.

    Returns:
        Samples in units of the prior.
    """
    return jax.tree.map(lambda mean, log_scale, x: mean + jnp.exp(log_scale) * x, q.mean, q.log_scale, noise)


def sample(q: Posterior, key: Array) -> Any:
    """Draws a sample of every variable.

    Args:
        q: The posterior.
        key: Key of `jax.random`.

    Returns:
        Samples in units of the prior.
    """
    return draw(q, noise(q.mean, key))


def kl_nats(q: Posterior) -> Any:
    """Computes the KL divergence of every variable's posterior from its prior.

    Args:
        q: The posterior.

    Returns:
        KL[q || prior] in nats, a pytree like the means.
    """
    return jax.tree.map(
        lambda mean, log_scale: 0.5 * (mean * mean + jnp.expm1(2 * log_scale)) - log_scale, q.mean, q.log_scale
    )


def to_variables(prior: Gaussian, u: Any) -> Any:
    """Converts variables from units of the prior.

    Args:
        prior: The prior.
        u: Variables in units of the prior.

    Returns:
        The variables, mean + scale * u.
    """
    return jax.tree.map(lambda mean, scale, unit: mean + scale * unit, prior.mean, prior.scale, u)


def fit_prior(prior: Gaussian, q: Posterior) -> tuple[Gaussian, Posterior]:
    """Computes the prior of least mean KL divergence from given posteriors, and these posteriors in its units.

    The best prior has the moments of the mixture of the posteriors (empirical Bayes): the mean of their means, and the
    mean of their variances plus the variance of their means.

    Args:
        prior: The prior in whose units the posteriors are.
        q: Posteriors; the last axis of each leaf is the prior's, all others count posteriors.

    Returns:
        The best prior, and the posteriors in its units.
    """

    def moments(mean, log_scale):
        axes = tuple(range(mean.ndim - 1))
        middle = mean.mean(axis=axes)
        return middle, jnp.sqrt(jnp.mean(jnp.exp(2 * log_scale) + jnp.square(mean - middle), axis=axes))

    pairs = jax.tree.map(moments, q.mean, q.log_scale)
    shift, stretch = jax.tree.transpose(jax.tree.structure(q.mean), jax.tree.structure((0, 0)), pairs)
    refined = Gaussian(
        jax.tree.map(lambda mean, scale, s: mean + scale * s, prior.mean, prior.scale, shift),
        jax.tree.map(jnp.multiply, prior.scale, stretch),
    )
    mean = jax.tree.map(lambda m, s, t: (m - s) / t, q.mean, shift, stretch)
    log_scale = jax.tree.map(lambda r, t: r - jnp.log(t), q.log_scale, stretch)
    return refined, Posterior(mean, log_scale)
