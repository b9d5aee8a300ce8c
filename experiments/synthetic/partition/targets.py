"""Targets of the experiment on partitions, and what a decoder learns from other targets of the same family."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.synthetic import targets as synthetic
from recjax import randomness, rec
from recjax.rec.candidates.interval_counts import intervals_from_kl

# Share of the Renyi-infinity divergence that the means contribute; the scales contribute the rest.
_FROM_MEAN = 0.25
# Number of targets from which the intervals and the index code are learned.
_TRAINING = 2000

Family = Callable[[float, int, int], synthetic.Targets]
"""Function that draws targets, given their bits (of divergence or information), their number and a seed."""


def of_divergence(shares: tuple[float, ...], config_seed: int) -> Family:
    """Makes a family of targets of equal Renyi-infinity divergence, with means in random directions.

    Args:
        shares: Share of the bits in each dimension, of sum 1.
        config_seed: Seed of the experiment.

    Returns:
        The family, whose bits are the divergence.
    """

    def make(divergence: float, runs: int, seed: int) -> synthetic.Targets:
        rng = np.random.default_rng((config_seed, seed, round(1000 * divergence)))
        noise = rng.standard_normal((runs, len(shares)))
        length = math.sqrt(2 * math.log(2) * _FROM_MEAN * divergence)
        noise *= length / np.linalg.norm(noise, axis=1, keepdims=True)
        return synthetic.targets((1 - _FROM_MEAN) * divergence * np.asarray(shares), noise)

    return make


def of_information(shares: tuple[float, ...], config_seed: int) -> Family:
    """Makes a family of targets of a channel.

    Args:
        shares: Share of the bits in each dimension, of sum 1.
        config_seed: Seed of the experiment.

    Returns:
        The family, whose bits are the mutual information, which is the mean KL.
    """

    def make(information: float, runs: int, seed: int) -> synthetic.Targets:
        rng = np.random.default_rng((config_seed, seed, round(1000 * information), 1))
        return synthetic.targets(information * np.asarray(shares), rng.standard_normal((runs, len(shares))))

    return make


class Batch:
    """Holds the targets of several families, which one call searches, so that the search is compiled once.

    Attributes:
        parts: Targets of each family.
        all: Targets of all families, joined.
        intervals: Number of intervals of each dimension for each family; None for each without a partition.
        rows: Number of intervals of each dimension for each of `all`; None without a partition.
        capacity: Upper bound of the intervals, a power of two.
        known: What the decoder knows of each family, learned from other targets.
    """

    def __init__(self, family: Family, bits: tuple[float, ...], runs: int, split: bool, seed: int):
        self.parts = [family(amount, runs, seed) for amount in bits]
        self.all = synthetic.Targets(*map(np.concatenate, zip(*self.parts, strict=True)))
        # The decoder may know the family, but not the targets that are coded: it learns from other draws.
        training = [family(amount, _TRAINING, seed + 100) for amount in bits]
        chosen = [intervals_from_kl(targets.kl_bits.mean(axis=0)) for targets in training]
        self.intervals = chosen if split else [None] * len(chosen)
        self.rows = np.repeat(chosen, runs, axis=0) if split else None
        self.capacity = max(2, 1 << (int(np.max(chosen)) - 1).bit_length())
        pairs = zip(training, self.intervals, strict=True)
        self.known = [synthetic.lengths(targets, intervals, seed) for targets, intervals in pairs]

    def search(self, algorithm: rec.RECAlgorithm, key: randomness.Key) -> Any:
        """Encodes one sample of each target.

        Args:
            algorithm: The coder.
            key: Key of the searches.

        Returns:
            An iterator over families of (index, sample, steps, status), as NumPy arrays.
        """
        found = synthetic.search(algorithm, key, self.all, self.rows, self.capacity)
        fields = (found.code.index, found.sample, found.info.steps, found.info.status)
        return zip(*(np.split(np.asarray(part), len(self.parts)) for part in fields), strict=True)
