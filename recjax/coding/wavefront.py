"""Codecs of images whose pixels depend on earlier ones, decoded as a wavefront of many pixels at once.

A pixel depends on neighbours in the `radius` rows above it, up to `radius` columns to either side, and on the `radius`
pixels to its left. All of these are decoded before step column + (radius + 1) row, so all pixels of a step are decoded
together: 109 steps for 28x28 pixels and radius 2, instead of 784 for one pixel at a time.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32, UInt32

from recjax.coding.codec import Codec, Lanes

Pixels = UInt32[Array, "pixels+1 *lanes"]
"""An image decoded so far: 0 for pixels that are not decoded yet, and a last 0 that stands for all pixels outside."""


class Wavefront(NamedTuple):
    """The pixels that each step decodes, and the neighbours of each pixel.

    Attributes:
        place: Numbers of the pixels decoded at each step; shorter steps are filled up with the number of all pixels,
            which no pixel has.
        neighbours: Numbers of the pixels that each pixel depends on; the number of all pixels for those outside of the
            image.
    """

    place: Int32[np.ndarray, "steps most"]
    neighbours: Int32[np.ndarray, "pixels seen"]


@lru_cache(maxsize=8)
def wavefront(image_shape: tuple[int, ...], radius: int) -> Wavefront:
    """Computes the wavefront over images of a shape.

    Args:
        image_shape: Height and width.
        radius: How many rows above and columns to either side a pixel depends on.

    Returns:
        The wavefront; pixels are numbered row by row.
    """
    height, width = image_shape
    pixels = height * width
    row, column = np.divmod(np.arange(pixels), width)
    step = column + (radius + 1) * row
    of_step = [np.flatnonzero(step == k) for k in range(int(step.max()) + 1)]
    place = np.full((len(of_step), max(map(len, of_step))), pixels, np.int32)
    for k, members in enumerate(of_step):
        place[k, : len(members)] = members
    offsets = [(-up, across) for up in range(radius, 0, -1) for across in range(-radius, radius + 1)]
    offsets += [(0, -left) for left in range(radius, 0, -1)]
    y, x = row[:, None] + [up for up, _ in offsets], column[:, None] + [across for _, across in offsets]
    inside = (y >= 0) & (x >= 0) & (x < width)
    return Wavefront(place, np.where(inside, y * width + x, pixels).astype(np.int32))


def autoregressive(
    place: Int32[Array | np.ndarray, "steps most"], pixels: int, codec_at: Callable[[jax.Array, Pixels], Codec]
) -> Codec:
    """Makes a codec of images that are coded step by step.

    Args:
        place: Numbers of the pixels of each step; see `Wavefront`.
        pixels: Number of pixels of an image.
        codec_at: Maps place[k] and the image, as far as it is known, to the codec of step k's pixels, [most, *lanes].
            It may look only at pixels of earlier steps. At places equal to `pixels`, where a step has fewer pixels than
            the longest one, it must leave the message as it is.

    Returns:
        Codec of images, uint32 [pixels, *lanes].
    """

    def push(message, image):
        whole = _with_outside(jnp.asarray(image).astype(jnp.uint32))

        def step(message, here):
            return codec_at(here, whole).push(message, whole[here]), None

        return jax.lax.scan(step, message, jnp.asarray(place), reverse=True)[0]

    def pop(message):
        nothing = jnp.zeros((pixels, *message.head.shape), jnp.uint32)

        def step(carry, here):
            message, image = carry
            message, symbols = codec_at(here, image).pop(message)
            exists = (here < pixels).reshape(-1, *(1,) * (symbols.ndim - 1))
            return (message, image.at[here].set(jnp.where(exists, symbols, 0))), None

        (message, image), _ = jax.lax.scan(step, (message, _with_outside(nothing)), jnp.asarray(place))
        return message, image[:pixels]

    return Codec(push, pop, pops_any_message=False)


def _with_outside(image: Lanes) -> Pixels:
    return jnp.concatenate([image, jnp.zeros_like(image[:1])])
