"""Squares and patches of pictures as padded lists: nothing is lost, and padding repeats the last."""

import numpy as np
import pytest

from recjax.codecs.lossy.layout import Layout


@pytest.mark.parametrize("level", [0, 1, 2])
def test_padding_repeats_the_last_square_and_is_taken_off(level):
    layout = Layout((4, 2, 1), pictures=3, tall=3, wide=5)
    count, padded_count = layout.squares[level], layout.padded_squares[level]
    assert layout.squares == (6, 18, 45) and padded_count > count
    x = np.random.default_rng(level).normal(size=(3, count // 3, 2)).astype(np.float32)
    padded = layout.padded(level, x)
    assert np.array_equal(padded[:count], x.reshape(count, 2)) and len(padded) == padded_count
    assert (padded[count:] == x[-1, -1]).all()
    assert np.array_equal(layout.by_picture(level, padded), x)
