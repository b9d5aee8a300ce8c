"""Families of Gaussian targets, each of a channel X -> Z of a given mutual information, and bounds on their codes."""

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
    """Targets [run, dim] of a channel of `information` bits, and log2 of the intervals that cut each dimension."""

    information: int
    targets: synthetic.Targets
    intervals_log2: int

    @property
    def dims(self) -> int:
        """Number of dimensions, which all carry as much."""
        return self.targets.mean.shape[1]

    @property
    def kl_bits(self) -> np.ndarray:
        """KL of each target, over all dimensions."""
        return self.targets.kl_bits.sum(axis=1)

    def known(self) -> dict[str, Any]:
        """What every coder's row says of it: bounds in bits above the mutual information, and how fine the grid is.

        words_per_scale: most words of the grid that a standard deviation holds, of any target.
        """
        row = {"information": self.information, "dims": self.dims}
        density = np.exp(-(self.targets.mean**2) / 2) / math.sqrt(2 * math.pi)
        row |= {"words_per_scale": float(np.max(self.targets.scale * density)) * 2**grid.BITS}
        row |= {"channel_overhead": mean_channel_overhead(self.targets)}
        for name, constant in (("ring_toss", RING_TOSS), ("functional", FUNCTIONAL_REPRESENTATION)):
            row[name] = float(sufficient_overhead(self.information, constant))
        return row

    def widened(self, dims: int) -> tuple[synthetic.Targets, np.ndarray]:
        """Targets and intervals with more dimensions, which carry nothing and are not cut."""
        more = ((0, 0), (0, dims - self.dims))
        targets = synthetic.Targets(*(np.pad(self.targets[k], more, constant_values=k) for k in (0, 1)))
        cut = np.full(self.targets.mean.shape, 1 << self.intervals_log2)
        return targets, np.pad(cut, more, constant_values=1)


def make_family(information: int, dims: int, runs: int, seed: int, intervals_log2: int) -> Family:
    """A channel whose dimensions share the information evenly, cut in 2^(their share) intervals at most."""
    noise = np.random.default_rng((seed, information, dims)).standard_normal((runs, dims))
    made = synthetic.targets(np.full(dims, information / dims), noise)
    # What a coder is given is a float32, which moves the mean of a narrow target by a part of its scale.
    rounded = (part.astype(np.float32).astype(np.float64) for part in made)
    return Family(information, synthetic.Targets(*rounded), min(information // dims, intervals_log2))
