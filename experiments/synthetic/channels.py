"""Families of Gaussian targets that are the posteriors of channels X -> Z of given mutual information, with bounds."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.synthetic import targets as synthetic
from experiments.synthetic.channel_bound import (
    FUNCTIONAL_REPRESENTATION,
    RING_TOSS,
    mean_channel_overhead,
    sufficient_overhead,
)
from recjax import grid


@dataclass(frozen=True)
class Family:
    """Holds the targets of one channel.

    Attributes:
        information: Mutual information of the channel in bits, over all dimensions.
        targets: Targets [run, dim], one for each input of the channel.
        intervals_log2: Logarithm (base 2) of the number of intervals into which a partition cuts each dimension.
    """

    information: int
    targets: synthetic.Targets
    intervals_log2: int

    @property
    def dims(self) -> int:
        """Number of dimensions, which share the information evenly."""
        return self.targets.mean.shape[1]

    @property
    def kl_bits(self) -> np.ndarray:
        """KL divergence of each target from the prior in bits, over all dimensions; shape [run]."""
        return self.targets.kl_bits.sum(axis=1)

    def known(self) -> dict[str, Any]:
        """Collects the columns that do not depend on the coder, for the row of every coder.

        Returns:
            "information" (bits), "dims", "words_per_scale" (how many words of the grid one standard deviation spans,
            the most of all targets), and bounds in bits above the mutual information: "channel_overhead" (E[D_CS - KL],
            a lower bound), "ring_toss" and "functional" (overheads that suffice by theorems).
        """
        row = {"information": self.information, "dims": self.dims}
        density = np.exp(-(self.targets.mean**2) / 2) / math.sqrt(2 * math.pi)
        row |= {"words_per_scale": float(np.max(self.targets.scale * density)) * 2**grid.BITS}
        row |= {"channel_overhead": mean_channel_overhead(self.targets)}
        for name, constant in (("ring_toss", RING_TOSS), ("functional", FUNCTIONAL_REPRESENTATION)):
            row[name] = float(sufficient_overhead(self.information, constant))
        return row

    def widened(self, dims: int) -> tuple[synthetic.Targets, np.ndarray]:
        """Pads the targets with dimensions that equal the prior and are not cut, so that families can share one search.

        Args:
            dims: Number of dimensions to pad to, at least `self.dims`.

        Returns:
            Targets [run, dims], and the number of intervals of each of their dimensions, [run, dims].
        """
        more = ((0, 0), (0, dims - self.dims))
        targets = synthetic.Targets(*(np.pad(self.targets[k], more, constant_values=k) for k in (0, 1)))
        cut = np.full(self.targets.mean.shape, 1 << self.intervals_log2)
        return targets, np.pad(cut, more, constant_values=1)


def make_family(information: int, dims: int, runs: int, seed: int, intervals_log2: int) -> Family:
    """Draws the targets of a channel whose dimensions share the information evenly.

    Args:
        information: Mutual information in bits, over all dimensions.
        dims: Number of dimensions.
        runs: Number of targets.
        seed: Seed of the inputs.
        intervals_log2: Largest logarithm of the intervals of a dimension, which otherwise is its share of the bits.

    Returns:
        The family, whose means and scales are float32 values (stored as float64).
    """
    noise = np.random.default_rng((seed, information, dims)).standard_normal((runs, dims))
    made = synthetic.targets(np.full(dims, information / dims), noise)
    # Coders take float32 values, and rounding can move the mean of a narrow target by a noticeable part of its scale.
    # KL and bias therefore refer to the rounded targets.
    rounded = (part.astype(np.float32).astype(np.float64) for part in made)
    return Family(information, synthetic.Targets(*rounded), min(information // dims, intervals_log2))
