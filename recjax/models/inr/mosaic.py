"""Represents pictures as a list of patches: which patches touch, and in which square of each level they lie.

So the networks of pictures of any size run on arrays whose only size is a number of patches, which may be padded.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32, Shaped

from recjax.models.inr import hierarchy as levels


class Mosaic(NamedTuple):
    """The patches of pictures, picture by picture and row by row, followed by padding.

    Attributes:
        count: Number of patches without the padding.
        near: Numbers of the nine patches around each patch, rows from above to below, with itself in the middle; the
            number of all patches, padding included, where there is none.
        squares: For each level, the number of each patch's square, which counts on from each picture to the next.
    """

    count: Int32[np.ndarray, ""]
    near: Int32[np.ndarray, "patch 3 3"]
    squares: tuple[Int32[np.ndarray, "patch"], ...]


def make(spans: tuple[int, ...], pictures: int, tall: int, wide: int, patches: int | None = None) -> Mosaic:
    """Makes the mosaic of pictures of one size.

    Args:
        spans: Span of each level, in patches.
        pictures: Number of pictures.
        tall: Rows of patches of a picture.
        wide: Columns of patches of a picture.
        patches: Number of patches with padding; None for no padding.

    Returns:
        The mosaic, of NumPy arrays.
    """
    count = pictures * tall * wide
    patches = count if patches is None else patches
    numbers = np.arange(count, dtype=np.int32).reshape(pictures, tall, wide)
    around = np.pad(numbers, ((0, 0), (1, 1), (1, 1)), constant_values=patches)
    near = np.full((patches, 3, 3), patches, np.int32)
    for y in range(3):
        for x in range(3):
            near[:count, y, x] = around[:, y : y + tall, x : x + wide].reshape(-1)
    squares = tuple(np.pad(levels.squares_of(span, pictures, tall, wide), (0, patches - count)) for span in spans)
    return Mosaic(np.array(count, np.int32), near, squares)


@jax.custom_vjp
def with_edges(
    x: Shaped[Array, "patch row column feature"], near: Int32[Array, "patch 3 3"]
) -> Shaped[Array, "patch row+2 column+2 feature"]:
    """Extends each patch by the nearest rows and columns of its neighbours.

    Args:
        x: Values of patches.
        near: Numbers of neighbours, see `Mosaic`.

    Returns:
        The patches with one row or column more on each side, 0 beyond the edge of a picture.
    """
    rows = [jnp.concatenate([_seen(x, near, up, across) for across in range(3)], axis=2) for up in range(3)]
    return jnp.concatenate(rows, axis=1)


def _seen(x, near, up: int, across: int):
    """Returns the part of the neighbour in a direction that each patch sees."""
    if up == across == 1:
        return x
    part = x[:, _NEAREST[up]][:, :, _NEAREST[across]]
    return jnp.concatenate([part, jnp.zeros_like(part[:1])])[near[:, up, across]]


# The part of a neighbour that a patch sees: the last row of one above, all rows of one beside, the first of one below;
# and likewise for columns.
_NEAREST = (slice(-1, None), slice(None), slice(None, 1))
# The place of that part in the patch with its edges.
_SEEN_AT = (slice(None, 1), slice(1, -1), slice(-1, None))


def _forward(x, near):
    return with_edges(x, near), near


def _backward(near, slope):
    # A patch is seen by its neighbours in the opposite direction, so gradients are gathered from them by a look-up,
    # too: a scatter would be slow.
    total = slope[:, 1:-1, 1:-1]
    for up in range(3):
        for across in range(3):
            if up == across == 1:
                continue
            part = slope[:, _SEEN_AT[up]][:, :, _SEEN_AT[across]]
            by = jnp.concatenate([part, jnp.zeros_like(part[:1])])[near[:, 2 - up, 2 - across]]
            total = total.at[:, _NEAREST[up], _NEAREST[across]].add(by)
    return total, None


with_edges.defvjp(_forward, _backward)
