"""Inputs of the head from the decoded neighbours of a pixel: their values, and which of them are not 0.

The float head in training and the exact one in a codec get the same numbers: values are in units of 2^-bits for pixels
of `bits` bits, so that they are exact in both.
"""

from math import prod

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Int32

from recjax.coding.wavefront import wavefront

FRACTION_BITS = 11
"""Fraction bits of all inputs of the exact head, also of its features, which reach +-16."""


def num_inputs(radius: int) -> int:
    """Returns the number of inputs from a context: two for each of the radius (2 radius + 1) + radius neighbours.

    Args:
        radius: How far a pixel sees.

    Returns:
        The number of inputs.
    """
    return 4 * radius * (radius + 1)


def exact_inputs(values: Int[Array, "*batch seen"], levels: int) -> Int32[Array, "*batch inputs"]:
    """Computes the inputs of the exact head from the values of neighbours.

    Args:
        values: Values of the neighbours of a pixel, 0 for those outside of the image.
        levels: Number of pixel values.

    Returns:
        Inputs in units of 2^-11: first the values, then 1 for each neighbour that is not 0.
    """
    values = values.astype(jnp.int32)
    present = (values > 0).astype(jnp.int32) << FRACTION_BITS
    return jnp.concatenate([values << (FRACTION_BITS - _bits(levels)), present], axis=-1)


def float_inputs(
    x: Int[Array, "*batch pixels"], image_shape: tuple[int, ...], radius: int, levels: int
) -> Float[Array, "*batch pixels inputs"]:
    """Computes the inputs of the float head for all pixels of images.

    Args:
        x: Images with values 0 to levels - 1.
        image_shape: (height, width) of an image.
        radius: How far a pixel sees.
        levels: Number of pixel values.

    Returns:
        The numbers of `exact_inputs` as floats.
    """
    values = seen(x, image_shape, radius).astype(jnp.float32)
    return jnp.concatenate([values * 2.0 ** -_bits(levels), (values > 0).astype(jnp.float32)], axis=-1)


def seen(x: Int[Array, "*batch pixels"], image_shape: tuple[int, ...], radius: int) -> Int[Array, "*batch pixels seen"]:
    """Collects the neighbours that every pixel of images sees.

    Args:
        x: Images.
        image_shape: (height, width) of an image.
        radius: How far a pixel sees.

    Returns:
        Values of the neighbours in the order of `neighbours`, 0 for those outside of the image.
    """
    # These are slices of a padded image, because a gather takes several times as long on CPUs.
    height, width = image_shape
    images = x.reshape(*x.shape[:-1], height, width)
    padded = jnp.pad(images, [(0, 0)] * (images.ndim - 2) + [(radius, 0), (radius, radius)])
    offsets = [(up, across) for up in range(radius) for across in range(2 * radius + 1)]
    offsets += [(radius, left) for left in range(radius)]
    views = [padded[..., up : up + height, across : across + width] for up, across in offsets]
    return jnp.stack(views, axis=-1).reshape(*x.shape[:-1], prod(image_shape), -1)


def neighbours(image_shape: tuple[int, ...], radius: int) -> Int32[np.ndarray, "pixels seen"]:
    """Returns the numbers of the pixels that each pixel sees.

    Args:
        image_shape: (height, width) of an image.
        radius: How far a pixel sees.

    Returns:
        Numbers of pixels in row order, or the number of all pixels for neighbours outside of the image.
    """
    return wavefront(image_shape, radius).neighbours


def _bits(levels: int) -> int:
    return (levels - 1).bit_length()
