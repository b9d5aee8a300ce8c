"""The order in which the pixels of a tile are coded: a wavefront, in which each row runs three columns behind the last.

All rows that are active at a step are coded together, each in a lane of its own. A lane takes a further row as soon as
it is through with one, so a third as many lanes as columns keep all of a tile's rows going.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Int32

from recjax.models.pixel_network.context import MARGIN_RIGHT, ROWS_STEP

SHARE = 3
"""How many lanes share one head of the entropy coder, whose symbols they code one after another."""


class Place(NamedTuple):
    """Holds where the lanes are at a step.

    Attributes:
        row: The row of each lane's pixel, negative before it has begun.
        column: The column of each lane's pixel; those at and beyond the width of the tile repeat its last pixel.
    """

    row: Int32[Array, "lanes"]
    column: Int32[Array, "lanes"]


def num_lanes(side: int) -> int:
    """Counts the lanes of a tile.

    Args:
        side: The side of the tile in pixels.

    Returns:
        The number of lanes, a multiple of SHARE.
    """
    return SHARE * -(-(side + MARGIN_RIGHT) // (SHARE * ROWS_STEP))


def num_heads(side: int) -> int:
    """Counts the heads of the entropy coder of a tile.

    Args:
        side: The side of the tile in pixels.

    Returns:
        The number of heads.
    """
    return num_lanes(side) // SHARE


def num_steps(height: Any, width: Any) -> Any:
    """Counts the steps in which a tile is coded.

    Args:
        height: The height of the tile in pixels, an int or an array of the heights of several tiles.
        width: The width of the tile in pixels, of the same kind.

    Returns:
        The number of steps, of the same kind.
    """
    return ROWS_STEP * (height - 1) + width


def place_at(step: Int32[Array, ""], side: int) -> Place:
    """Computes where the lanes are at a step.

    Args:
        step: The number of the step.
        side: The side of the tile in pixels.

    Returns:
        The places.
    """
    lanes = num_lanes(side)
    lane = jnp.arange(lanes, dtype=jnp.int32)
    since = step - ROWS_STEP * lane
    turn = since // (ROWS_STEP * lanes)
    return Place(jnp.where(since < 0, -1, turn * lanes + lane), since - turn * ROWS_STEP * lanes)
