"""Posteriors whose every dimension has the same KL divergence (Flamich, Markou and Hernandez-Lobato, arXiv:2201.12857).

A normal of mean m and scale s, in prior standard deviations, has KL divergence kappa from the prior when
s^2 - ln s^2 = 1 + 2 kappa - m^2, which has one solution with s <= 1 for every |m| <= sqrt(2 kappa). So a network gives
one number alpha for each latent, and kappa belongs to the model: a decoder knows how long each latent's code is.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from recjax.numerics import LOG2, minus_log_w0

MIN_KAPPA_NATS, MAX_KAPPA_NATS = 1e-3, 7.5
"""Of every latent: no posterior is then narrower than `recjax.models.vae.network.MIN_LOG2_SCALE` allows."""

# Where |tanh| is 1, the scale is 1 and its derivative by the mean infinite.
_MAX_TANH = 1 - 1e-4


def moments(
    alpha: Float[Array, "*batch latents"], kappa_nats: Float[Array, "latents"]
) -> tuple[Float[Array, "*batch latents"], Float[Array, "*batch latents"]]:
    """Mean and log2 of the scale, in prior standard deviations, of normals of KL divergence kappa from the prior.

    The mean is sqrt(2 kappa) tanh(alpha). kappa_nats: MIN_KAPPA_NATS to MAX_KAPPA_NATS.
    """
    tanh = jnp.clip(jnp.tanh(alpha), -_MAX_TANH, _MAX_TANH)
    # 2 kappa - m^2, as a product: a difference of the two would lose its digits where the scale is nearly 1.
    excess = 2 * kappa_nats * ((1 - tanh) * (1 + tanh))
    return jnp.sqrt(2 * kappa_nats) * tanh, minus_log_w0(excess) / (-2 * LOG2)
