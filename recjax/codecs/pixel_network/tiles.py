"""Cuts pictures into square tiles, each of which is coded without the others, and puts them together again.

Nothing here imports JAX.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32, UInt8

MIN_SIDE_LOG2, MAX_SIDE_LOG2 = 5, 8
"""log2 of the smallest and of the largest side of a tile in pixels."""


@dataclass(frozen=True)
class Tiling:
    """Describes how pictures of one shape are cut into tiles, which are numbered picture by picture, row by row.

    Attributes:
        image_shape: The shape of a picture: (height, width) or (height, width, 3).
        side_log2: log2 of the largest side of a tile. Tiles of a picture are about equal in size.
    """

    image_shape: tuple[int, ...]
    side_log2: int

    @property
    def side(self) -> int:
        """The side of a tile in pixels."""
        return 1 << self.side_log2

    @property
    def channels(self) -> int:
        """The number of channels of a pixel."""
        return self.image_shape[2] if len(self.image_shape) == 3 else 1

    @property
    def grid(self) -> tuple[int, int]:
        """The number of rows and of columns of tiles of a picture."""
        height, width = self.image_shape[:2]
        return -(-height // self.side), -(-width // self.side)

    @property
    def _most(self) -> tuple[int, int]:
        """The height and the width of all tiles but the last of a row or a column."""
        height, width = (-(-size // count) for size, count in zip(self.image_shape, self.grid, strict=False))
        return height, width

    @property
    def tiles(self) -> int:
        """The number of tiles of a picture."""
        rows, columns = self.grid
        return rows * columns

    def sizes(self, numbers: np.ndarray) -> tuple[Int32[np.ndarray, "..."], Int32[np.ndarray, "..."]]:
        """Computes the sizes of tiles.

        Args:
            numbers: The numbers of the tiles, of any shape; they may run over several pictures.

        Returns:
            The heights and the widths in pixels, int32, of the shape of `numbers`.
        """
        places = np.divmod(numbers % self.tiles, self.grid[1])
        whole = zip(self.image_shape, self._most, places, strict=False)
        heights, widths = (np.minimum(most, size - most * place).astype(np.int32) for size, most, place in whole)
        return heights, widths

    def cut(self, images: UInt8[np.ndarray, "count ..."], numbers: np.ndarray) -> UInt8[np.ndarray, "tile y x channel"]:
        """Cuts tiles out of pictures.

        Args:
            images: The pictures.
            numbers: The numbers of the tiles, [tile]; those beyond the last tile are all 0.

        Returns:
            The tiles, uint8 [tile, side, side, channels]; what is outside of a picture is 0.
        """
        result = np.zeros((len(numbers), self.side, self.side, self.channels), np.uint8)
        for tile, number in zip(result, numbers, strict=True):
            picture, place = divmod(int(number), self.tiles)
            if picture < len(images):
                part = self._window(images[picture], place)
                tile[: part.shape[0], : part.shape[1]] = part.reshape(*part.shape[:2], -1)
        return result

    def paste(
        self, images: UInt8[np.ndarray, "count ..."], numbers: np.ndarray, tiles: UInt8[np.ndarray, "tile y x channel"]
    ) -> None:
        """Puts tiles into pictures.

        Args:
            images: The pictures, which are changed.
            numbers: The numbers of the tiles, [tile]; those beyond the last tile are left out.
            tiles: The tiles.
        """
        for tile, number in zip(tiles, numbers, strict=True):
            picture, place = divmod(int(number), self.tiles)
            if picture < len(images):
                window = self._window(images[picture], place)
                window[...] = tile[: window.shape[0], : window.shape[1]].reshape(window.shape)

    def _window(self, image: np.ndarray, place: int) -> np.ndarray:
        row, column = divmod(place, self.grid[1])
        height, width = self._most
        return image[row * height : (row + 1) * height, column * width : (column + 1) * width]


def side_log2_for(image_shape: tuple[int, ...]) -> int:
    """Chooses the side of the tiles of pictures of a shape.

    Args:
        image_shape: The shape of a picture.

    Returns:
        log2 of the smallest side into which the picture fits, or of the largest side that there is.
    """
    return min(max((max(image_shape[:2]) - 1).bit_length(), MIN_SIDE_LOG2), MAX_SIDE_LOG2)
