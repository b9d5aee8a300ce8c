"""Pictures as a list of patches: which patches touch, and in which squares of the levels each of them lies.

So the networks of pictures of any size run on arrays whose only size is a number of patches, which may be padded.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32, Shaped

from recjax.models.inr import hierarchy as levels


class Mosaic(NamedTuple):
    """The patches of pictures, picture by picture and row by row, and then padding.

    count: of the patches that are no padding. near: number of each patch's neighbours, above, beside and below it, and
    of itself in the middle; the number of all patches where there is none. squares: of each level, the number of each
    patch's square, picture by picture.
    """

    count: Int32[np.ndarray, ""]
    near: Int32[np.ndarray, "patch 3 3"]
    squares: tuple[Int32[np.ndarray, "patch"], ...]


def make(spans: tuple[int, ...], pictures: int, tall: int, wide: int, patches: int | None = None) -> Mosaic:
    """Makes the mosaic of pictures of tall x wide patches, padded to `patches` if given."""
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
    """Each patch with the nearest rows and columns of its neighbours around it, 0 beyond the edge of a picture."""
    rows = [jnp.concatenate([_seen(x, near, up, across) for across in range(3)], axis=2) for up in range(3)]
    return jnp.concatenate(rows, axis=1)


def _seen(x, near, up: int, across: int):
    """What patches see of their neighbour in a direction."""
    if up == across == 1:
        return x
    part = x[:, _NEAREST[up]][:, :, _NEAREST[across]]
    return jnp.concatenate([part, jnp.zeros_like(part[:1])])[near[:, up, across]]


# Of a neighbour before, the last row is seen, of one behind, the first.
_NEAREST = (slice(-1, None), slice(None), slice(None, 1))
# Where it is seen, of a patch with its edges.
_SEEN_AT = (slice(None, 1), slice(1, -1), slice(-1, None))


def _forward(x, near):
    return with_edges(x, near), near


def _backward(near, slope):
    # Look-ups as well: a patch is seen by its neighbours in the opposite direction, and adding to places would be slow.
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
