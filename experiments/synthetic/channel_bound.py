"""What no code can beat, and what theorems promise, for Gaussian targets whose dimensions all have one scale.

With w(h) = P[r >= h] the channel simulation divergence is D_CS = - integral of w log2 w dh, in bits. It bounds the
entropy of the index of every causal rejection sampler (Goc and Flamich 2024, arXiv:2401.16579), and its mean over the
inputs of a channel the mean codelength of every scheme (Flamich, Sriramu and Wagner 2025, arXiv:2501.14053).
"""

import math

import numpy as np
from jaxtyping import Float

from experiments.synthetic.targets import Targets

# Constants c of the bounds I + log2(I + 1) + c on what suffices for a channel of mutual information I, in bits.
FUNCTIONAL_REPRESENTATION = 4.0
"""Li and El Gamal 2018 (arXiv:1701.02827)."""
RING_TOSS = 2.45
"""Rejection sampling (arXiv:2604.23076)."""

_NODES = 500


def sufficient_overhead(information: float | np.ndarray, constant: float) -> float | np.ndarray:
    """log2(I + 1) + c: bits above the mutual information that suffice."""
    return np.log2(np.asarray(information) + 1) + constant


def channel_simulation_bits(square_mean: float, scale: float, dims: int = 1) -> float:
    """D_CS of the target N(mean, scale^2) in each of `dims` dimensions and a standard normal P, for scale < 1.

    square_mean: squared length of the vector of means, on which alone it depends.
    """
    narrowing = 1 - scale**2
    log_top = -dims * math.log(scale) + square_mean / (2 * narrowing)
    # r falls as exp(-x) with x = d^2 / (2 width^2) of the distance d from the mode; h = exp(log_top - x).
    log_x = np.linspace(-16.0, math.log(log_top + 25), _NODES)
    x = np.exp(log_x)
    mass = ball_mass(x * scale**2 / narrowing, square_mean / (2 * narrowing**2), dims)
    return float(np.trapezoid(-mass * np.log2(mass) * np.exp(log_top - x) * x, log_x))


def mean_channel_overhead(targets: Targets) -> float:
    """Mean D_CS - KL of targets whose dimensions all have one scale, in bits.

    Over 32 of them at even ranks of how far out they lie: the difference is smooth where both terms are steep.
    """
    square_mean = np.sum(np.square(targets.mean), axis=1)
    ranks = np.argsort(square_mean)[((np.arange(32) + 0.5) / 32 * len(square_mean)).astype(int)]
    dims, kl = targets.mean.shape[1], targets.kl_bits.sum(axis=1)
    chosen = zip(square_mean[ranks].tolist(), targets.scale[ranks, 0].tolist(), kl[ranks].tolist(), strict=True)
    return float(np.mean([channel_simulation_bits(square, scale, dims) - own for square, scale, own in chosen]))


def ball_mass(half_square_radius: Float[np.ndarray, "n"], half_square_centre: float, dims: int) -> np.ndarray:
    """P of balls by half the squared radius and half the squared distance of their centre from the origin.

    A noncentral chi-squared cdf as one sum of positive terms, so that small masses keep their digits:
    sum over n of Poisson[j <= n] e^-y y^(n + dims/2) / Gamma(n + dims/2 + 1), with j of mean half_square_centre.
    """
    y = np.asarray(half_square_radius, np.float64)[:, None]
    most = float(y.max()) + half_square_centre
    n = np.arange(int(most + 10 * math.sqrt(most) + 40))
    log_gamma = np.array([math.lgamma(k + dims / 2 + 1) for k in n])
    log_factorial = np.array([math.lgamma(k + 1) for k in n])
    # A centre at the origin makes a Poisson law of mean 0, all on n = 0.
    log_poisson = n * math.log(max(half_square_centre, 1e-300)) - half_square_centre - log_factorial
    within = np.cumsum(np.exp(log_poisson))
    terms = within * np.exp((n + dims / 2) * np.log(y) - y - log_gamma)
    return np.clip(terms.sum(axis=1), 1e-300, 1.0)
