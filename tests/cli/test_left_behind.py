"""What fails leaves nothing behind: no half of an output, and no temporary file or folder beside it."""

import os

import numpy as np
import pytest

from recjax.images.files import write_images, write_parts
from recjax.io.atomic import write_atomically

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 3, 5), np.uint8)


def failing(after: int):
    """Parts of one image, which stop coming with an error."""
    for number in range(after):
        yield IMAGES[number : number + 1]
    raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["folder", "a.npy"])
@pytest.mark.parametrize("after", [0, 2])
def test_parts_that_stop_coming_leave_nothing(tmp_path, name, after):
    with pytest.raises(KeyboardInterrupt):
        write_parts(tmp_path / name, failing(after), 4, (3, 5))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["folder", "a.npy"])
def test_parts_of_other_images_leave_nothing(tmp_path, name):
    for parts in ([IMAGES[:3]], [IMAGES, IMAGES[:1]], [IMAGES[:2], IMAGES[2:, :, :4]]):
        with pytest.raises(ValueError, match="there must be 4 images"):
            write_parts(tmp_path / name, iter(parts), 4, (3, 5))
        assert os.listdir(tmp_path) == []


def test_an_empty_folder_that_was_there_stays_empty(tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(KeyboardInterrupt):
        write_parts(tmp_path / "out", failing(2), 4, (3, 5))
    assert os.listdir(tmp_path) == ["out"] and os.listdir(tmp_path / "out") == []
    write_images(tmp_path / "out", IMAGES)
    assert sorted(os.listdir(tmp_path / "out")) == [f"{number:05}.png" for number in range(4)]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError(28, "No space left on device")])
@pytest.mark.parametrize("old", [None, b"old"])
def test_a_file_that_fails_leaves_the_old_one_alone(tmp_path, error, old):
    if old:
        (tmp_path / "a").write_bytes(old)

    def write(part):
        part.write_bytes(b"half")
        raise error

    with pytest.raises((RuntimeError, KeyboardInterrupt, OSError)):
        write_atomically(tmp_path / "a", write)
    assert os.listdir(tmp_path) == (["a"] if old else [])
    assert not old or (tmp_path / "a").read_bytes() == old
