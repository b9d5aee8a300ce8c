"""The quality of lossy pictures. Imports no JAX."""

import numpy as np
from jaxtyping import Float, UInt8


def psnr(
    a: UInt8[np.ndarray, "picture *shape"], b: UInt8[np.ndarray, "picture *shape"]
) -> Float[np.ndarray, "picture"]:
    """Measures the peak signal-to-noise ratio of each picture.

    Args:
        a: Pictures.
        b: As many pictures of the same shape.

    Returns:
        The ratio of each picture, in dB; about 168 dB for equal pictures.

    Example:
        >>> import numpy as np
        >>> from recjax.codecs.lossy.quality import psnr
        >>> black, white = np.zeros((2, 8, 8, 3), np.uint8), np.full((2, 8, 8, 3), 255, np.uint8)
        >>> psnr(black, white).tolist()
        [0.0, 0.0]
    """
    errors = np.square(a.astype(np.float64) - b).reshape(len(a), -1).mean(axis=1)
    return 10 * np.log10(255.0**2 / np.maximum(errors, 1e-12))
