"""One-dimensional Gaussian targets of a given Renyi-infinity divergence, the logarithm of the largest density ratio."""

import math

import numpy as np

from experiments.synthetic.targets import Targets


def make_targets(divergence: float, runs: int, seed: int, one_mean: bool = False) -> Targets:
    """Draws targets of a given Renyi-infinity divergence.

    Means are random, as the steps of a search depend on where a target lies among the dyadic intervals of its tree.
    `one_mean` is for targets so narrow that the words of the grid show, an effect that averages out over many means.

    Args:
        divergence: Renyi-infinity divergence from the prior, in bits.
        runs: Number of targets.
        seed: Seed of the means.
        one_mean: Whether all targets have the largest mean.

    Returns:
        Targets [run, 1], with means in +- min(1, divergence / 4).
    """
    most = min(1.0, divergence / 4)
    rng = np.random.default_rng((seed, 3, round(1000 * divergence)))
    centre = rng.uniform(most if one_mean else -most, most, (runs, 1))
    # The divergence decreases in the scale up to `high`, where its derivative is 0: 1 - scale^2 = |mean| scale.
    low, high = np.full_like(centre, 1e-12), (np.sqrt(centre**2 + 4) - np.abs(centre)) / 2
    for _ in range(60):
        scale = (low + high) / 2
        above = -np.log(scale) + centre**2 / (2 * (1 - scale**2)) > divergence * math.log(2)
        low, high = np.where(above, scale, low), np.where(above, high, scale)
    return Targets(centre, (low + high) / 2)
