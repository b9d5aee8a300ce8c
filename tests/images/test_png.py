"""PNGs are read exactly or refused: never with pixels that are not in the file."""

import io
import random
import struct
import time
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from recjax.images.png import read_png
from tests.images.pngs import SIGNATURE, chunk, header, png, rows

GREY = np.random.default_rng(0).integers(0, 256, (28, 20), np.uint8)
RGB = np.random.default_rng(1).integers(0, 256, (7, 6, 3), np.uint8)
FILTERS = (0, 1, 2, 3, 4)


@pytest.fixture
def read(tmp_path):
    def read(data: bytes, max_bytes: int = 1 << 20):
        (tmp_path / "a.png").write_bytes(data)
        return read_png(tmp_path / "a.png", max_bytes)

    return read


def body(data: bytes, *more: bytes) -> bytes:
    """A PNG of 28 rows of 20 grey pixels with this stream, compressed, and other chunks behind it."""
    return SIGNATURE + header(20, 28) + chunk(b"IDAT", data) + b"".join(more) + chunk(b"IEND")


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("depth, channels", [(1, 1), (2, 1), (4, 1), (8, 1), (8, 3)])
def test_pixels_are_exact(read, depth, channels, interlaced):
    rng = np.random.default_rng(depth)
    for width, height in [(1, 1), (2, 3), (3, 5), (5, 2), (9, 17), (8, 8)]:
        pixels = rng.integers(0, 2**depth, (height, width, 3)[: 2 + channels // 3], np.uint8)
        found = read(png(pixels, depth=depth, filters=(4, 2, 3, 1, 0), interlaced=interlaced))
        assert found.pixels.dtype == np.uint8
        np.testing.assert_array_equal(found.pixels, pixels * (255 // (2**depth - 1)))
        assert bool(found.notes) == (depth < 8)


FLAT = rows(GREY)
WHOLE = zlib.compress(FLAT)
DAMAGED = {
    "10 of 28 rows": (body(zlib.compress(FLAT[: 10 * 21])), "end after 10 of 28 rows"),
    "10 of 28 rows, cut": (body(zlib.compress(FLAT, 0)[: 10 * 21 + 20]), "end after 10 of 28 rows"),
    "interlaced and cut": (
        SIGNATURE
        + header(20, 28, interlaced=1)
        + chunk(b"IDAT", zlib.compress(rows(GREY, interlaced=True)[:300]))
        + chunk(b"IEND"),
        "after 300 of",
    ),
    "no pixels": (SIGNATURE + header(20, 28) + chunk(b"IEND"), "end after 0 of 28 rows"),
    "no checksum of the pixels": (body(WHOLE[:-4]), "without their checksum"),
    "wrong checksum of the pixels": (body(WHOLE[:-1] + bytes([WHOLE[-1] ^ 1])), "incorrect data check"),
    "more rows": (body(zlib.compress(FLAT + bytes(21))), "more than its pixels"),
    "more data": (body(WHOLE + b"x"), "more than its pixels"),
    "more chunks of data": (body(WHOLE, chunk(b"IDAT", b"x")), "more than its pixels"),
    "empty blocks without end": (
        body(WHOLE[:2] + b"\0\0\0\xff\xff" * 20_000 + WHOLE[2:]),
        "more than its pixels",
    ),
    "no such filter": (body(zlib.compress(FLAT[:21] + b"\5" + FLAT[22:])), "filter"),
    "no end": (body(WHOLE)[:-12], "before its end"),
    "no checksum of the end": (body(WHOLE)[:-1], "before its end"),
    "wrong checksum of a chunk": (body(WHOLE)[:-14] + b"xx" + chunk(b"IEND"), "checksum of its chunk IDAT"),
    "apart": (body(WHOLE[:9], chunk(b"tIME", bytes(7)), chunk(b"IDAT", WHOLE[9:])), "do not lie together"),
    "unknown and critical": (body(WHOLE, chunk(b"ABCD")), "chunk ABCD"),
    "a palette of grey": (body(WHOLE, chunk(b"PLTE", bytes(3))), "chunk PLTE"),
    "two headers": (body(WHOLE, header(20, 28)), "chunk IHDR"),
    "no header": (SIGNATURE + chunk(b"IDAT", WHOLE) + chunk(b"IEND"), "not with its header"),
    "no chunk": (body(WHOLE, bytes(12)), "no chunk"),
    "control characters for a chunk": (body(WHOLE, chunk(b"\x1b[2J")), "no chunk"),
    "changed header": (SIGNATURE + header(20, 28, depth=16)[:-4] + bytes(4), "checksum of its chunk IHDR"),
    "long header": (SIGNATURE + chunk(b"IHDR", bytes(1 << 20)), "wrong length"),
    "short header": (SIGNATURE + chunk(b"IHDR", bytes(12)), "wrong length"),
    "no width": (SIGNATURE + header(0, 28), "0 x 28 pixels"),
    "no such depth": (SIGNATURE + header(20, 28, depth=3), "does not have"),
    "no such depth of RGB": (SIGNATURE + header(20, 28, depth=4, colour=2), "does not have"),
    "no such colour": (SIGNATURE + header(20, 28, colour=1), "does not have"),
    "no such compression": (SIGNATURE + header(20, 28, rest=b"\1\0"), "does not have"),
    "no such interlace": (SIGNATURE + header(20, 28, interlaced=2), "does not have"),
    "nothing": (b"", "does not begin as one"),
    "a JPEG": (b"\xff\xd8\xff\xe0", "does not begin as one"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_a_sentence(read, name):
    data, words = DAMAGED[name]
    with pytest.raises(ValueError, match=rf"a\.png is (not|a damaged) .*{words}.*write") as error:
        read(data)
    assert "\n" not in str(error.value)


UNFIT = {
    "palette": (3, 8, (), "8-bit palette", "RGB"),
    "palette of 1 bit": (3, 1, (), "1-bit palette", "RGB"),
    "RGB of 16 bits": (2, 16, (), "16-bit RGB", "8 bits"),
    "grey of 16 bits": (0, 16, (), "16-bit grey", "8 bits"),
    "alpha": (6, 8, (), "8-bit RGB with alpha", "without its alpha"),
    "alpha of 16 bits": (4, 16, (), "16-bit grey with alpha", "without its alpha"),
    "a transparent grey": (0, 8, (chunk(b"tRNS", b"\0\3"),), "transparent colour", "without its transparency"),
    "an animation": (0, 8, (chunk(b"acTL", struct.pack(">II", 2, 0)),), "animation", "frames"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_cannot_be_kept_is_named_with_a_way_out(read, name):
    colour, depth, more, holds, advice = UNFIT[name]
    data = SIGNATURE + header(20, 28, depth, colour) + b"".join(more) + chunk(b"IDAT", WHOLE) + chunk(b"IEND")
    with pytest.raises(ValueError, match=rf"a\.png holds .*{holds}.*taken .*; convert .*{advice}"):
        read(data)


@pytest.mark.parametrize("interlaced", [False, True])
def test_cut_or_changed_anywhere_it_is_refused(read, interlaced):
    good = png(RGB, chunk(b"tEXt", b"a\0b"), filters=FILTERS, interlaced=interlaced)
    flips = [good[:place] + bytes([byte ^ 1 << place % 8]) + good[place + 1 :] for place, byte in enumerate(good)]
    for bad in [*(good[:length] for length in range(len(good))), *flips]:
        with pytest.raises(ValueError, match=r"a\.png is (a damaged|not a readable) PNG"):
            read(bad)


def test_streams_with_right_checksums_mean_to_us_what_they_mean_to_others(read):
    draw, flat = random.Random(0), rows(RGB, filters=FILTERS)
    equal = 0
    for _ in range(300):
        stream = bytearray(flat)
        for _ in range(draw.randint(0, 2)):
            stream[draw.randrange(len(stream))] = draw.randrange(256)
        packed = zlib.compress(bytes(stream[: draw.choice([None, len(stream), draw.randrange(len(stream))])]))
        cut = draw.randrange(len(packed))
        data = SIGNATURE + header(6, 7, colour=2) + chunk(b"IDAT", packed[:cut]) + chunk(b"IDAT", packed[cut:])
        data += chunk(b"IEND")
        try:
            pixels = read(data).pixels
        except ValueError:
            continue
        equal += 1
        np.testing.assert_array_equal(pixels, np.asarray(Image.open(io.BytesIO(data))))
    assert equal > 100


def test_what_pillow_would_forgive_is_refused(read, monkeypatch):
    # The setting is the whole process's, and a user may want it for other files.
    monkeypatch.setattr("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", True)
    for name in ("10 of 28 rows", "no such filter", "wrong checksum of a chunk", "no end"):
        with pytest.raises(ValueError, match="damaged"):
            read(DAMAGED[name][0])


def test_chunks_beside_the_pixels_do_not_reach_pillow(read, monkeypatch):
    seen = []

    class Seen(PngImageFile):
        def __init__(self, file):
            seen.append(file.getvalue())
            super().__init__(file)

    monkeypatch.setattr("recjax.images.png.PngImageFile", Seen)
    bomb = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 24)))
    found = read(png(RGB, chunk(b"iCCP", b"broken"), bomb))
    np.testing.assert_array_equal(found.pixels, RGB)
    assert len(seen[0]) < 300 and b"zTXt" not in seen[0]


def test_the_limit_is_of_bytes(read):
    assert read(png(RGB), max_bytes=RGB.size).pixels.shape == RGB.shape
    with pytest.raises(ValueError, match=r"a\.png has 6 x 7 pixels, more than 125 bytes"):
        read(png(RGB), max_bytes=RGB.size - 1)


@pytest.mark.parametrize(
    "width, height, inflated, words",
    [
        (1000, 1000, 1 << 32, "more than its pixels"),
        (20_000, 20_000, 10, "more than 1048576 bytes"),
        (1000, 1000, 10, "end after 0 of 1000 rows"),
    ],
)
def test_bombs_cost_what_their_header_declares(read, width, height, inflated, words):
    packer = zlib.compressobj()
    packed = packer.compress(bytes(1)) + packer.flush(zlib.Z_FULL_FLUSH)
    # Behind a full flush, a block may be repeated.
    packed += (packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)) * (inflated >> 20)
    data = SIGNATURE + header(width, height) + chunk(b"IDAT", packed) + chunk(b"IEND")
    tracemalloc.start()
    start = time.process_time()
    try:
        with pytest.raises(ValueError, match=words):
            read(data)
        # Inflating all of it takes seconds, and one piece of the file becomes 64 MiB.
        assert time.process_time() - start < 0.5 and tracemalloc.get_traced_memory()[1] < len(data) + (4 << 20)
    finally:
        tracemalloc.stop()
