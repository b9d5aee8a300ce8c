"""The order of a picture's channels, and the pixels around a tile."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

_ORDER = np.array([1, 0, 2])


def coding_order(pixels: Int[Array | np.ndarray, "*pixels channels"]) -> Int[Array, "*pixels channels"]:
    """Puts channels into the order of coding, or back: green first, as red and blue are predicted from it.

    Args:
        pixels: Pixels of one channel, or of red, green and blue.

    Returns:
        The pixels with red and green exchanged.
    """
    pixels = jnp.asarray(pixels)
    return pixels if pixels.shape[-1] == 1 else pixels[..., _ORDER]
