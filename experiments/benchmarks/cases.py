"""Blocks to code by ordered random coding (ORC), with the same targets for all contenders."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32


@dataclass(frozen=True)
class Case:
    """Describes blocks of normal targets under a standard normal coding distribution.

    Attributes:
        name: Name in tables.
        kl_bits: Approximate KL divergence of each dimension in bits, in (0, 10].
        candidates: Candidates of a block, in 1 ... 2^20.
        intervals: Number of intervals of each dimension; empty for no partition.
        shared: Whether all blocks may have the same candidates.

    Raises:
        ValueError: If a value is out of its range.
    """

    name: str
    kl_bits: tuple[float, ...]
    candidates: int
    intervals: tuple[int, ...] = ()
    shared: bool = False

    def __post_init__(self) -> None:
        if not self.kl_bits or not all(0 < bits <= 10 for bits in self.kl_bits):
            raise ValueError(f"kl_bits of {self.name!r} must be numbers in (0, 10], got {self.kl_bits}; correct them.")
        if self.intervals and (len(self.intervals) != len(self.kl_bits) or min(self.intervals) < 1):
            raise ValueError(f"intervals of {self.name!r} must be one for each of kl_bits, at least 1; correct them.")
        if not 1 <= self.candidates <= 1 << 20:
            raise ValueError(f"candidates of {self.name!r} must lie in 1 ... 2^20, got {self.candidates}.")

    @property
    def dim(self) -> int:
        """Number of dimensions of a block."""
        return len(self.kl_bits)

    def targets(self, blocks: int) -> tuple[Float32[np.ndarray, "block dim"], Float32[np.ndarray, "block dim"]]:
        """Draws the targets, with scales within 10% of 2^-kl_bits and means of +-sqrt(1 - scale^2).

        The terms of the KL in mean^2 and scale^2 then cancel, and a dimension has -log2(scale) bits.

        Args:
            blocks: Number of blocks.

        Returns:
            Means and scales.
        """
        rng = np.random.default_rng(0)
        scale = np.exp2(-np.asarray(self.kl_bits)) * rng.uniform(0.9, 1.1, (blocks, self.dim))
        mean = rng.choice([-1.0, 1.0], scale.shape) * np.sqrt(1 - np.minimum(scale, 0.999) ** 2)
        return mean.astype(np.float32), scale.astype(np.float32)
