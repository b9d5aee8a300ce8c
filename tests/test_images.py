import os
import random

import numpy as np
import pytest
from PIL import Image

from recjax.atomic import write_atomically
from recjax.images import read_images, write_images


def random_images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 5, 3, 3)])
@pytest.mark.parametrize("name", ["a.png", "a.npy", "folder"])
def test_one_image_comes_back(tmp_path, shape, name):
    images = random_images(*shape)
    write_images(tmp_path / name, images)
    back = read_images(tmp_path / name)
    assert back.dtype == np.uint8 and np.array_equal(back, images)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("shape", [(12, 4, 6), (11, 4, 6, 3)])
@pytest.mark.parametrize("name", ["a.npy", "folder"])
def test_many_images_come_back_in_order(tmp_path, shape, name):
    images = random_images(*shape)
    write_images(tmp_path / name, images)
    assert np.array_equal(read_images(tmp_path / name), images)


def test_no_images_are_fine_in_an_npy(tmp_path):
    write_images(tmp_path / "a.npy", np.zeros((0, 8, 8), np.uint8))
    assert read_images(tmp_path / "a.npy").shape == (0, 8, 8)


def test_a_matrix_is_one_image_and_fortran_order_is_read(tmp_path):
    image = random_images(5, 7)
    np.save(tmp_path / "a.npy", np.asfortranarray(image))
    assert np.array_equal(read_images(tmp_path / "a.npy"), image[None])


def save_png(path, mode="L", size=(4, 4), **options):
    Image.new(mode, size).save(path, **options)


def make_folder(path, *names):
    path.mkdir()
    for number, name in enumerate(names):
        save_png(path / name, size=(4 + number, 4))


BAD_INPUTS = {
    "missing": ("a.png", lambda path: None, "does not exist"),
    "suffix": ("a.jpg", lambda path: path.write_bytes(b"x"), "suffix"),
    "empty folder": ("folder", make_folder, "holds no PNG"),
    "unequal shapes": ("folder", lambda path: make_folder(path, "a.png", "b.png"), "shapes? "),
    "palette": ("a.png", lambda path: save_png(path, "P"), "convert"),
    "transparent": ("a.png", lambda path: save_png(path, "RGBA"), "convert"),
    "transparent grey": ("a.png", lambda path: save_png(path, transparency=3), "convert"),
    "sixteen bits": ("a.png", lambda path: save_png(path, "I;16"), "convert"),
    "binary": ("a.png", lambda path: save_png(path, "1"), "convert"),
    "not a PNG": ("a.png", lambda path: path.write_bytes(b"not a PNG"), "not a readable PNG"),
    "large PNG": ("a.png", lambda path: save_png(path, size=(400, 400)), "more than"),
    "large folder": ("folder", lambda path: make_folder(path, *(f"{k}.png" for k in range(900))), "split"),
    "not an npy": ("a.npy", lambda path: path.write_bytes(b"\x93NUMPY"), "not a readable .npy"),
    "pickle": ("a.npy", lambda path: np.save(path, np.array([{}], object)), "must hold uint8"),
    "floats": ("a.npy", lambda path: np.save(path, np.zeros((2, 4, 4))), "must hold uint8"),
    "four channels": ("a.npy", lambda path: np.save(path, np.zeros((2, 4, 4, 4), np.uint8)), "must hold uint8"),
    "no pixels": ("a.npy", lambda path: np.save(path, np.zeros((2, 0, 4), np.uint8)), "no pixels"),
    "large npy": ("a.npy", lambda path: np.save(path, np.zeros((20, 30, 30), np.uint8)), "split"),
}


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_bad_input_is_a_sentence(tmp_path, name):
    file, make, message = BAD_INPUTS[name]
    make(tmp_path / file)
    with pytest.raises(ValueError, match=message):
        read_images(tmp_path / file, max_bytes=14_000)


def test_a_png_that_declares_a_huge_size_is_refused_before_it_is_decoded(tmp_path):
    import struct
    import zlib

    save_png(tmp_path / "a.png")
    data = bytearray((tmp_path / "a.png").read_bytes())
    data[16:24] = struct.pack(">II", 12_000, 12_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(ValueError, match="more than"):
        read_images(tmp_path / "a.png", max_bytes=1 << 20)


@pytest.mark.parametrize("name", ["a.png", "a.npy"])
def test_mutated_files_raise_nothing_but_value_errors(tmp_path, name):
    write_images(tmp_path / name, random_images(1, 6, 6))
    good, draw = (tmp_path / name).read_bytes(), random.Random(0)
    for _ in range(300):
        bad = bytearray(good[: draw.randrange(len(good)) if draw.random() < 0.2 else None])
        for _ in range(draw.randint(0, 3)):
            if bad:
                bad[draw.randrange(len(bad))] = draw.randrange(256)
        (tmp_path / name).write_bytes(bad)
        try:
            assert read_images(tmp_path / name).dtype == np.uint8
        except ValueError as error:
            assert name in str(error)


@pytest.mark.parametrize(
    "name, shape, message",
    [
        ("a.png", (2, 4, 4), "can hold one image"),
        ("a.gif", (1, 4, 4), "suffix"),
        ("no/a.npy", (1, 4, 4), "make it first"),
        ("no/folder", (1, 4, 4), "make it first"),
        ("full", (1, 4, 4), "not an empty folder"),
        ("a.npy", (4, 4), "must be uint8"),
    ],
)
def test_bad_output_is_a_sentence(tmp_path, name, shape, message):
    make_folder(tmp_path / "full", "x.png")
    with pytest.raises(ValueError, match=message):
        write_images(tmp_path / name, random_images(*shape))


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    def fail(part):
        part.write_bytes(b"half")
        raise RuntimeError("the disk is full")

    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(RuntimeError):
        write_atomically(tmp_path / "a", fail)
    assert (tmp_path / "a").read_bytes() == b"old" and os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_only_plain_files_are_replaced(tmp_path, make):
    # A rename once put a file in the place of a device.
    place = tmp_path / "place.npy"
    make(place)
    mode = place.stat().st_mode
    with pytest.raises(ValueError, match="is not a file"):
        write_images(place, random_images(1, 4, 4))
    assert place.stat().st_mode == mode and os.listdir(tmp_path) == ["place.npy"]
