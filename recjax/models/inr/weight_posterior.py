"""Independent normal laws over the leaves of a pytree: posteriors of weights, and the prior that suits them best.

A posterior is held in units of its prior: u = (v - mean) / scale of the prior is standard normal a priori. That is what
relative entropy coding takes (`Normal(0, 1)`), and one learning rate suits all variables then.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array


class Gaussian(NamedTuple):
    """Means and scales of independent normal laws: two pytrees of one structure."""

    mean: Any
    scale: Any


class Posterior(NamedTuple):
    """Normal laws in units of a prior: means, and logarithms of scales. Pytrees of one structure."""

    mean: Any
    log_scale: Any


def noise(like: Any, key: Array) -> Any:
    """Standard normal numbers for a draw of every variable."""
    leaves, structure = jax.tree.flatten(like)
    keys = jax.tree.unflatten(structure, list(jax.random.split(key, len(leaves))))
    return jax.tree.map(lambda leaf, k: jax.random.normal(k, leaf.shape), like, keys)


def draw(q: Posterior, noise: Any) -> Any:
    """A draw of every variable, in units of the prior; its gradients are those of means and scales."""
    return jax.tree.map(lambda mean, log_scale, x: mean + jnp.exp(log_scale) * x, q.mean, q.log_scale, noise)


def sample(q: Posterior, key: Array) -> Any:
    """`draw` with noise of its own."""
    return draw(q, noise(q.mean, key))


def kl_nats(q: Posterior) -> Any:
    """KL[q || prior] of every variable, in nats: a pytree like the means."""
    return jax.tree.map(
        lambda mean, log_scale: 0.5 * (mean * mean + jnp.expm1(2 * log_scale)) - log_scale, q.mean, q.log_scale
    )


def to_variables(prior: Gaussian, u: Any) -> Any:
    """Variables from their units."""
    return jax.tree.map(lambda mean, scale, unit: mean + scale * unit, prior.mean, prior.scale, u)


def fit_prior(prior: Gaussian, q: Posterior) -> tuple[Gaussian, Posterior]:
    """The prior of least mean KL divergence to all posteriors, and the posteriors in its units.

    The last axis of each leaf of q is the prior's; all others count posteriors. The minimum has the moments of their
    mixture (empirical Bayes): the mean of means, and the mean of variances plus the variance of means.
    """

    def moments(mean, log_scale):
        axes = tuple(range(mean.ndim - 1))
        middle = mean.mean(axis=axes)
        return middle, jnp.sqrt(jnp.mean(jnp.exp(2 * log_scale) + jnp.square(mean - middle), axis=axes))

    found = jax.tree.map(moments, q.mean, q.log_scale)
    shift, stretch = jax.tree.transpose(jax.tree.structure(q.mean), jax.tree.structure((0, 0)), found)
    refined = Gaussian(
        jax.tree.map(lambda mean, scale, s: mean + scale * s, prior.mean, prior.scale, shift),
        jax.tree.map(jnp.multiply, prior.scale, stretch),
    )
    mean = jax.tree.map(lambda m, s, t: (m - s) / t, q.mean, shift, stretch)
    log_scale = jax.tree.map(lambda r, t: r - jnp.log(t), q.log_scale, stretch)
    return refined, Posterior(mean, log_scale)
