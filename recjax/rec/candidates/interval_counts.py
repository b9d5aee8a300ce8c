"""Chooses how many equal-mass intervals each latent gets in space partitioning (arXiv:2405.12203)."""

import numpy as np
from jaxtyping import Float, Int32

# A search keeps a table of the intervals of every dimension, so this bounds its memory.
MAX_INTERVALS = 2**8


def intervals_from_kl(kl_bits: Float[np.ndarray, "latents"]) -> Int32[np.ndarray, "latents"]:
    """Chooses the number of intervals J of each latent, about 2^kl_bits.

    The sum of log2 J is at most the sum of `kl_bits`. A latent that carries no information keeps one interval: to
    partition it would cost bits and save no candidates.

    Args:
        kl_bits: Mean KL divergence of each latent, in bits.

    Returns:
        Numbers in [1, 256].
    """
    kl_bits = np.asarray(kl_bits, np.float64)
    intervals = np.clip(np.rint(np.exp2(np.minimum(kl_bits, np.log2(MAX_INTERVALS)))), 1, MAX_INTERVALS)
    while np.log2(intervals).sum() > kl_bits.sum():
        # Take from the latent whose intervals exceed its information most.
        excess = np.where(intervals > 1, np.log2(intervals) - kl_bits, -np.inf)
        intervals[int(np.argmax(excess))] -= 1
    return intervals.astype(np.int32)
