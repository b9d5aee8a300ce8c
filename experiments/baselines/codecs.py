"""Wraps general-purpose compressors and image codecs as codecs of stacks of grey images.

gzip, bz2, xz, PNG and lossless WebP are always there; zstd, brotli and JPEG XL need the extra `bench` (imagecodecs).
Settings are the strongest that code the 10,000 test images of MNIST in about 20 seconds. Images of 2 levels go to the
byte codecs as 8 pixels a byte, and to PNG in its 1-bit mode.
"""

import bz2
import gzip
import importlib.util
import io
import lzma
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image

Images = UInt8[np.ndarray, "count height width"]

OPTIONAL = ("zstd", "brotli", "JPEG XL")


class Baseline(NamedTuple):
    """Holds a codec of stacks of grey images.

    Attributes:
        name: The name of the codec.
        encode: Maps images [count, height, width] to the bytes of one file.
        decode: Maps such a file and (count, height, width) back to the images.
    """

    name: str
    encode: Callable[[Images], bytes]
    decode: Callable[[bytes, tuple[int, int, int]], Images]


def codecs_for(levels: int) -> tuple[Baseline, ...]:
    """Returns the codecs that are installed.

    Args:
        levels: The number of grey levels; pixels are 0 to levels - 1.

    Returns:
        The codecs.
    """
    binary = levels == 2
    # mtime=0 keeps the time of day out of the file, so that the same images always give the same bytes.
    always = (
        _of_bytes("gzip", lambda data: gzip.compress(data, 9, mtime=0), gzip.decompress, binary),
        _of_bytes("bz2", lambda data: bz2.compress(data, 9), bz2.decompress, binary),
        _of_bytes("xz", lambda data: lzma.compress(data, filters=[_lzma_filter(len(data))]), lzma.decompress, binary),
    )
    pictures = (
        _of_pillow("PNG", "1" if binary else "L", optimize=True),
        # WebP has no grey mode, but three equal channels cost it almost nothing.
        _of_pillow("WebP", "RGB", lossless=True, quality=100, method=5),
    )
    return (*always, *_byte_codecs_of_bench(binary), *pictures, *_picture_codecs_of_bench())


def left_out() -> str | None:
    """Says which codecs are not installed and how to get them.

    Returns:
        A sentence, or None if all are installed.
    """
    if _has_bench():
        return None
    first, last = ", ".join(OPTIONAL[:-1]), OPTIONAL[-1]
    return f'{first} and {last} are left out, as imagecodecs is not installed; `pip install -e ".[bench]"` brings them.'


def mosaic(images: Images) -> UInt8[np.ndarray, "rows columns"]:
    """Arranges a stack of images as one picture in reading order, as square as possible; unused places are 0.

    Args:
        images: The images.

    Returns:
        The picture.
    """
    count, height, width = images.shape
    across = math.ceil(math.sqrt(count * height / width))
    down = math.ceil(count / across)
    tiles = np.zeros((down * across, height, width), np.uint8)
    tiles[:count] = images
    return tiles.reshape(down, across, height, width).transpose(0, 2, 1, 3).reshape(down * height, across * width)


def split_mosaic(picture: UInt8[np.ndarray, "rows columns"], shape: tuple[int, int, int]) -> Images:
    """Cuts a picture that `mosaic` made into its images.

    Args:
        picture: The picture.
        shape: The shape of the stack: count, height, width.

    Returns:
        The images.
    """
    count, height, width = shape
    down, across = picture.shape[0] // height, picture.shape[1] // width
    return picture.reshape(down, height, across, width).transpose(0, 2, 1, 3).reshape(-1, height, width)[:count]


def _has_bench() -> bool:
    return importlib.util.find_spec("imagecodecs") is not None


def _byte_codecs_of_bench(binary: bool) -> tuple[Baseline, ...]:
    if not _has_bench():
        return ()
    import imagecodecs

    return (
        _of_bytes("zstd", lambda data: imagecodecs.zstd_encode(data, 22), imagecodecs.zstd_decode, binary),
        _of_bytes(
            "brotli",
            lambda data: imagecodecs.brotli_encode(data, 11, lgwin=_brotli_window_log2(len(data))),
            imagecodecs.brotli_decode,
            binary,
        ),
    )


def _picture_codecs_of_bench() -> tuple[Baseline, ...]:
    if not _has_bench():
        return ()
    import imagecodecs

    return (
        Baseline(
            "JPEG XL",
            lambda images: bytes(imagecodecs.jpegxl_encode(mosaic(images), lossless=True, effort=9, numthreads=1)),
            lambda data, shape: split_mosaic(imagecodecs.jpegxl_decode(data, numthreads=1), shape),
        ),
    )


def _of_bytes(
    name: str,
    compress: Callable[[bytes], bytes | bytearray],
    decompress: Callable[[bytes], bytes | bytearray],
    packed: bool,
) -> Baseline:
    """Makes a codec that compresses all pixels of a stack as one string of bytes.

    There is a byte for each pixel, or if `packed` for 8 pixels of 2 levels, the first in the highest bit.
    """

    def encode(images: Images) -> bytes:
        return bytes(compress(np.packbits(images).tobytes() if packed else images.tobytes()))

    def decode(data: bytes, shape: tuple[int, int, int]) -> Images:
        found = np.frombuffer(decompress(data), np.uint8)
        return (np.unpackbits(found, count=math.prod(shape)) if packed else found).reshape(shape)

    return Baseline(name, encode, decode)


def _of_pillow(name: str, mode: str, **options: object) -> Baseline:
    """Makes a codec of Pillow's; `mode` is that of the pictures in its files, "1" for pixels of 0 and 1."""

    def encode(images: Images) -> bytes:
        buffer = io.BytesIO()
        picture = mosaic(images)
        Image.fromarray(picture.astype(bool) if mode == "1" else picture).convert(mode).save(buffer, name, **options)
        return buffer.getvalue()

    def decode(data: bytes, shape: tuple[int, int, int]) -> Images:
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert(mode)).astype(np.uint8)
        return split_mosaic(pixels[..., 0] if pixels.ndim == 3 else pixels, shape)

    return Baseline(name, encode, decode)


def _brotli_window_log2(size: int) -> int:
    """Returns log2 of brotli's window, cut to the input's size: a large window would dominate a small image's time."""
    return min(max(size.bit_length(), 10), 24)


def _lzma_filter(size: int) -> dict[str, int]:
    """Returns the strongest preset with its 64 MiB dictionary cut to the input's size.

    For a small image that takes 1 ms instead of 50.
    """
    return {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": min(max(size, 4096), 2**26)}
