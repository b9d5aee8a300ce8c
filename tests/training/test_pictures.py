"""Data sets of pictures: their splits, and what is said when they are missing, damaged or asked for wrongly."""

import hashlib
import pickle

import numpy as np
import pytest

from recjax.images.files import write_images
from training import pictures


@pytest.fixture
def batches(tmp_path, monkeypatch):
    """A small CIFAR-10 in the original's format, the pixels of each batch its number and then their place."""
    folder = tmp_path / "cifar10" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    sums = {}
    for number, name in enumerate(pictures._CIFAR10):
        if name in ("data_batch_3", "data_batch_4"):
            continue
        pixels = np.full((pictures._CIFAR10_IMAGES, 3072), number, np.uint8)
        pixels[:, 1024:2048] = 100
        data = pickle.dumps({b"data": pixels.tobytes()}, protocol=2)
        # Protocol 2 writes bytes as text; the original's Python 2 wrote them as they are.
        data = b"\x80\x02T" + pixels.nbytes.to_bytes(4, "little") + pixels.tobytes() + data[-1:]
        (folder / name).write_bytes(data)
        sums[name] = hashlib.md5(data, usedforsecurity=False).hexdigest()
    monkeypatch.setattr(pictures, "_CIFAR10", pictures._CIFAR10 | sums)
    return tmp_path


def test_cifar10_has_its_splits(batches):
    train, validation, test = (
        pictures.load("cifar10", split, directory=batches) for split in ("train", "validation", "test")
    )
    assert (len(train), len(validation), len(test)) == (29_000, 1_000, 10_000)
    assert train.shape[1:] == (32, 32, 3) and train.dtype == np.uint8
    assert train[0, 5, 7].tolist() == [0, 100, 0] and train[10_000, 0, 0, 0] == 1 and validation[0, 0, 0, 2] == 4
    assert (test[..., 1] == 100).all() and (test[..., 0] == 5).all()


def test_a_damaged_batch_is_refused(batches):
    path = batches / "cifar10" / "cifar-10-batches-py" / "data_batch_2"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match=r"data_batch_2 is not the original's batch; fetch CIFAR-10 again\."):
        pictures.load("cifar10", "train", directory=batches)


def test_kodak_lies(tmp_path):
    folder = tmp_path / "kodak"
    folder.mkdir()
    standing = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(1, 6, 4, 3)
    write_images(folder / "kodim01.png", standing)
    write_images(folder / "kodim02.png", np.zeros((1, 4, 6, 3), np.uint8))
    found = pictures.load("kodak", "test", directory=tmp_path)
    assert found.shape == (2, 4, 6, 3)
    np.testing.assert_array_equal(found[0], np.rot90(standing[0]))


def test_photos_are_always_the_same():
    found = pictures.load("photos", "train")
    assert found.shape == (96, 256, 256, 3) and len(np.unique(found.reshape(96, -1)[:, :64], axis=0)) == 96
    np.testing.assert_array_equal(found, pictures.load("photos", "train"))


def test_the_middle_of_pictures():
    whole = np.arange(2 * 6 * 8 * 3).reshape(2, 6, 8, 3).astype(np.uint8)
    np.testing.assert_array_equal(pictures.middle(whole, 4), whole[:, 1:5, 2:6])
    with pytest.raises(ValueError, match="do not fit into 6x8"):
        pictures.middle(whole, 7)


@pytest.mark.parametrize(
    ("name", "split", "told"),
    [
        ("mnist", "test", "no data set of pictures 'mnist'"),
        ("kodak", "train", "kodak has no split 'train'; choose test"),
        ("photos", "test", "photos has no split 'test'; choose train"),
        ("cifar10", "train", "cifar10 is not in"),
        ("kodak", "test", "kodak is not in"),
    ],
)
def test_what_is_not_there_is_told(name, split, told, tmp_path):
    with pytest.raises(ValueError, match=told):
        pictures.load(name, split, directory=tmp_path)
