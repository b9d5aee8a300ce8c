"""The general-purpose codecs return what they were given, and a loss would be noticed."""

import gzip

import numpy as np
import pytest

from experiments import baselines

RANDOM = np.random.default_rng(0)
STACKS = {
    "digits-like": RANDOM.integers(0, 17, (23, 8, 8), dtype=np.uint8),
    "all values, wide": RANDOM.integers(0, 256, (5, 3, 11), dtype=np.uint8),
    "one image": RANDOM.integers(0, 256, (1, 4, 6), dtype=np.uint8),
    "one pixel": np.full((1, 1, 1), 255, np.uint8),
}


@pytest.mark.parametrize("name", STACKS)
def test_every_baseline_round_trips_in_both_forms(name):
    rates = baselines.measure_all(STACKS[name])
    assert len(rates) == 2 * len(baselines.BASELINES)
    assert {rate.access for rate in rates} == {baselines.PER_IMAGE, baselines.ONE_STREAM}


@pytest.mark.parametrize("name", STACKS)
def test_a_mosaic_splits_into_its_images(name):
    stack = STACKS[name]
    picture = baselines.mosaic(stack)
    assert picture.size < stack.size + stack.shape[1] * picture.shape[1]
    np.testing.assert_array_equal(baselines.split_mosaic(picture, stack.shape), stack)


def test_a_mosaic_reads_like_a_page():
    picture = baselines.mosaic(np.arange(4, dtype=np.uint8).reshape(4, 1, 1))
    np.testing.assert_array_equal(picture, [[0, 1], [2, 3]])


def test_sizes_are_those_of_the_files():
    stack = STACKS["digits-like"]
    sizes = {(rate.name, rate.access): rate.file_bytes for rate in baselines.measure_all(stack)}
    assert sizes["gzip", baselines.ONE_STREAM] == len(gzip.compress(stack.tobytes(), 9))
    assert sizes["gzip", baselines.PER_IMAGE] == sum(len(gzip.compress(image.tobytes(), 9)) for image in stack)


def test_a_lossy_codec_is_refused():
    lossy = baselines.Baseline("lossy", lambda images: b"", lambda data, shape: np.zeros(shape, np.uint8))
    with pytest.raises(RuntimeError, match=r"lossy \(one stream\)"):
        baselines.measure(lossy, STACKS["one pixel"], baselines.ONE_STREAM)
