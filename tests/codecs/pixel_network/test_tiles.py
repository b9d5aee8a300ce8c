"""Cutting pictures into tiles and the order in which their pixels are coded."""

import jax.numpy as jnp
import numpy as np
import pytest

from recjax.codecs.pixel_network.tiles import Tiling, side_log2_for
from recjax.codecs.pixel_network.wavefront import SHARE, num_heads, num_lanes, num_steps, place_at
from recjax.models.pixel_network.context import MARGIN_RIGHT, ROWS_STEP
from tests.pixel_networks import picture

SHAPES = [(1, 1, 3), (1, 100, 3), (100, 1), (32, 32), (33, 64, 3), (65, 31, 3), (95, 97)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_tiles_cover_every_pixel_once(shape):
    images = np.stack([picture(*shape[:2], shape[2] if len(shape) == 3 else 1, seed=k) for k in range(2)])
    tiling = Tiling(shape, 5)
    numbers = np.arange(2 * tiling.tiles + 1)
    height, width = tiling.sizes(numbers[:-1])
    assert height.min() >= 1 and height.max() <= 32 and width.min() >= 1 and width.max() <= 32
    assert (height * width).sum() == 2 * shape[0] * shape[1]
    # Tiles of a row, or of a column, differ by no more than what is left over.
    assert np.ptp(height) < max(tiling.grid[0], 2) and np.ptp(width) < max(tiling.grid[1], 2)
    tiles = tiling.cut(images, numbers)
    assert not tiles[-1].any()
    back = np.zeros_like(images)
    tiling.paste(back, numbers, tiles)
    np.testing.assert_array_equal(back, images)


def test_the_side_of_tiles_fits_the_picture():
    sides = {(1, 1): 5, (32, 32): 5, (28, 33): 6, (64, 64, 3): 6, (65, 3): 7, (512, 768, 3): 8, (128, 1): 7}
    assert {shape: side_log2_for(shape) for shape in sides} == sides


@pytest.mark.parametrize(("side", "height", "width"), [(32, 32, 32), (32, 20, 31), (32, 1, 32), (64, 64, 7)])
def test_the_wavefront_reaches_every_pixel_once_and_after_its_neighbours(side, height, width):
    reached = np.full((height, width), -1)
    for step in range(num_steps(height, width)):
        place = place_at(jnp.int32(step), side)
        for row, column in zip(np.asarray(place.row), np.asarray(place.column), strict=True):
            if 0 <= row < height and column < width:
                assert reached[row, column] == -1
                reached[row, column] = step
    row, column = np.mgrid[:height, :width]
    np.testing.assert_array_equal(reached, column + ROWS_STEP * row)


@pytest.mark.parametrize("side", [32, 64, 128, 256])
def test_lanes_keep_a_row_until_its_margin_is_over(side):
    assert num_lanes(side) * ROWS_STEP >= side + MARGIN_RIGHT and num_heads(side) * SHARE == num_lanes(side)
