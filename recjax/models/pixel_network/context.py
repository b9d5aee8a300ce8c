"""Computes what a pixel network sees of a pixel: the decoded neighbours, relative to their mean and local activity.

Everything is an integer, so that encoder and decoder compute the same on every machine. The decoder reaches row r at
column c in step c + 3 r, so a neighbour may lie at most two columns to the right for each row above.
"""

from functools import cache
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32

from recjax.models.fixed_point.logarithms import FRACTION_BITS as LOG_BITS
from recjax.models.fixed_point.logarithms import log2_fixed
from recjax.models.fixed_point.network import LIMIT

NEIGHBOURS = (
    (0, -1), (-1, 0), (-1, -1), (-1, 1), (0, -2), (-2, 0), (-1, -2), (-1, 2), (-2, -1), (-2, 1), (0, -3), (-2, 2),
)  # fmt: skip
"""The pixels that a pixel depends on, as (rows down, columns to the right), nearest first."""

ROWS_STEP = 3
"""How many columns a row lies behind the row above it while both are decoded."""

MARGIN_ABOVE = 2
MARGIN_LEFT = 3
MARGIN_RIGHT = 2
"""How far neighbours reach, in pixels. To the right of a row, its last pixel is repeated."""

INPUT_FRACTION_BITS = 12
"""Inputs of the networks are in units of 2^-12."""

FIRST_PIXEL = 128
"""The value that stands for the neighbours of the first pixel of a tile."""

_ACTIVE = 6
"""How many of the nearest neighbours tell the local activity."""

_ACTIVITY_FLOOR = 32
_ACTIVITY_ONE = 64
_RECIPROCAL_BITS = 8
_FLAGS = 4


class Context(NamedTuple):
    """Holds what a network is told of some pixels, before any of their own channels is known.

    Attributes:
        base: A first guess of each channel in quarters of a grey level: the mean of the pixels to the left and above,
            corrected by the slope of the row above.
        activity: How much the nearest neighbours differ from that guess, in units of 1/64 grey level, at least 32.
        reciprocal: 2^24 / activity, which turns quarters of a grey level into units of the activity.
        inputs: What all channels are told, in units of 2^-12.
    """

    base: Int32[Array, "*pixels channels"]
    activity: Int32[Array, "*pixels"]
    reciprocal: Int32[Array, "*pixels"]
    inputs: Int32[Array, "*pixels inputs"]


def num_inputs(channels: int, channel: int) -> int:
    """Counts the inputs of the network of a channel.

    Args:
        channels: How many channels a pixel has.
        channel: The channel, in the order of coding.

    Returns:
        The number of inputs.
    """
    return channels * len(NEIGHBOURS) + 1 + channels + _FLAGS + channel


def neighbours_in(
    padded: Int32[Array, "*batch rows columns channels"],
) -> list[Int32[Array, "*batch height width channels"]]:
    """Cuts out the neighbours of all pixels of pictures that are known as a whole.

    Args:
        padded: The pictures with MARGIN_ABOVE rows above, and MARGIN_LEFT and MARGIN_RIGHT columns beside them.

    Returns:
        The values at each of NEIGHBOURS.
    """
    height = padded.shape[-3] - MARGIN_ABOVE
    width = padded.shape[-2] - MARGIN_LEFT - MARGIN_RIGHT
    return [
        padded[
            ...,
            MARGIN_ABOVE + down : MARGIN_ABOVE + down + height,
            MARGIN_LEFT + right : MARGIN_LEFT + right + width,
            :,
        ]
        for down, right in NEIGHBOURS
    ]


def context_of(
    neighbours: list[Int32[Array, "*pixels channels"]],
    row: Int32[Array, "*pixels"],
    column: Int32[Array, "*pixels"],
    width: Int32[Array, "*pixels"],
) -> Context:
    """Computes the context of some pixels.

    Args:
        neighbours: The values at each of NEIGHBOURS, 0 to 255. Those above the first row or left of the first column
            may be anything; those right of the last column repeat the last pixel of their row.
        row: The row of each pixel in its tile.
        column: The column of each pixel in its tile.
        width: The width of its tile.

    Returns:
        The context.
    """
    neighbours = _without_missing(neighbours, row, column)
    left, up, up_left, up_right = neighbours[:4]
    base = 2 * (left + up) + up_right - up_left
    differences = [4 * value - base for value in neighbours]
    by_channel = sum(abs(difference) for difference in differences[1:_ACTIVE]) + abs(differences[0])
    channels = base.shape[-1]
    # A picture of one channel counts it three times, so that the unit is the same for all pictures.
    total = by_channel.sum(-1) * (3 // channels)
    activity = total + _ACTIVITY_FLOOR
    reciprocal = (1 << (16 + _RECIPROCAL_BITS)) // activity
    logs = jnp.asarray(_half_logs())
    flags = jnp.stack([row == 0, row == 1, column == 0, column == width - 1], -1)
    parts = [scaled(difference, reciprocal) for difference in differences]
    parts += [logs[activity][..., None], logs[4 * by_channel + _ACTIVITY_FLOOR]]
    parts += [flags.astype(jnp.int32) << INPUT_FRACTION_BITS]
    return Context(base, activity, reciprocal, jnp.concatenate(parts, -1))


def scaled(
    difference: Int32[Array, "*pixels channels"], reciprocal: Int32[Array, "*pixels"]
) -> Int32[Array, "*pixels channels"]:
    """Expresses differences in units of the local activity.

    Args:
        difference: Differences in quarters of a grey level.
        reciprocal: `Context.reciprocal`.

    Returns:
        The differences in units of 2^-12 of the activity, cut off at +-LIMIT.
    """
    return jnp.clip((difference * reciprocal[..., None]) >> _RECIPROCAL_BITS, -LIMIT, LIMIT)


def channel_inputs(context: Context, known: Int32[Array, "*pixels known"]) -> Int32[Array, "*pixels inputs"]:
    """Computes the inputs of the network of one channel.

    Args:
        context: The context.
        known: The channels of these pixels that are coded earlier.

    Returns:
        The inputs, in units of 2^-12.
    """
    count = known.shape[-1]
    if count == 0:
        return context.inputs
    own = scaled(4 * known - context.base[..., :count], context.reciprocal)
    return jnp.concatenate([context.inputs, own], -1)


def _without_missing(neighbours, row, column):
    """Replaces neighbours outside of the tile by the pixel above, in the first row by the one to the left."""
    first_row, first_column = (row == 0)[..., None], (column == 0)[..., None]
    stand_in = jnp.where(first_row, jnp.where(first_column, FIRST_PIXEL, neighbours[0]), neighbours[1])
    return [
        jnp.where((row < -down)[..., None] | (column < -right)[..., None], stand_in, value)
        for (down, right), value in zip(NEIGHBOURS, neighbours, strict=True)
    ]


@cache
def _half_logs() -> np.ndarray:
    """Returns log2(x / 64) / 2 - 1 for all activities x, in units of 2^-12."""
    largest = 2 * 3 * _ACTIVE * 4 * 320
    logs = log2_fixed(np.maximum(np.arange(largest), 1)) - (6 << LOG_BITS)
    shift = LOG_BITS - INPUT_FRACTION_BITS + 1
    return ((logs + (1 << (shift - 1))) >> shift).astype(np.int32) - (1 << INPUT_FRACTION_BITS)
