"""Posteriors whose every dimension has the same KL divergence (Flamich, Markou and Hernandez-Lobato, arXiv:2201.12857).

A normal distribution of mean m and scale s, in prior standard deviations, has KL divergence kappa from the prior when
s^2 - ln s^2 = 1 + 2 kappa - m^2. This has one solution with s <= 1 for every |m| <= sqrt(2 kappa). So a network gives
one number alpha for each latent, and kappa belongs to the model: a decoder knows how long each latent's code is.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from recjax.numerics import LOG2, minus_log_w0

MIN_KAPPA_NATS, MAX_KAPPA_NATS = 1e-3, 7.5
"""Range of the KL divergence of a latent, in nats.

Within it no posterior is narrower than `recjax.models.vae.config.MIN_LOG2_SCALE` allows.
"""

# Where |tanh| is 1, the scale is 1 and its derivative by the mean is infinite.
_MAX_TANH = 1 - 1e-4


def moments(
    alpha: Float[Array, "*batch latents"], kappa_nats: Float[Array, "latents"]
) -> tuple[Float[Array, "*batch latents"], Float[Array, "*batch latents"]]:
    """Computes the means and scales of normal distributions with a given KL divergence from the prior.

    Args:
        alpha: Numbers of any size; the mean is sqrt(2 kappa) tanh(alpha).
        kappa_nats: KL divergence of each latent in nats, from MIN_KAPPA_NATS to MAX_KAPPA_NATS.

    Returns:
        The mean and log2 of the scale, in prior standard deviations.
    """
    tanh = jnp.clip(jnp.tanh(alpha), -_MAX_TANH, _MAX_TANH)
    # 2 kappa - m^2 as a product: the difference would lose its digits where the scale is nearly 1.
    excess = 2 * kappa_nats * ((1 - tanh) * (1 + tanh))
    return jnp.sqrt(2 * kappa_nats) * tanh, minus_log_w0(excess) / (-2 * LOG2)
