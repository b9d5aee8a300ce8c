"""Codes batches of tiles: all of a batch in one compiled program, whose shapes depend on the side of the tiles alone.

The encoder knows all pixels, so it evaluates the network a row at a time; the decoder evaluates it step by step along
the wavefront. Both code the symbols in the same order.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32, UInt8, UInt32

from recjax.codecs.pixel_network.wavefront import SHARE, num_heads, num_lanes, place_at
from recjax.coding import rans
from recjax.coding.rans import TOTAL_MASS, Message
from recjax.coding.tail import Pending
from recjax.models.pixel_network.context import (
    MARGIN_ABOVE,
    MARGIN_LEFT,
    MARGIN_RIGHT,
    NEIGHBOURS,
    ROWS_STEP,
    context_of,
    neighbours_in,
)
from recjax.models.pixel_network.exact import PreparedChannel, mixture
from recjax.models.pixel_network.mixture import interval, value_at

_HISTORY = 1 + max(-right - ROWS_STEP * down for down, right in NEIGHBOURS)
"""How many steps the decoder remembers."""

Networks = tuple[PreparedChannel, ...]

_NOTHING: Any = Pending()
"""The place of a tail while the bytes of pushes are collected."""


def batch_of(side: int) -> int:
    """Returns how many tiles are coded at once.

    Args:
        side: The side of the tiles in pixels.

    Returns:
        The number of tiles: few, as several batches are coded in parallel, and a step takes a time of its own.
    """
    return 768 // side


def capacity_of(side: int, channels: int) -> int:
    """Returns the most bytes that the symbols of a tile can take.

    Args:
        side: The side of the tile in pixels.
        channels: The number of channels.

    Returns:
        The number of bytes.
    """
    return 2 * side * side * channels


@partial(jax.jit, static_argnames="side")
def encode_tiles(
    networks: Networks,
    heads: UInt32[Array, "tiles heads"],
    pixels: UInt8[Array, "tiles side side channels"],
    height: Int32[Array, "tiles"],
    width: Int32[Array, "tiles"],
    steps: Int32[Array, ""],
    *,
    side: int,
) -> Message:
    """Pushes a tile onto each of some messages.

    Args:
        networks: The networks of the channels.
        heads: The heads of the messages.
        pixels: The tiles, channels in the order of coding; what lies outside of a tile's height and width is not coded.
        height: The height of each tile; 0 for none.
        width: The width of each tile.
        steps: The largest number of steps of a tile.
        side: The side of the tiles.

    Returns:
        Messages with the new heads, and with the bytes that the tiles added as their tails.
    """
    batch, channels = heads.shape[0], pixels.shape[-1]
    start, freq = _intervals(networks, pixels.astype(jnp.int32), width)
    empty = rans.empty((batch,), num_heads(side), capacity_of(side, channels))

    def at_step(number: Int32[Array, ""]):
        """Collects the symbols of a step, [channels * SHARE, tiles, heads]."""
        row, column, active = _active(number, height, width, side)
        symbols = []
        for part, nothing in ((start, 0), (freq, TOTAL_MASS)):
            own = part[jnp.arange(batch)[:, None], jnp.clip(row, 0, side - 1), jnp.clip(column, 0, side - 1)]
            symbols.append(_shares(jnp.where(active[..., None], own, jnp.uint32(nothing))))
        return symbols

    def push(head, number):
        starts, freqs = at_step(number)

        def one(head, symbol):
            message = rans.push(empty._replace(head=head, tail=_NOTHING), *symbol)
            shed: Any = message.tail
            return message.head, shed.joined(head)[:, 0]

        head, shed = jax.lax.scan(one, head, (starts, freqs), reverse=True)
        # The last symbol is pushed first.
        return head, shed[::-1]

    numbers = steps - 1 - jnp.arange(ROWS_STEP * (side - 1) + side, dtype=jnp.int32)
    heads, shed = jax.lax.scan(push, heads, numbers)
    shed = jnp.moveaxis(shed.reshape(-1, *heads.shape), 1, 0)
    return rans.write(empty._replace(head=heads), shed)


@partial(jax.jit, static_argnames="side")
def decode_tiles(
    networks: Networks,
    message: Message,
    height: Int32[Array, "tiles"],
    width: Int32[Array, "tiles"],
    steps: Int32[Array, ""],
    *,
    side: int,
) -> tuple[Message, UInt8[Array, "tiles side side channels"]]:
    """Pops a tile from each of some messages.

    Args:
        networks: The networks of the channels.
        message: The messages.
        height: The height of each tile; 0 for none.
        width: The width of each tile.
        steps: The largest number of steps of a tile.
        side: The side of the tiles.

    Returns:
        The messages without the tiles, and the tiles, channels in the order of coding.
    """
    batch, channels, lanes = message.head.shape[0], len(networks), num_lanes(side)
    history = jnp.zeros((_HISTORY, batch, lanes, channels), jnp.int32)
    pixels = jnp.zeros((batch, side + 1, side, channels), jnp.uint8)

    def step(number, carry):
        message, history, pixels = carry
        row, column, active = _active(number, height, width, side)
        # The lane above is one lower, and the first lane continues the rows of the last.
        neighbours = [jnp.roll(history[right + ROWS_STEP * down], -down, axis=1) for down, right in NEIGHBOURS]
        shape = (batch, lanes)
        context = context_of(neighbours, row, column, jnp.broadcast_to(width[:, None], shape))
        # Or XLA computes it again wherever it is used.
        context = jax.lax.optimization_barrier(context)
        values = jnp.zeros((*shape, 0), jnp.int32)
        for _ in range(channels):
            message, value = _pop(message, mixture(networks, context, values), active)
            values = jnp.concatenate([values, value[..., None]], -1)
        # Beyond the last column, a row repeats its last pixel.
        values = jnp.where((column >= width[:, None])[..., None], history[-1], values)
        place = jnp.where(active, row, side)
        pixels = pixels.at[jnp.arange(batch)[:, None], place, jnp.clip(column, 0, side - 1)].set(
            values.astype(jnp.uint8)
        )
        return message, jnp.concatenate([history[1:], values[None]]), pixels

    message, _, pixels = jax.lax.fori_loop(0, steps, step, (message, history, pixels))
    return message, pixels[:, :side]


def _pop(message: Message, distribution, active) -> tuple[Message, Int32[Array, "tiles lanes"]]:
    """Pops the values of a channel, for the lanes that share a head one after another."""
    values = []
    parts = jax.tree.map(lambda leaf: leaf.reshape(leaf.shape[0], -1, SHARE, *leaf.shape[2:]), (distribution, active))
    for share in range(SHARE):
        own, live = jax.tree.map(lambda leaf, share=share: leaf[:, :, share], parts)
        value = value_at(own, rans.peek(message))
        start, freq = interval(own, value)
        start, freq = jnp.where(live, start, 0), jnp.where(live, freq, TOTAL_MASS)
        message = rans.pop(message, start.astype(jnp.uint32), freq.astype(jnp.uint32))
        values.append(value)
    return message, jnp.stack(values, -1).reshape(values[0].shape[0], -1)


def _active(number, height, width, side):
    """Computes each lane's row and column at a step, and whether there is a pixel, all [tiles, lanes]."""
    place = place_at(number, side)
    shape = (height.shape[0], place.row.shape[0])
    row, column = jnp.broadcast_to(place.row, shape), jnp.broadcast_to(place.column, shape)
    return row, column, (row >= 0) & (row < height[:, None]) & (column < width[:, None])


def _shares(symbols: UInt32[Array, "tiles lanes channels"]) -> UInt32[Array, "symbols tiles heads"]:
    """Puts the symbols of a step into the order of coding: channel by channel, and lane by lane of each head."""
    tiles, _, channels = symbols.shape
    ordered = symbols.reshape(tiles, -1, SHARE, channels).transpose(3, 2, 0, 1)
    return ordered.reshape(channels * SHARE, tiles, -1)


def _intervals(networks: Networks, pixels: Int32[Array, "tiles side side channels"], width: Int32[Array, "tiles"]):
    """Computes the interval of every symbol of tiles, a row at a time."""
    tiles, side, _, channels = pixels.shape
    column = jnp.arange(side + MARGIN_RIGHT, dtype=jnp.int32)
    last = jnp.minimum(column, width[:, None] - 1)
    repeated = jnp.take_along_axis(pixels, jnp.maximum(last, 0)[:, None, :, None], axis=2)
    padded = jnp.pad(repeated, ((0, 0), (MARGIN_ABOVE, 0), (MARGIN_LEFT, 0), (0, 0)))
    shape = (tiles, 1, side)

    def row_of(row):
        rows = jax.lax.dynamic_slice_in_dim(padded, row, MARGIN_ABOVE + 1, axis=1)
        places = (jnp.broadcast_to(row, shape), jnp.broadcast_to(column[:side], shape))
        context = context_of(neighbours_in(rows), *places, jnp.broadcast_to(width[:, None, None], shape))
        values = rows[:, MARGIN_ABOVE:, MARGIN_LEFT : MARGIN_LEFT + side]
        found = [
            interval(mixture(networks, context, values[..., :channel]), values[..., channel])
            for channel in range(channels)
        ]
        return tuple(jnp.stack(parts, -1)[:, 0] for parts in zip(*found, strict=True))

    start, freq = jax.lax.map(row_of, jnp.arange(side, dtype=jnp.int32))
    return jnp.moveaxis(start, 0, 1), jnp.moveaxis(freq, 0, 1)


def fresh_heads(side: int) -> UInt32[np.ndarray, "tiles heads"]:
    """Makes the heads of messages without symbols.

    Args:
        side: The side of the tiles in pixels.

    Returns:
        The heads, uint32 [tiles, heads].
    """
    return np.full((batch_of(side), num_heads(side)), rans.HEAD_MIN, np.uint32)
