"""Data sets: fixed splits, where files are looked for, and sentences when they are not there."""

import gzip
import io
import struct
import zlib

import numpy as np
import pytest

from training import data


def write_mnist(directory, count=5_010):
    directory.mkdir(parents=True, exist_ok=True)
    images = np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)
    header = struct.pack(">HBB3I", 0, 8, 3, count, 28, 28)
    for name in ("train-images-idx3-ubyte", "t10k-images-idx3-ubyte"):
        (directory / f"{name}.gz").write_bytes(gzip.compress(header + images.tobytes(), 1))
    return images


def test_digits_splits_are_disjoint_and_never_change():
    splits = [data.load("digits", split) for split in data.SPLITS]
    assert [s.images.shape for s in splits] == [(1197, 8, 8), (200, 8, 8), (400, 8, 8)]
    assert splits[0].levels == 17 and splits[0].images.dtype == np.uint8
    assert max(s.images.max() for s in splits) == 16
    assert zlib.crc32(splits[2].images.tobytes()) == 245331433


def test_mnist_is_read_from_a_named_directory(tmp_path, monkeypatch):
    images = write_mnist(tmp_path / "mnist")
    np.testing.assert_array_equal(data.load("mnist", "test", directory=tmp_path).images, images)
    monkeypatch.setenv("RECJAX_DATA", str(tmp_path / "mnist"))
    np.testing.assert_array_equal(data.load("mnist", "train").images, images[:10])
    binary = data.load("binary_mnist", "validation")
    assert binary.levels == 2
    np.testing.assert_array_equal(binary.images, images[10:] >= 128)


def test_pixels_are_sampled_once_for_everyone_and_anew_in_training(tmp_path):
    grey = write_mnist(tmp_path)
    train = data.load("sampled_mnist", "train", directory=tmp_path)
    assert train.sampled and train.levels == 2
    np.testing.assert_array_equal(train.images, grey[:10])
    splits = {name: data.load("sampled_mnist", name, directory=tmp_path) for name in ("validation", "test")}
    assert not any(split.sampled or split.levels != 2 for split in splits.values())
    drawn = splits["test"].images
    assert set(np.unique(drawn)) == {0, 1} and (drawn[grey == 0] == 0).all() and (drawn[grey == 255] == 1).all()
    frequency = np.bincount(grey.ravel(), drawn.ravel()) / np.bincount(grey.ravel())
    deviations = (frequency - np.arange(256) / 255) * np.sqrt(np.bincount(grey.ravel()) * 4)
    assert np.abs(deviations).max() < 4.5
    assert (splits["validation"].images != drawn[10:]).any()
    np.testing.assert_array_equal(splits["test"].coded, drawn)
    np.testing.assert_array_equal(train.coded, data.draw_pixels(grey[:10], 20190110))


def test_the_draw_of_pixels_never_changes():
    grey = np.arange(0, 256, 5, dtype=np.uint8).reshape(4, 13)
    rows = ["".join(map(str, row)) for row in data.draw_pixels(grey, 20190112)]
    assert rows == ["0000000000010", "1100101011010", "1110101001111", "1011111111111"]


def test_missing_and_damaged_files_are_explained(tmp_path):
    with pytest.raises(ValueError, match=r"RECJAX_DATA.*training.data mnist"):
        data.load("mnist", "test", directory=tmp_path)
    write_mnist(tmp_path)
    path = tmp_path / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ValueError, match="fetch it again"):
        data.load("mnist", "test", directory=tmp_path)


def test_a_download_must_have_the_published_digest(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("RECJAX_DATA", str(tmp_path))
    monkeypatch.setattr(data.urllib.request, "urlopen", lambda url, timeout: io.BytesIO(b"not MNIST"))
    with pytest.raises(ValueError, match="SHA-256"):
        data.load("mnist", "test", download=True)
    assert not (tmp_path / "cache").exists()


def test_a_download_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    images = write_mnist(tmp_path / "recjax" / "mnist")
    monkeypatch.setattr(data.urllib.request, "urlopen", None)
    np.testing.assert_array_equal(data.load("mnist", "test", directory=tmp_path / "no", download=True).images, images)


def test_every_split_is_loaded():
    splits = data.load_splits("digits")
    assert [(name, split.split, len(split.images)) for name, split in splits.items()] == [
        ("train", "train", 1197),
        ("validation", "validation", 200),
        ("test", "test", 400),
    ]


def test_names_are_checked():
    with pytest.raises(ValueError, match="choose one of digits"):
        data.load("imagenet", "train")
    with pytest.raises(ValueError, match="choose one of train"):
        data.load("digits", "dev")


def test_the_command_says_what_a_data_set_holds(capsys, monkeypatch, tmp_path):
    assert data.main(["digits"]) == 0
    assert "digits, test: 400 images of 8x8 pixels, 17 levels" in capsys.readouterr().out
    monkeypatch.setenv("RECJAX_DATA", str(tmp_path))
    monkeypatch.setattr(data, "_download", lambda name, folder: tmp_path / "damaged.gz")
    (tmp_path / "damaged.gz").write_bytes(b"\x1f\x8b\x08\0\0\0\0\0\0\0" + bytes(range(50)))
    assert data.main(["mnist"]) == 1
    assert "is not a whole IDX file" in capsys.readouterr().err
