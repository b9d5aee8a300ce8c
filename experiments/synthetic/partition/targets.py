"""Targets of the experiment on partitions, and what a decoder learns from a family of them before it sees any."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.synthetic import targets as synthetic
from recjax import randomness, rec
from recjax.rec.candidates.interval_counts import intervals_from_kl

# Share of the Renyi-infinity divergence that comes from where the mean lies; the widths give the rest.
_FROM_MEAN = 0.25
# Targets that the intervals and the index code are learned from.
_TRAINING = 2000

Family = Callable[[float, int, int], synthetic.Targets]
"""Targets by their bits, their number and a seed."""


def of_divergence(shares: tuple[float, ...], config_seed: int) -> Family:
    """Targets of exactly this Renyi-infinity divergence, whose means point anywhere."""

    def make(divergence: float, runs: int, seed: int) -> synthetic.Targets:
        rng = np.random.default_rng((config_seed, seed, round(1000 * divergence)))
        noise = rng.standard_normal((runs, len(shares)))
        length = math.sqrt(2 * math.log(2) * _FROM_MEAN * divergence)
        noise *= length / np.linalg.norm(noise, axis=1, keepdims=True)
        return synthetic.targets((1 - _FROM_MEAN) * divergence * np.asarray(shares), noise)

    return make


def of_information(shares: tuple[float, ...], config_seed: int) -> Family:
    """Targets of a channel of this mutual information, which is their mean KL."""

    def make(information: float, runs: int, seed: int) -> synthetic.Targets:
        rng = np.random.default_rng((config_seed, seed, round(1000 * information), 1))
        return synthetic.targets(information * np.asarray(shares), rng.standard_normal((runs, len(shares))))

    return make


class Batch:
    """The targets of several families in one search, which then is compiled once."""

    def __init__(self, family: Family, bits: tuple[float, ...], runs: int, split: bool, seed: int):
        self.parts = [family(amount, runs, seed) for amount in bits]
        self.all = synthetic.Targets(*map(np.concatenate, zip(*self.parts, strict=True)))
        # What the decoder knows comes from targets of the same family that are not those coded.
        training = [family(amount, _TRAINING, seed + 100) for amount in bits]
        chosen = [intervals_from_kl(targets.kl_bits.mean(axis=0)) for targets in training]
        self.intervals = chosen if split else [None] * len(chosen)
        self.rows = np.repeat(chosen, runs, axis=0) if split else None
        self.capacity = max(2, 1 << (int(np.max(chosen)) - 1).bit_length())
        pairs = zip(training, self.intervals, strict=True)
        self.known = [synthetic.lengths(targets, intervals, seed) for targets, intervals in pairs]

    def search(self, algorithm: rec.RECAlgorithm, key: randomness.Key) -> Any:
        """Index, sample, steps and status of each target, in NumPy, split by family."""
        found = synthetic.search(algorithm, key, self.all, self.rows, self.capacity)
        fields = (found.code.index, found.sample, found.info.steps, found.info.status)
        return zip(*(np.split(np.asarray(part), len(self.parts)) for part in fields), strict=True)
