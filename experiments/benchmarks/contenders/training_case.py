"""Sizes and settings of training that all contenders share, and random data, which take as long as real data."""

import numpy as np
from jaxtyping import UInt8

LATENTS, HIDDEN, DROPOUT, BATCH, PIXELS = 40, (256, 256), 0.1, 100, 784
LEARNING_RATE, WEIGHT_DECAY, AVERAGE, CLIP = 1e-3, 1e-4, 0.999, 5.0
MAX_LOGIT, MIN_LOG_TOTAL, MAX_LOG_TOTAL = 12.0, -4.0, 8.0

INR_STEPS, INR_WEIGHT, INR_LEARNING_RATE, INR_PRIOR_SCALE = 20, 1e4, 0.02, 0.1


def images(levels: int, count: int) -> UInt8[np.ndarray, "count pixels"]:
    """Draws random images to train a VAE on.

    Args:
        levels: Number of pixel values.
        count: Number of images.

    Returns:
        Pixels in [0, levels).
    """
    return np.random.default_rng(0).integers(0, levels, (count, PIXELS), dtype=np.uint8)


def pictures(count: int) -> UInt8[np.ndarray, "count 32 32 3"]:
    """Draws random pictures to fit implicit representations to.

    Args:
        count: Number of pictures.

    Returns:
        RGB pictures.
    """
    return np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
