"""Codes streams of tiles: the tiles of a stream share the heads of the entropy coder and are decoded one after another.

A stream is written as the heads that are in use, four bytes each, and the bytes below them. It begins and ends with
heads that hold nothing, which tells a damaged stream from a good one.
"""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Int32, UInt8

from recjax import compiler
from recjax.codecs.pixel_network.coder import batch_of, capacity_of, decode_tiles, encode_tiles, fresh_heads
from recjax.codecs.pixel_network.tiles import Tiling
from recjax.codecs.pixel_network.wavefront import SHARE, num_lanes, num_steps
from recjax.coding import rans
from recjax.errors import FormatError
from recjax.models.pixel_network.model import PixelModel
from recjax.models.pixel_network.picture import coding_order

_HEAD_BYTES = 4


class Work(NamedTuple):
    """Describes which tiles a batch of streams holds.

    Attributes:
        numbers: The numbers of the tiles of each stream, in the order of decoding.
        height: The height of each tile; 0 for tiles that do not exist.
        width: The width of each tile.
    """

    numbers: Int32[np.ndarray, "streams tiles"]
    height: Int32[np.ndarray, "streams tiles"]
    width: Int32[np.ndarray, "streams tiles"]

    def heads(self, side: int) -> list[int]:
        """Counts the heads that each stream uses.

        Args:
            side: The side of the tiles in pixels.

        Returns:
            The number of heads of each stream.
        """
        rows = np.minimum(self.height.max(axis=1), num_lanes(side))
        return [int(count) for count in -(-rows // SHARE)]

    def steps(self, turn: int) -> np.int32:
        """Counts the steps in which all streams code one of their tiles.

        Args:
            turn: The number of the tile in its stream.

        Returns:
            The largest number of steps of a tile.
        """
        height, width = self.height[:, turn], self.width[:, turn]
        return np.int32(np.where(height > 0, num_steps(height, width), 0).max(initial=0))


def work_of(tiling: Tiling, images: int, streams: range, stream_tiles: int) -> Work:
    """Lists the tiles of some streams.

    Args:
        tiling: How pictures are cut into tiles.
        images: The number of pictures.
        streams: The numbers of the streams, at most as many as a batch.
        stream_tiles: The number of tiles of a stream; the last stream may have fewer.

    Returns:
        The tiles; streams that do not exist have none.
    """
    rows = np.arange(batch_of(tiling.side))
    numbers = ((streams.start + rows) * stream_tiles)[:, None] + np.arange(stream_tiles)
    height, width = tiling.sizes(numbers)
    exists = (numbers < images * tiling.tiles) & (rows < len(streams))[:, None]
    return Work(numbers.astype(np.int32), np.where(exists, height, 0), np.where(exists, width, 0))


@compiler.in_32_bits
def encode(model: PixelModel, tiling: Tiling, images: UInt8[np.ndarray, "count ..."], work: Work) -> list[bytes]:
    """Encodes a batch of streams.

    Args:
        model: The model.
        tiling: How pictures are cut into tiles.
        images: The pictures.
        work: The tiles of the streams.

    Returns:
        The bytes of each stream that has tiles.
    """
    side = tiling.side
    heads: jax.Array | np.ndarray = fresh_heads(side)
    tails: list[list[bytes]] = [[] for _ in work.numbers]
    for turn in reversed(range(work.numbers.shape[1])):
        if not work.height[:, turn].any():
            continue
        pixels = coding_order(tiling.cut(images, work.numbers[:, turn]))
        message = encode_tiles(
            model.networks, heads, pixels, work.height[:, turn], work.width[:, turn], work.steps(turn), side=side
        )
        heads = message.head
        tail, size = np.asarray(message.tail), np.asarray(message.size)
        for stream, own in enumerate(tails):
            own.append(tail[stream, : size[stream]].tobytes())
    words = np.asarray(heads).astype("<u4")
    return [
        words[stream, :used].tobytes() + b"".join(tails[stream]) for stream, used in enumerate(work.heads(side)) if used
    ]


@compiler.in_32_bits
def decode(
    model: PixelModel, tiling: Tiling, streams: list[bytes], work: Work, turns: int
) -> list[UInt8[np.ndarray, "streams y x channel"]]:
    """Decodes a batch of streams, a tile of each at a time.

    Args:
        model: The model.
        tiling: How pictures are cut into tiles.
        streams: The bytes of the streams.
        work: The tiles of the streams.
        turns: How many tiles of each stream to decode; if that is all, the ends of the streams are checked.

    Returns:
        The first tile of each stream, then the second one of each, and so on.

    Raises:
        FormatError: A stream is damaged.
    """
    side = tiling.side
    capacity = capacity_of(side, tiling.channels)
    heads, used = fresh_heads(side), work.heads(side)
    left = []
    for stream, data in enumerate(streams):
        if len(data) < _HEAD_BYTES * used[stream]:
            raise _damaged()
        own = np.frombuffer(data[: _HEAD_BYTES * used[stream]], "<u4")
        if own.min(initial=rans.HEAD_MIN) < rans.HEAD_MIN:
            raise _damaged()
        heads[stream, : own.size] = own
        left.append(data[_HEAD_BYTES * own.size :])
    tiles = []
    message = rans.empty((batch_of(side),), heads.shape[1], capacity)._replace(head=heads)
    for turn in range(turns):
        if not work.height[:, turn].any():
            # A header may state longer streams than there are tiles.
            break
        tail, size = np.zeros((batch_of(side), capacity), np.uint8), np.zeros(batch_of(side), np.int32)
        for stream, data in enumerate(left):
            window = data[-capacity:]
            tail[stream, : len(window)] = np.frombuffer(window, np.uint8)
            size[stream] = len(window)
        message = message._replace(tail=tail, size=size, low=size)
        message, pixels = decode_tiles(
            model.networks, message, work.height[:, turn], work.width[:, turn], work.steps(turn), side=side
        )
        after = np.asarray(message.size)
        left = [data[: len(data) - int(size[stream] - after[stream])] for stream, data in enumerate(left)]
        if np.any(np.asarray(message.fault)):
            raise _damaged()
        tiles.append(np.asarray(coding_order(pixels)))
    if turns == work.numbers.shape[1] and (any(left) or np.any(np.asarray(message.head) != rans.HEAD_MIN)):
        raise _damaged()
    return tiles


def _damaged() -> FormatError:
    return FormatError("a stream of pixels does not end as it should; the file is damaged, fetch it again.")
