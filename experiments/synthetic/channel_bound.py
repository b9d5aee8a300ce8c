"""Bounds on the codelength of Gaussian targets whose dimensions all have the same scale.

Let w(h) = P[r >= h] be the mass of the coding distribution where the density ratio r = q/p is at least h. The channel
simulation divergence is D_CS = -(integral of w log2 w dh), in bits. It is a lower bound on the entropy of the index of
every causal rejection sampler (Goc and Flamich 2024, arXiv:2401.16579); its mean over the inputs of a channel is a
lower bound on the mean codelength of every scheme (Flamich, Sriramu and Wagner 2025, arXiv:2501.14053).
"""

import math

import numpy as np
from jaxtyping import Float

from experiments.synthetic.targets import Targets

# Constants c, in bits, of theorems that I + log2(I + 1) + c bits suffice for a channel of mutual information I.
FUNCTIONAL_REPRESENTATION = 4.0
"""The constant of Li and El Gamal 2018 (arXiv:1701.02827)."""
RING_TOSS = 2.45
"""The constant of rejection sampling (arXiv:2604.23076)."""

_NODES = 500


def sufficient_overhead(information: float | np.ndarray, constant: float) -> float | np.ndarray:
    """Computes log2(I + 1) + c, the bits above the mutual information I that suffice by a theorem.

    Args:
        information: Mutual information I of the channel, in bits.
        constant: The constant c of the theorem, in bits.

    Returns:
        Bits above the mutual information, of the shape of `information`.
    """
    return np.log2(np.asarray(information) + 1) + constant


def channel_simulation_bits(square_mean: float, scale: float, dims: int = 1) -> float:
    """Integrates the channel simulation divergence of an isotropic Gaussian target from a standard normal P.

    Args:
        square_mean: Squared length of the target's vector of means; the divergence depends on the means through it
            alone.
        scale: Standard deviation of the target in every dimension, below 1.
        dims: Number of dimensions.

    Returns:
        D_CS in bits.
    """
    narrowing = 1 - scale**2
    log_top = -dims * math.log(scale) + square_mean / (2 * narrowing)
    # At distance d from its mode the density ratio is h = exp(log_top - x) with x = d^2 / (2 width^2), where
    # width^2 = scale^2 / narrowing. The integral over h is taken over log x.
    log_x = np.linspace(-16.0, math.log(log_top + 25), _NODES)
    x = np.exp(log_x)
    mass = ball_mass(x * scale**2 / narrowing, square_mean / (2 * narrowing**2), dims)
    return float(np.trapezoid(-mass * np.log2(mass) * np.exp(log_top - x) * x, log_x))


def mean_channel_overhead(targets: Targets) -> float:
    """Estimates the mean of D_CS - KL over targets whose dimensions all have the same scale.

    D_CS is computed for 32 targets at evenly spaced ranks of the squared length of the means. The average is taken of
    the difference D_CS - KL, which varies much less among targets than either term.

    Args:
        targets: Targets, each of one scale in all its dimensions.

    Returns:
        Bits above the KL.
    """
    square_mean = np.sum(np.square(targets.mean), axis=1)
    ranks = np.argsort(square_mean)[((np.arange(32) + 0.5) / 32 * len(square_mean)).astype(int)]
    dims, kl = targets.mean.shape[1], targets.kl_bits.sum(axis=1)
    chosen = zip(square_mean[ranks].tolist(), targets.scale[ranks, 0].tolist(), kl[ranks].tolist(), strict=True)
    return float(np.mean([channel_simulation_bits(square, scale, dims) - own for square, scale, own in chosen]))


def ball_mass(half_square_radius: Float[np.ndarray, "n"], half_square_centre: float, dims: int) -> np.ndarray:
    """Computes the mass that a standard normal distribution gives to balls.

    This is the cdf of a noncentral chi-squared distribution as one sum of positive terms, so that small masses keep
    their relative precision: sum over n of Poisson[j <= n] e^-y y^(n + dims/2) / Gamma(n + dims/2 + 1), where y is half
    the squared radius and j has the mean `half_square_centre`.

    Args:
        half_square_radius: Half the squared radius of each ball.
        half_square_centre: Half the squared distance of the balls' common centre from the origin.
        dims: Number of dimensions.

    Returns:
        Masses in [1e-300, 1], of shape [n].
    """
    y = np.asarray(half_square_radius, np.float64)[:, None]
    most = float(y.max()) + half_square_centre
    n = np.arange(int(most + 10 * math.sqrt(most) + 40))
    log_gamma = np.array([math.lgamma(k + dims / 2 + 1) for k in n])
    log_factorial = np.array([math.lgamma(k + 1) for k in n])
    # For a centre at the origin, all the Poisson mass is on n = 0.
    log_poisson = n * math.log(max(half_square_centre, 1e-300)) - half_square_centre - log_factorial
    within = np.cumsum(np.exp(log_poisson))
    terms = within * np.exp((n + dims / 2) * np.log(y) - y - log_gamma)
    return np.clip(terms.sum(axis=1), 1e-300, 1.0)
