import os
import random

import numpy as np
import pytest
from numpy.lib import format as npy
from PIL import Image

from recjax.images.files import read_images, write_images
from recjax.images.source import open_source
from recjax.io.atomic import write_atomically


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


@pytest.mark.parametrize("shape", [(5, 7), (3, 5, 7), (3, 5, 7, 3), (1, 5, 7)])
@pytest.mark.parametrize("fortran_order", [False, True])
def test_parts_of_an_npy_are_those_of_the_whole(tmp_path, shape, fortran_order):
    images = random_images(*shape)
    np.save(tmp_path / "a.npy", np.asfortranarray(images) if fortran_order else images)
    whole = images if images.ndim > 2 else images[None]
    source = open_source(tmp_path / "a.npy")
    found = source.read(0, source.count)
    assert np.array_equal(found, whole) and found.flags.c_contiguous and found.flags.writeable
    if fortran_order and source.count > 1:
        with pytest.raises(ValueError, match="Fortran's order"):
            source.read(1, 2)
    else:
        assert np.array_equal(source.read(1, 2), whole[1:2]) and np.array_equal(source.read(0, 99), whole)


def test_an_npy_that_shrinks_is_a_sentence(tmp_path):
    np.save(tmp_path / "a.npy", random_images(9, 5, 7))
    source = open_source(tmp_path / "a.npy")
    os.truncate(tmp_path / "a.npy", 300)
    with pytest.raises(ValueError, match="has become shorter"):
        source.read(0, 9)


def save_png(path, mode="L", size=(4, 4), **options):
    Image.new(mode, size).save(path, **options)


def make_folder(path, *names):
    path.mkdir()
    for number, name in enumerate(names):
        save_png(path / name, size=(4 + number, 4))


def save_npy(shape, dtype=np.uint8):
    return lambda path: np.save(path, np.zeros(shape, dtype))


def save_header(path, shape, pixels=b""):
    with path.open("wb") as file:
        npy.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        file.write(pixels)


BAD_INPUTS = {
    "missing": ("a.png", lambda path: None, "does not exist"),
    "suffix": ("a.jpg", lambda path: path.write_bytes(b"x"), "suffix"),
    "empty folder": ("folder", make_folder, "holds no PNG"),
    "unequal shapes": ("folder", lambda path: make_folder(path, "a.png", "b.png"), "of one shape"),
    "palette": ("a.png", lambda path: save_png(path, "P"), "convert it to RGB"),
    "transparent": ("a.png", lambda path: save_png(path, "RGBA"), "without its alpha channel"),
    "transparent grey": ("a.png", lambda path: save_png(path, transparency=3), "without its transparency"),
    "sixteen bits": ("a.png", lambda path: save_png(path, "I;16"), "convert it to 8 bits"),
    "not a PNG": ("a.png", lambda path: path.write_bytes(b"not a PNG"), "not a readable PNG"),
    "large PNG": ("a.png", lambda path: save_png(path, size=(400, 400)), "more than"),
    "large folder": ("folder", lambda path: make_folder(path, *(f"{k}.png" for k in range(900))), "split"),
    "not an npy": ("a.npy", lambda path: path.write_bytes(b"\x93NUMPY"), "not a readable .npy"),
    "pickle": ("a.npy", lambda path: np.save(path, np.array([{}], object)), "must hold uint8"),
    "floats": ("a.npy", save_npy((2, 4, 4), np.float32), "got float32 .*255"),
    "bools": ("a.npy", save_npy((2, 4, 4), np.bool_), r"got bool .*images\.astype"),
    "integers": ("a.npy", save_npy((2, 4, 4), ">i8"), r"got int64 .*images\.astype"),
    "complex": ("a.npy", save_npy((2, 4, 4), np.complex64), "got complex64 .*convert it to uint8"),
    "records": ("a.npy", save_npy((2, 4, 4), [("\x1b[2J", np.uint8)]), "got records .*convert it to uint8"),
    "four channels": ("a.npy", save_npy((2, 4, 4, 4)), "drop its fourth channel"),
    "one channel": ("a.npy", save_npy((2, 4, 4, 1)), r"images\[\.\.\., 0\]"),
    "channels first": ("a.npy", save_npy((2, 3, 5, 4)), r"transpose\(0, 2, 3, 1\)\.$"),
    "one channel first": ("a.npy", save_npy((2, 1, 5, 4)), r"transpose\(0, 2, 3, 1\)\[\.\.\., 0\]"),
    "two channels": ("a.npy", save_npy((2, 4, 4, 2)), "reshape it"),
    "a row": ("a.npy", save_npy((4,)), "reshape it"),
    "five axes": ("a.npy", save_npy((1, 2, 4, 4, 3)), "reshape it"),
    "shape of nothing": ("a.npy", lambda path: save_header(path, (0, 1 << 70, 5)), "too many pixels"),
    "too few bytes": ("a.npy", lambda path: save_header(path, (2, 4, 4)), "declares"),
    "too many bytes": ("a.npy", lambda path: save_header(path, (2, 4, 4), bytes(33)), "declares"),
    "negative": ("a.npy", lambda path: save_header(path, (-1, -4, 5)), "declares"),
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
