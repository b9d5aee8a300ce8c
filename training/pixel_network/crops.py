"""Reads a folder of pictures and draws crops of them as a pixel network sees them inside of tiles."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32, UInt8
from PIL import Image

from recjax.models.pixel_network.context import MARGIN_ABOVE, MARGIN_LEFT, MARGIN_RIGHT
from recjax.text import quoted

Picture = UInt8[np.ndarray, "height width channels"]

_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}
_INSIDE = 8
_BORDER = 1 / 16
"""The share of crops that lie at each border of a tile."""


class Crops(NamedTuple):
    """Holds a batch of crops with the pixels around them.

    Attributes:
        padded: The crops with margins, channels in the order of the pictures.
        row: The row in its tile of each crop's first row.
        column: The column in its tile of each crop's first column.
        width: The width of each crop's tile.
    """

    padded: Int32[np.ndarray, "batch rows columns channels"]
    row: Int32[np.ndarray, "batch"]
    column: Int32[np.ndarray, "batch"]
    width: Int32[np.ndarray, "batch"]


def read_groups(folder: Path, mode: str) -> dict[str, list[Picture]]:
    """Reads all pictures of a folder, in groups that a crop is drawn from equally often.

    Args:
        folder: A folder of PNG, JPEG and WebP files.
        mode: "RGB" or "L", as Pillow names the kind of pixels to convert them to.

    Returns:
        The pictures by group: what a file's name begins with, up to an underscore.

    Raises:
        ValueError: There are no pictures in the folder.
    """
    groups: dict[str, list[Picture]] = defaultdict(list)
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES):
        with Image.open(path) as image:
            pixels = np.asarray(image.convert(mode))
        groups[path.stem.partition("_")[0]].append(pixels.reshape(*pixels.shape[:2], -1))
    if not groups:
        raise ValueError(f"the folder {quoted(folder)} holds no PNG, JPEG or WebP; give a folder of pictures.")
    return dict(groups)


def held_out(groups: dict[str, list[Picture]], every: int) -> tuple[dict[str, list[Picture]], list[Picture]]:
    """Divides pictures into those to train on and those to measure on.

    Args:
        groups: The pictures by group.
        every: Of each group, one in so many is held out.

    Returns:
        The groups to train on, and the pictures held out.
    """
    kept = {
        name: [picture for number, picture in enumerate(own) if number % every != every - 1]
        for name, own in groups.items()
    }
    return kept, [picture for own in groups.values() for picture in own[every - 1 :: every]]


def draw(rng: np.random.Generator, groups: Sequence[Sequence[Picture]], batch: int, side: int) -> Crops:
    """Draws a batch of square crops, mirrored and turned at random; some of them lie at the borders of a tile.

    Args:
        rng: The source of randomness.
        groups: The pictures of each group.
        batch: How many crops to draw.
        side: The side of a crop in pixels.

    Returns:
        The crops.
    """
    crops = []
    for _ in range(batch):
        own = groups[int(rng.integers(len(groups)))]
        picture = own[int(rng.integers(len(own)))]
        if rng.random() < 0.5:
            picture = picture[:, ::-1]
        if rng.random() < 0.25:
            picture = picture.transpose(1, 0, 2)
        crops.append(_crop(rng, picture, side))
    return Crops(*(np.stack([np.asarray(crop[field], np.int32) for crop in crops]) for field in range(4)))


def _crop(rng: np.random.Generator, picture: Picture, side: int) -> tuple[np.ndarray, int, int, int]:
    height, width = picture.shape[:2]
    top = rng.integers(0, height - side + 1)
    left = rng.integers(0, width - side + 1)
    row, column, last = (0 if border else _INSIDE for border in rng.random(3) < _BORDER)
    right = left + side if last == 0 else width
    rows = np.clip(np.arange(top - MARGIN_ABOVE, top + side), 0, height - 1)
    columns = np.clip(np.arange(left - MARGIN_LEFT, left + side + MARGIN_RIGHT), 0, right - 1)
    tile = column + side if last == 0 else column + side + _INSIDE
    return picture[rows][:, columns], row, column, tile


def whole_tile(picture: Picture, side: int) -> Crops:
    """Cuts a tile from the middle of a picture.

    Args:
        picture: The picture.
        side: The side of the tile in pixels, at most that of the picture.

    Returns:
        The tile, as a batch of one crop that is coded without its surroundings.
    """
    top, left = ((size - side) // 2 for size in picture.shape[:2])
    tile = picture[top : top + side, left : left + side].astype(np.int32)
    padded = np.pad(tile, ((MARGIN_ABOVE, 0), (MARGIN_LEFT, MARGIN_RIGHT), (0, 0)), mode="edge")
    zero = np.zeros(1, np.int32)
    return Crops(padded[None], zero, zero, zero + side)
