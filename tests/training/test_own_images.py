"""Training on images of one's own: from a folder of PNGs or an .npy to a released model in a folder of one's own."""

import re

import numpy as np
import pytest

import recjax
from recjax.images.files import write_images
from recjax.models.vae.evaluate import load_model
from tests.training.test_command import SMALL
from training.own_images import load_splits
from training.vae import command, release


@pytest.fixture
def images():
    """Bright squares on a dark ground, uint8 [60, 6, 6]."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 9, (60, 6, 6)).astype(np.uint8)
    for image, (row, column) in zip(images, rng.integers(0, 4, (60, 2)), strict=True):
        image[row : row + 3, column : column + 3] += 200
    return images


def test_splits_are_all_images_once_and_the_same_from_either_kind_of_place(images, tmp_path):
    np.save(tmp_path / "images.npy", images)
    write_images(tmp_path / "folder", images)
    splits = load_splits(str(tmp_path / "images.npy"))
    assert [len(split.images) for split in splits.values()] == [48, 6, 6]
    together = np.concatenate([split.images for split in splits.values()])
    assert sorted(map(bytes, together)) == sorted(map(bytes, images)) and not np.array_equal(together, images)
    for name, split in load_splits(str(tmp_path / "folder")).items():
        assert np.array_equal(split.images, splits[name].images) and split.name == splits[name].name
    assert splits["train"].levels == 256 and str(tmp_path) not in splits["train"].name
    np.save(tmp_path / "images.npy", images // 201)
    assert load_splits(str(tmp_path / "images.npy"))["train"].levels == 2


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((9, 4, 4), np.uint8), "at least 10 images, got 9"),
        (np.zeros((20, 4, 4, 3), np.uint8), "grey images, got those of .* in colour"),
        (None, "no data set and no path .*a folder of PNGs or an .npy"),
    ],
)
def test_images_that_cannot_be_trained_on_are_one_sentence(array, words, tmp_path, capsys):
    path = tmp_path / "images.npy"
    if array is not None:
        np.save(path, array)
    assert command.main(["--data", str(path), "--out", str(tmp_path / "run")]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and re.search(words, told)


def test_a_model_of_own_images_is_trained_and_released(images, tmp_path, capsys):
    source, other, run, out = (str(tmp_path / name) for name in ("images.npy", "other.npy", "run", "released"))
    np.save(source, images)
    np.save(other, images[::-1])
    assert command.main(["--data", source, "--out", run, *SMALL, "--train.batch-size", "16"]) == 0
    arguments = [run, "--name", "squares", "--out", out, "--files", "bb-ans"]
    assert release.main(arguments) == 1 and "give the path of these images by --data" in capsys.readouterr().err
    assert release.main([*arguments, "--data", other]) == 1 and "that it was trained on" in capsys.readouterr().err
    assert release.main([*arguments, "--data", source]) == 0
    model = load_model(f"{out}/squares.safetensors")
    assert model.metadata["files"][0]["images"] == 6 and str(tmp_path) not in str(model.metadata)
    data = recjax.compress(images, model)
    assert np.array_equal(recjax.decompress(data, model=f"{out}/squares.safetensors"), images)
