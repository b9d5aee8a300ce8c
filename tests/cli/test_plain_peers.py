"""A file that a plain compressor would beat says so, with the size that it would have."""

import io
import lzma
import sys
import time

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from recjax.cli import main as cli
from recjax.cli import plain_peers
from recjax.container import chunks

RANDOM = np.random.default_rng(0).integers(0, 256, (32, 28, 28), np.uint8)
FLAT = np.full((50, 28, 28), 9, np.uint8)
SLOPE = np.add.outer(np.arange(200) * 3, np.arange(300) ** 2 // 90).astype(np.uint8)[None]
DIGITS = load_digits().images[:200].astype(np.uint8)


def xz_bytes(images: np.ndarray) -> int:
    return len(lzma.compress(images.tobytes(), preset=9 | lzma.PRESET_EXTREME))


def png_bytes(images: np.ndarray) -> int:
    files = [io.BytesIO() for _ in images]
    for file, image in zip(files, images, strict=True):
        Image.fromarray(image).save(file, "PNG")
    return sum(file.tell() for file in files)


@pytest.mark.parametrize(
    "images, name, size",
    [(FLAT, "xz", xz_bytes), (DIGITS, "xz", xz_bytes), (SLOPE, "a PNG", png_bytes)],
    ids=["flat", "digits", "slope"],
)
def test_the_smallest_is_named_with_its_size(images, name, size):
    smaller = size(images)
    line = plain_peers.losing_to(images, 2 * smaller)
    assert line is not None and line.startswith(f"{name} of the same images would take {smaller:,} bytes, 50% less;")
    assert "under 1% less" in str(plain_peers.losing_to(images, smaller + 1))
    assert plain_peers.losing_to(images, smaller) is None


def test_images_that_nothing_shrinks_are_stored_without_a_word():
    assert plain_peers.losing_to(RANDOM, RANDOM.size + 50) is None
    assert plain_peers.losing_to(RANDOM[:0], 50) is None


@pytest.mark.parametrize("images", [np.tile(RANDOM[:1] // 16, (2_000, 1, 1)), np.tile(SLOPE, (1, 10, 10))])
def test_many_images_are_judged_by_some(images):
    start = time.process_time()
    line = plain_peers.losing_to(images, images.size)
    assert time.process_time() - start < 5
    assert line is not None and "would take about " in line
    about = int(line.partition("about ")[2].partition(" bytes")[0].replace(",", ""))
    assert images.size // 2000 < about < images.size // 10
    # Where a sample comes near, it is no judgement.
    assert plain_peers.losing_to(images, about + about // 50) is None


@pytest.mark.parametrize(
    "shape, most_bytes, most_images, found",
    [
        ((10, 4, 4), 1000, 1000, (10, 4, 4)),
        ((100, 4, 4), 160, 1000, (8, 4, 4)),
        ((100, 4, 4), 64, 1000, (4, 4, 4)),
        ((100, 4, 4), 1000, 16, (16, 4, 4)),
        ((3, 40, 10, 3), 300, 1000, (1, 10, 10, 3)),
        ((3, 2, 1000), 300, 1000, (1, 1, 1000)),
    ],
)
def test_samples_are_bounded_and_spread(shape, most_bytes, most_images, found):
    images = np.arange(np.prod(shape)).reshape(shape) % 251
    sample = plain_peers._sample(images.astype(np.uint8), most_bytes, most_images)
    assert sample.shape == found
    if 1 < len(sample) < len(images):
        np.testing.assert_array_equal(sample[0], images[0])
        np.testing.assert_array_equal(sample[-1], images[-1])


def test_without_lzma_pngs_are_left(monkeypatch):
    monkeypatch.setitem(sys.modules, "lzma", None)
    assert str(plain_peers.losing_to(FLAT, FLAT.size)).startswith("PNGs of the same images")


@pytest.mark.parametrize("shards", [[], ["--shard-images", "40"]], ids=["file", "shards"])
@pytest.mark.parametrize(
    "images, said", [(FLAT[:, :8, :8], True), (RANDOM.reshape(-1, 8, 8), False)], ids=["flat", "random"]
)
def test_the_command_says_it_once(images, said, shards, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "recjax.codecs.lossless.compression.encode", lambda images, *model, **options: chunks.write_raw(images)
    )
    monkeypatch.setattr("recjax.codecs.lossless.compression.check_images", lambda images, model: None)
    judged, losing_to = [], plain_peers.losing_to
    monkeypatch.setattr(plain_peers, "losing_to", lambda *made: judged.append(made) or losing_to(*made))
    np.save("in.npy", images)
    assert cli.main(["compress", "in.npy", "out", "--model", "digits", "--method", "orc", *shards]) == cli.FINE
    err = capsys.readouterr().err
    assert len(judged) == 1
    assert err.count("\n") == err.count("recjax: out: ") == err.count("xz of the same images would take") == said
    assert ("of the first shard made here" in err) == (said and bool(shards))
