"""The general-purpose codecs return what they were given, and a loss would be noticed."""

import gzip
import importlib.util
import io

import numpy as np
import pytest
from PIL import Image

from experiments.baselines import codecs as baseline_codecs
from experiments.baselines import lossless as baselines
from experiments.baselines.codecs import OPTIONAL, Baseline, codecs_for, mosaic, split_mosaic

RANDOM = np.random.default_rng(0)
STACKS = {
    "digits-like": (17, RANDOM.integers(0, 17, (23, 8, 8), dtype=np.uint8)),
    "all values, wide": (256, RANDOM.integers(0, 256, (5, 3, 11), dtype=np.uint8)),
    "one image": (256, RANDOM.integers(0, 256, (1, 4, 6), dtype=np.uint8)),
    "one pixel": (256, np.full((1, 1, 1), 255, np.uint8)),
    "two levels": (2, RANDOM.integers(0, 2, (11, 5, 7), dtype=np.uint8)),
    "two levels, one pixel": (2, np.ones((1, 1, 1), np.uint8)),
}


@pytest.mark.parametrize("name", STACKS)
def test_every_baseline_round_trips_in_both_forms(name):
    levels, stack = STACKS[name]
    rates = baselines.measure_all(stack, levels)
    assert len(rates) == 2 * len(codecs_for(levels))
    assert {rate.access for rate in rates} == {baselines.PER_IMAGE, baselines.ONE_STREAM}


@pytest.mark.parametrize("name", STACKS)
def test_a_mosaic_splits_into_its_images(name):
    _, stack = STACKS[name]
    picture = mosaic(stack)
    assert picture.size < stack.size + stack.shape[1] * picture.shape[1]
    np.testing.assert_array_equal(split_mosaic(picture, stack.shape), stack)


def test_a_mosaic_reads_like_a_page():
    picture = mosaic(np.arange(4, dtype=np.uint8).reshape(4, 1, 1))
    np.testing.assert_array_equal(picture, [[0, 1], [2, 3]])


def test_sizes_are_those_of_the_files():
    levels, stack = STACKS["digits-like"]
    sizes = {(rate.name, rate.access): rate.file_bytes for rate in baselines.measure_all(stack, levels)}
    assert sizes["gzip", baselines.ONE_STREAM] == len(gzip.compress(stack.tobytes(), 9))
    assert sizes["gzip", baselines.PER_IMAGE] == sum(len(gzip.compress(image.tobytes(), 9)) for image in stack)


def test_images_of_two_levels_take_a_bit_a_pixel():
    levels, stack = STACKS["two levels"]
    codecs = {codec.name: codec for codec in codecs_for(levels)}
    assert gzip.decompress(codecs["gzip"].encode(stack)) == np.packbits(stack).tobytes()
    assert Image.open(io.BytesIO(codecs["PNG"].encode(stack))).mode == "1"


def test_codecs_that_are_not_installed_are_named_and_left_out(monkeypatch):
    if importlib.util.find_spec("imagecodecs"):
        assert baseline_codecs.left_out() is None and {*OPTIONAL} < {codec.name for codec in codecs_for(256)}
    monkeypatch.setattr(baseline_codecs, "_has_bench", lambda: False)
    sentence = baseline_codecs.left_out()
    assert sentence and all(name in sentence for name in (*OPTIONAL, "pip install"))
    assert [codec.name for codec in codecs_for(256)] == ["gzip", "bz2", "xz", "PNG", "WebP"]


def test_a_lossy_codec_is_refused():
    lossy = Baseline("lossy", lambda images: b"", lambda data, shape: np.zeros(shape, np.uint8))
    with pytest.raises(RuntimeError, match=r"lossy \(one stream\)"):
        baselines.measure(lossy, STACKS["one pixel"][1], baselines.ONE_STREAM)
