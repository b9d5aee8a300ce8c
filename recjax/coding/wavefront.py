"""Images whose pixels are coded given those before them: decoding runs as a wavefront of many pixels at once.

A pixel sees the neighbours of `radius` rows above it and of `radius` columns to either side there, and `radius` pixels
to its left. All it sees is decoded before step column + (radius + 1) row, so every pixel of a step is decoded together:
109 steps for 28x28 pixels and radius 2, where one by one takes 784.
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
"""An image as a decoder has it so far: 0 where nothing is decoded, and a last 0 for all that lies outside."""


class Wavefront(NamedTuple):
    """The pixels of each step, and what each pixel sees.

    place: numbers of the pixels decoded at a step, `pixels` where there are fewer than in the longest step.
    neighbours: numbers of the pixels that a pixel sees, `pixels` for those outside of the image.
    """

    place: Int32[np.ndarray, "steps most"]
    neighbours: Int32[np.ndarray, "pixels seen"]


@lru_cache(maxsize=8)
def wavefront(image_shape: tuple[int, ...], radius: int) -> Wavefront:
    """The wavefront over images of a shape where pixels see neighbours within a radius."""
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
    """Images [pixels, *lanes], step by step; codec_at(place[k], image) codes the pixels of step k, [most, *lanes].

    It may look at the pixels of earlier steps alone. What it codes at places `pixels`, where a step has fewer pixels,
    must leave the message as it is.
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
