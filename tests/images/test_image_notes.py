"""What is not kept of images, and what is left out of folders, is said: a line for each kind."""

import os
import re
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from recjax.cli import main as cli
from recjax.container import chunks
from recjax.images import notes as image_notes
from recjax.images.files import read_images, write_images
from recjax.images.notes import NotKeptWarning
from recjax.images.source import open_source
from tests.images.pngs import chunk, png

PIXELS = np.random.default_rng(0).integers(0, 16, (8, 8), np.uint8)


def exif(orientation: int, order: str = ">") -> bytes:
    other = struct.pack(f"{order}HHII", 0x010F, 2, 4, 0)
    entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0)
    return {">": b"MM\0*", "<": b"II*\0"}[order] + struct.pack(f"{order}IH", 8, 2) + other + entry + bytes(4)


def lines(path) -> list[str]:
    found: list[str] = []
    read_images(path, tell=found.append)
    return found


CHUNKS = {
    "iCCP": (b"x\0\0", ["ICC profile"]),
    "gAMA": (bytes(4), ["gamma"]),
    "cHRM": (bytes(32), ["chromaticities"]),
    "sRGB": (b"\0", ["sRGB mark"]),
    "pHYs": (bytes(9), ["physical size"]),
    "bKGD": (bytes(2), ["background colour"]),
    "tIME": (bytes(7), ["time"]),
    "tEXt": (b"Author\0me", ["text"]),
    "iTXt": (b"XML:com.adobe.xmp\0\0\0\0\0<x/>", ["XMP data"]),
    "zTXt": (b"Raw profile type exif\0\0", ["EXIF data"]),
    "eXIf": (exif(1), ["EXIF data"]),
    "vpAg": (b"", ["data in chunks of other kinds"]),
}


@pytest.mark.parametrize("kind", CHUNKS)
def test_a_chunk_that_is_dropped_is_said_once(tmp_path, kind):
    body, things = CHUNKS[kind]
    (tmp_path / "a.png").write_bytes(png(PIXELS, *2 * [chunk(kind.encode(), body)]))
    assert lines(tmp_path / "a.png") == [f"{tmp_path / 'a.png'}: its {thing} is not kept." for thing in things]
    np.testing.assert_array_equal(open_source(tmp_path / "a.png").read(0, 1), PIXELS[None])


def test_a_palette_that_rgb_does_not_need_is_said(tmp_path):
    (tmp_path / "a.png").write_bytes(png(np.stack([PIXELS] * 3, axis=-1), chunk(b"PLTE", bytes(3))))
    assert lines(tmp_path / "a.png") == [f"{tmp_path / 'a.png'}: its suggested palette is not kept."]


def test_data_after_the_end_is_said(tmp_path):
    (tmp_path / "a.png").write_bytes(png(PIXELS) + b"more")
    assert lines(tmp_path / "a.png") == [f"{tmp_path / 'a.png'}: its data after the end of the PNG is not kept."]


def as_hex(number: int) -> bytes:
    """EXIF data as ImageMagick writes them in text."""
    data = b"Exif\0\0" + exif(number)
    return b"\nexif\n%8d\n%s\n" % (len(data), data.hex("\n", 36).encode())


ORIENTATIONS = {
    "big-endian": lambda number: chunk(b"eXIf", exif(number)),
    "little-endian": lambda number: chunk(b"eXIf", exif(number, "<")),
    "compressed text": lambda number: chunk(
        b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(as_hex(number) + b"0" * (1 << 20))
    ),
    "text": lambda number: chunk(b"tEXt", b"Raw profile type APP1\0" + as_hex(number)),
    "XMP attribute": lambda number: chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation='%d'/>" % number),
    "XMP element": lambda number: chunk(
        b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<tiff:Orientation>%d</tiff:Orientation>" % number
    ),
}


@pytest.mark.parametrize("form", ORIENTATIONS)
@pytest.mark.parametrize("number", range(1, 10))
def test_an_orientation_says_what_it_means(tmp_path, number, form):
    (tmp_path / "a.png").write_bytes(png(PIXELS, ORIENTATIONS[form](number)))
    *first, last = lines(tmp_path / "a.png")
    assert re.search(r"its (EXIF|XMP) data is not kept\.$", last) and len(first) == (2 <= number <= 8)
    for line in first:
        assert f"its orientation {number} (" in line and "shown unrotated" in line


@pytest.mark.parametrize("number", range(2, 9))
def test_the_advice_on_orientations_is_that_of_pillow(number):
    """Exif's orientations, as Pillow undoes them."""
    from PIL import ImageOps

    picture = Image.fromarray(PIXELS)
    picture.getexif()[0x0112] = number
    upright = PIXELS
    for step in image_notes._UPRIGHT[number].split(" and "):
        if step.startswith("mirror"):
            upright = upright[:, ::-1]
        elif step.startswith("flip"):
            upright = upright[::-1]
        else:
            (degrees,) = (int(word) for word in step.split() if word.isdecimal())
            upright = np.rot90(upright, -degrees // 90)
    np.testing.assert_array_equal(np.asarray(ImageOps.exif_transpose(picture)), upright)


@pytest.mark.parametrize("length", range(len(exif(6))))
def test_exif_data_that_are_cut_short_declare_nothing(length):
    assert image_notes.orientation(exif(6)[:length]) in (1, 6)
    assert image_notes.orientation(exif(6)) == image_notes.orientation(b"Exif\0\0" + exif(6)) == 6


def test_text_is_inflated_no_further_than_it_is_read():
    bomb = b"\0" + zlib.compress(b"0" * (1 << 22))
    assert len(image_notes._raw_profile(b"zTXt", b"\0" + zlib.compress(b"exif 9 " + b"0" * (1 << 22)))) < 1 << 16
    assert image_notes._raw_profile(b"zTXt", bomb) == image_notes._raw_profile(b"zTXt", b"\0no zlib") == b""


@pytest.mark.parametrize("names, said", [("a", "a"), ("abc", "a, b, c"), ("abcde", "a, b, c and 2 more")])
def test_some_names_stand_for_many(names, said):
    assert image_notes.few(list(names)) == said


def test_greys_of_few_bits_say_how_they_come_back(tmp_path):
    (tmp_path / "a.png").write_bytes(png(PIXELS, depth=4))
    (line,) = lines(tmp_path / "a.png")
    assert "its 4-bit grey is taken as 8-bit grey, 0 to 15 as 0 to 255" in line
    np.testing.assert_array_equal(open_source(tmp_path / "a.png").read(0, 1)[0], PIXELS * 17)


def make_folder(path) -> None:
    path.mkdir()
    for number in range(30):
        more = [chunk(b"iCCP", b"x\0\0")] * (number % 5 == 0) + [chunk(b"gAMA", bytes(4))] * (number == 7)
        (path / f"{number:02}.png").write_bytes(png(PIXELS, *more))
    for name in ("._00.png", ".DS_Store", "Thumbs.db", "a.jpg", "b.txt", "c.txt"):
        (path / name).write_bytes(b"no PNG")
    (path / "sub.png").mkdir()


FOLDER_LINES = [
    "left out as hidden: .DS_Store, ._00.png.",
    "left out as a folder in it; only its own PNGs are taken: sub.png.",
    "left out as no PNG by name: Thumbs.db, a.jpg, b.txt and 1 more.",
    "the ICC profile of 6 of 30 images is not kept (00.png, 05.png, 10.png and 3 more).",
    "the gamma of 1 of 30 images is not kept (07.png).",
]


def test_a_folder_says_each_kind_once(tmp_path):
    make_folder(tmp_path / "in")
    assert lines(tmp_path / "in") == [f"{tmp_path / 'in'}: {line}" for line in FOLDER_LINES]
    with pytest.warns(NotKeptWarning) as caught:
        images = read_images(tmp_path / "in")
    assert [str(one.message) for one in caught] == lines(tmp_path / "in") and images.shape == (30, 8, 8)
    assert {one.filename for one in caught} == {__file__}
    source = open_source(tmp_path / "in")
    assert source.largest() == PIXELS.max() and len(list(source.entries())) == 30
    assert source.notes() == lines(tmp_path / "in")


def test_what_is_written_comes_back_without_a_word(tmp_path):
    for name in ("a.png", "a.npy", "folder"):
        write_images(tmp_path / name, PIXELS[None])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            np.testing.assert_array_equal(read_images(tmp_path / name), PIXELS[None])


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda path: (path / "a.jpg").touch(), r"holds no PNG, only a\.jpg; give"),
        (lambda path: (path / "._a.png").touch(), r"holds no PNG, only \._a\.png; give"),
        (lambda path: os.mkfifo(path / "a.png"), r"a\.png is a pipe, not a file"),
        (lambda path: (path / "a.png").symlink_to("nowhere"), r"a\.png is a link to nothing"),
        (
            lambda path: [Image.new("L", size).save(path / f"{size[0]}.png") for size in ((4, 5), (5, 4))],
            r"4\.png is 4 x 5 grey and 5\.png is 5 x 4 grey",
        ),
        (
            lambda path: [Image.new(mode, (5, 4)).save(path / f"{mode}.png") for mode in ("L", "RGB")],
            r"in .*folder, L\.png is 5 x 4 grey and RGB\.png is 5 x 4 RGB; make folders of one shape",
        ),
    ],
)
def test_folders_that_cannot_be_read_say_why(tmp_path, make, words):
    (tmp_path / "folder").mkdir()
    make(tmp_path / "folder")
    with pytest.raises(ValueError, match=words):
        read_images(tmp_path / "folder")


def test_the_commands_say_it_and_go_on(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    make_folder(tmp_path / "in")
    monkeypatch.setattr(
        "recjax.codecs.lossless.compression.encode", lambda images, *model, **options: chunks.write_raw(images)
    )
    said = "".join(f"recjax: in: {line}\n" for line in FOLDER_LINES)
    options = ["--model", "digits", "--method", "orc"]
    assert cli.main(["compress", "in", "a.rjx", *options]) == cli.FINE
    assert capsys.readouterr().err.startswith(said)
    assert cli.main(["verify", "a.rjx", "--against", "in"]) == cli.FINE
    assert capsys.readouterr().err == said
    assert cli.main(["compress", "in", "shards", "--shard-images", "20", *options]) == cli.FINE
    assert capsys.readouterr().err.startswith(said)
    assert cli.main(["verify", "shards", "--against", "in"]) == cli.FINE
    assert capsys.readouterr().err == said


def test_a_damaged_png_ends_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(png(PIXELS)[:-20])
    assert cli.main(["compress", "a.png", "a.rjx"]) == cli.BAD_INPUT
    assert capsys.readouterr().err.startswith("recjax: a.png is a damaged PNG") and not (tmp_path / "a.rjx").exists()
    (tmp_path / "b.rjx").write_bytes(chunks.write_raw(PIXELS[None]))
    assert cli.main(["verify", "b.rjx", "--against", "a.png"]) == cli.BAD_INPUT
