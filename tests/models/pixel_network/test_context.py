"""What a pixel network sees: causal, the same for encoder and decoder, and within bounds."""

import jax
import numpy as np
import pytest

from recjax.models.fixed_point.network import LIMIT
from recjax.models.pixel_network.context import (
    FIRST_PIXEL,
    MARGIN_ABOVE,
    MARGIN_LEFT,
    MARGIN_RIGHT,
    NEIGHBOURS,
    ROWS_STEP,
    channel_inputs,
    context_of,
    neighbours_in,
    num_inputs,
)
from tests import pixel_networks


def contexts(pixels, values):
    """The contexts of all pixels of one tile, [height, width, ...], and the inputs of each channel."""
    height, width = pixels.shape[:2]
    padded = np.pad(pixels.astype(np.int32), ((MARGIN_ABOVE, 0), (0, MARGIN_RIGHT), (0, 0)), mode="edge")
    padded = np.pad(padded, ((0, 0), (MARGIN_LEFT, 0), (0, 0)), constant_values=values)
    padded[:MARGIN_ABOVE] = values
    row, column = np.mgrid[:height, :width].astype(np.int32)
    context = context_of(neighbours_in(padded), row, column, np.full((height, width), width, np.int32))
    return context, [channel_inputs(context, padded[MARGIN_ABOVE:, MARGIN_LEFT:-MARGIN_RIGHT, :c]) for c in range(3)]


def test_neighbours_are_decoded_before_the_pixel():
    assert all(right + ROWS_STEP * down < 0 for down, right in NEIGHBOURS)
    assert len(set(NEIGHBOURS)) == len(NEIGHBOURS)
    downs, rights = zip(*NEIGHBOURS, strict=True)
    assert (-min(downs), -min(rights), max(rights)) == (MARGIN_ABOVE, MARGIN_LEFT, MARGIN_RIGHT)


def test_what_is_outside_of_a_tile_does_not_matter():
    pixels = pixel_networks.picture(6, 9)
    first, second = contexts(pixels, 0), contexts(pixels, 255)
    jax.tree.map(np.testing.assert_array_equal, first, second)


def test_a_pixel_depends_on_nothing_that_is_decoded_later():
    pixels = pixel_networks.picture(6, 9)
    before, _ = contexts(pixels, 0)
    changed = pixels.copy()
    changed[3, 4:] = 255 - changed[3, 4:]
    changed[4:] = 255 - changed[4:]
    after, _ = contexts(changed, 0)
    row, column = np.mgrid[:6, :9]
    earlier = (row < 3) | ((row == 3) & (column <= 4))
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a[earlier], b[earlier]), before, after)
    assert (np.asarray(before.inputs)[3, 5] != np.asarray(after.inputs)[3, 5]).any()


def test_the_base_is_the_mean_of_left_and_up_corrected_by_the_slope():
    pixels = pixel_networks.picture(5, 8)
    context, _ = contexts(pixels, 0)
    p = pixels.astype(int)
    expected = 2 * p[2, 2] + 2 * p[1, 3] + p[1, 4] - p[1, 2]
    np.testing.assert_array_equal(context.base[2, 3], expected)
    # The first pixel sees nothing.
    np.testing.assert_array_equal(context.base[0, 0], 4 * FIRST_PIXEL)


@pytest.mark.parametrize("kind", ["black and white", "noise", "flat"])
def test_inputs_stay_within_the_fixed_point_range(kind):
    rng = np.random.default_rng(0)
    pixels = {"black and white": 255 * rng.integers(0, 2, (16, 16, 3)), "noise": rng.integers(0, 256, (16, 16, 3))}
    context, inputs = contexts(pixels.get(kind, np.full((16, 16, 3), 77)).astype(np.uint8), 0)
    for channel, own in enumerate(inputs):
        assert own.shape[-1] == num_inputs(3, channel)
        assert np.abs(np.asarray(own, np.int64)).max() <= LIMIT
    assert int(np.min(context.activity)) >= 32
    np.testing.assert_array_equal(context.reciprocal, 2**24 // np.asarray(context.activity))


def test_one_channel_and_three_equal_ones_have_the_same_unit():
    grey = pixel_networks.picture(8, 8, 1)[..., None]
    row, column = np.mgrid[:8, :8].astype(np.int32)
    width = np.full((8, 8), 8, np.int32)
    three, _ = contexts(np.repeat(grey, 3, axis=-1), 0)
    padded = np.pad(grey.astype(np.int32), ((MARGIN_ABOVE, 0), (0, MARGIN_RIGHT), (0, 0)), mode="edge")
    padded = np.pad(padded, ((0, 0), (MARGIN_LEFT, 0), (0, 0)))
    one = context_of(neighbours_in(padded), row, column, width)
    np.testing.assert_array_equal(one.activity, three.activity)
