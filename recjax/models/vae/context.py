"""What the likelihood of a pixel is told of its decoded neighbours: their values, and which of them are not 0.

Both networks that evaluate it, the float one in training and the exact one in a codec, get the same numbers: a value is
in units of 2^-bits for pixels of `bits` bits, so that it is exact in either.
"""

from math import prod

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Int32

from recjax.coding.wavefront import wavefront

FRACTION_BITS = 11
"""All inputs of the exact network are in units of 2^-11: those from the latents too, which reach +-16."""


def num_inputs(radius: int) -> int:
    """Inputs for a context of this radius: two for each of the radius (2 radius + 1) + radius neighbours."""
    return 4 * radius * (radius + 1)


def exact_inputs(values: Int[Array, "*batch seen"], levels: int) -> Int32[Array, "*batch inputs"]:
    """The inputs in units of 2^-11 from the values of the neighbours, 0 for those outside of the image."""
    values = values.astype(jnp.int32)
    present = (values > 0).astype(jnp.int32) << FRACTION_BITS
    return jnp.concatenate([values << (FRACTION_BITS - _bits(levels)), present], axis=-1)


def float_inputs(
    x: Int[Array, "*batch pixels"], image_shape: tuple[int, ...], radius: int, levels: int
) -> Float[Array, "*batch pixels inputs"]:
    """The inputs of every pixel of images."""
    values = seen(x, image_shape, radius).astype(jnp.float32)
    return jnp.concatenate([values * 2.0 ** -_bits(levels), (values > 0).astype(jnp.float32)], axis=-1)


def seen(x: Int[Array, "*batch pixels"], image_shape: tuple[int, ...], radius: int) -> Int[Array, "*batch pixels seen"]:
    """The neighbours of every pixel of images, in the order of `wavefront.neighbours`, 0 outside of the image."""
    # Slices of a padded image: a gather takes several times as long on CPUs, and its gradient is not needed.
    height, width = image_shape
    images = x.reshape(*x.shape[:-1], height, width)
    padded = jnp.pad(images, [(0, 0)] * (images.ndim - 2) + [(radius, 0), (radius, radius)])
    offsets = [(up, across) for up in range(radius) for across in range(2 * radius + 1)]
    offsets += [(radius, left) for left in range(radius)]
    views = [padded[..., up : up + height, across : across + width] for up, across in offsets]
    return jnp.stack(views, axis=-1).reshape(*x.shape[:-1], prod(image_shape), -1)


def neighbours(image_shape: tuple[int, ...], radius: int) -> Int32[np.ndarray, "pixels seen"]:
    """Numbers of the pixels that each pixel sees; the number of pixels for those outside of the image."""
    return wavefront(image_shape, radius).neighbours


def _bits(levels: int) -> int:
    return (levels - 1).bit_length()
