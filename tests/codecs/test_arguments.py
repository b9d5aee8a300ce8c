"""What Python callers hand to the codecs by mistake: a sentence for each, before any work."""

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest

import recjax
from recjax.models.inr import model as inr_model

IMAGES = np.zeros((2, 8, 8), np.uint8)


@pytest.fixture(scope="module")
def lossy():
    return inr_model.load_model("cifar10")


COMPRESS = {
    "a name of no model": ((IMAGES, "numbers"), {}, "there is no model 'numbers'"),
    "a number for a model": ((IMAGES, 7), {}, r"must be what recjax.load_model\(...\) returns, got a int; load one"),
    "images that no model is for": ((IMAGES[:, :5], None), {"method": "orc"}, "no released model codes .* shape 5x8"),
    "pictures of two channels": ((np.stack([IMAGES] * 2, -1), None), {}, "no released pixel network .* 2 channels"),
    "a path for images": (("digits.npy", "model"), {}, "images must be one uint8 array, got a str; read them"),
    "nothing for images": ((None, "model"), {}, "images must be one uint8 array, got a NoneType"),
    "images of two shapes": (([IMAGES[0], IMAGES[0, :4]], "model"), {}, "stack images of one shape"),
    "floats": ((IMAGES / 16, "model"), {}, "codes uint8 images of shape .* got float64"),
    "a list of integers": ((IMAGES.tolist(), "model"), {}, "codes uint8 images of shape .* got int64"),
    "a seed in words": ((IMAGES, "model"), {"seed": "1"}, "a seed is an integer in .* got '1'"),
    "a negative seed": ((IMAGES, "model"), {"seed": -1}, "a seed is an integer"),
    "a list of methods": ((IMAGES, "model"), {"method": ["pfr"]}, r"unknown method \['pfr'\]; choose one of"),
    "a partition in words": ((IMAGES, "model"), {"method": "pfr", "partition": "none"}, "partition must be True or"),
    "bits in words": ((IMAGES, "model"), {"method": "pfr", "block_bits": "6"}, "block_bits must be 0 or more, got '6'"),
    "candidates in words": ((IMAGES, "model"), {"method": "pfr", "candidates": "64"}, "candidates must be a whole num"),
}


@pytest.mark.parametrize("name", COMPRESS)
def test_compress_says_what_it_wants(name, model):
    (images, given), options, sentence = COMPRESS[name]
    with pytest.raises(ValueError, match=sentence):
        recjax.compress(images, model if given == "model" else given, **options)


def test_models_of_the_other_kind_are_told(model, lossy):
    with pytest.raises(ValueError, match=r"got 'cifar10', which is for recjax.compress_lossy; load one of this kind"):
        recjax.compress(IMAGES, lossy)
    with pytest.raises(ValueError, match=r"recjax.load_lossy_model\(...\) returns, got 'digits', which is for recj"):
        recjax.compress_lossy(IMAGES[..., None], model)
    with pytest.raises(
        ValueError, match=r"recjax.load_lossy_model.* got a str; call recjax.load_lossy_model.'cifar10'"
    ):
        recjax.compress_lossy(IMAGES[..., None], "cifar10")
    with pytest.raises(ValueError, match=r"a seed is an integer"):
        recjax.compress_lossy(IMAGES[..., None], lossy, seed=1.5)
    with pytest.raises(ValueError, match=r"bits_per_pixel must be 0 or more, got '2'"):
        recjax.compress_lossy(IMAGES[..., None], lossy, bits_per_pixel="2")
    with pytest.raises(ValueError, match=r"codes uint8 pictures .* got float64"):
        recjax.compress_lossy(np.zeros((1, 32, 32, 3)), lossy)


FILE = recjax.compress(IMAGES, "digits")
DECOMPRESS = {
    "a path": (("file.rjx",), {}, r"a file is given as its bytes, got a str; read it, as pathlib.Path"),
    "a Path": ((Path("file.rjx"),), {}, "a file is given as its bytes, got a PosixPath"),
    "an array": ((np.zeros((3, 3), np.uint8),), {}, "a file is given as its bytes, got a ndarray"),
    "nothing": ((None,), {}, "a file is given as its bytes, got a NoneType"),
    "an index in words": ((b"RJX",), {"index": "0"}, "index is the number of an image, from 0, or None .* got a str"),
    "a slice": ((b"RJX",), {"index": slice(3)}, "index is the number of an image"),
    "a model of no kind": ((FILE,), {"model": 7}, r"must be what recjax.load_model\(...\) returns, got a int"),
    "a name of no model": ((FILE,), {"model": "numbers"}, "there is no model 'numbers'"),
    "a limit in words": ((b"RJX",), {"max_bytes": "1"}, "max_bytes must be 0 or more, got '1'"),
    "a time in words": ((b"RJX",), {"max_seconds": "1"}, "max_seconds must be 0 or more, got '1'"),
}


@pytest.mark.parametrize("name", DECOMPRESS)
def test_decompress_says_what_it_wants(name):
    arguments, options, sentence = DECOMPRESS[name]
    with pytest.raises(ValueError, match=sentence):
        recjax.decompress(*arguments, **options)


def test_models_may_be_named(model, golden, digits):
    assert recjax.compress(digits[:8], "digits") == recjax.compress(digits[:8]) == recjax.compress(digits[:8], model)
    assert np.array_equal(recjax.decompress(golden["bb-ans"], model="digits"), digits[:8])


def in_an_array(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint8)


@pytest.mark.parametrize("kind", [bytearray, memoryview, in_an_array], ids=lambda kind: kind.__name__)
def test_bytes_of_every_kind_are_read(kind, golden, digits):
    assert np.array_equal(recjax.decompress(kind(golden["bb-ans"])), digits[:8])


@pytest.mark.parametrize("load", [recjax.load_model, recjax.load_lossy_model], ids=["lossless", "lossy"])
@pytest.mark.parametrize("wrong", [None, 7, b"digits", ["digits"]], ids=str)
def test_models_are_loaded_by_names_and_paths(load, wrong):
    with pytest.raises(ValueError, match=r"a model is loaded by its name or the path of its file, got"):
        load(wrong)


def test_models_pickle_and_copy(model, lossy):
    for one in (model, lossy):
        for again in (pickle.loads(pickle.dumps(one)), copy.deepcopy(one)):
            assert type(again) is type(one) and again.digest == one.digest and again.name == one.name
