"""What is trained: sizes that every contender has, and random data, which take as long as real ones."""

import numpy as np
from jaxtyping import UInt8

LATENTS, HIDDEN, DROPOUT, BATCH, PIXELS = 40, (256, 256), 0.1, 100, 784
LEARNING_RATE, WEIGHT_DECAY, AVERAGE, CLIP = 1e-3, 1e-4, 0.999, 5.0
MAX_LOGIT, MIN_LOG_TOTAL, MAX_LOG_TOTAL = 12.0, -4.0, 8.0

INR_STEPS, INR_WEIGHT, INR_LEARNING_RATE, INR_PRIOR_SCALE = 20, 1e4, 0.02, 0.1


def images(levels: int, count: int) -> UInt8[np.ndarray, "count pixels"]:
    """Images of a VAE."""
    return np.random.default_rng(0).integers(0, levels, (count, PIXELS), dtype=np.uint8)


def pictures(count: int) -> UInt8[np.ndarray, "count 32 32 3"]:
    """Pictures of representations."""
    return np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
