"""General-purpose and image codecs on the same images: gzip, bz2, xz, PNG and lossless WebP, each round trip checked.

A stack is coded in two ways that are never mixed: PER_IMAGE, a complete file for every image, so that each opens alone;
and ONE_STREAM, one file for all: the concatenated raw bytes for the byte codecs, one mosaic for PNG and WebP.
"""

import bz2
import gzip
import io
import lzma
import math
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image

PER_IMAGE = "per image"
ONE_STREAM = "one stream"

Images = UInt8[np.ndarray, "count height width"]


class Baseline(NamedTuple):
    """A codec of grey image stacks.

    encode: images [count, height, width] -> bytes of one file.
    decode: that file and (count, height, width) -> the images.
    """

    name: str
    encode: Callable[[Images], bytes]
    decode: Callable[[bytes, tuple[int, int, int]], Images]


class Rate(NamedTuple):
    """What a baseline needed for a stack, on one thread; `access` is PER_IMAGE or ONE_STREAM."""

    name: str
    access: str
    file_bytes: int
    encode_seconds: float
    decode_seconds: float


def measure(baseline: Baseline, images: Images, access: str) -> Rate:
    """Code the stack, decode it again, and raise if a single pixel differs."""
    stacks = images[:, None] if access == PER_IMAGE else images[None]
    start = time.perf_counter()
    files = [baseline.encode(stack) for stack in stacks]
    encoded = time.perf_counter()
    decoded = [baseline.decode(data, stack.shape) for data, stack in zip(files, stacks, strict=True)]
    finished = time.perf_counter()
    if not np.array_equal(np.stack(decoded), stacks):
        raise RuntimeError(
            f"{baseline.name} ({access}) must return the images that it was given, and did not; check its library."
        )
    return Rate(baseline.name, access, sum(map(len, files)), encoded - start, finished - encoded)


def measure_all(images: Images) -> list[Rate]:
    """Every baseline, per image and as one stream."""
    return [measure(baseline, images, access) for baseline in BASELINES for access in (PER_IMAGE, ONE_STREAM)]


def mosaic(images: Images) -> UInt8[np.ndarray, "rows columns"]:
    """The stack as one picture, in reading order, as square as it gets; the places left over are 0."""
    count, height, width = images.shape
    across = math.ceil(math.sqrt(count * height / width))
    down = math.ceil(count / across)
    tiles = np.zeros((down * across, height, width), np.uint8)
    tiles[:count] = images
    return tiles.reshape(down, across, height, width).transpose(0, 2, 1, 3).reshape(down * height, across * width)


def split_mosaic(picture: UInt8[np.ndarray, "rows columns"], shape: tuple[int, int, int]) -> Images:
    """Inverse of `mosaic`."""
    count, height, width = shape
    down, across = picture.shape[0] // height, picture.shape[1] // width
    return picture.reshape(down, height, across, width).transpose(0, 2, 1, 3).reshape(-1, height, width)[:count]


def _of_bytes(name: str, compress: Callable[[bytes], bytes], decompress: Callable[[bytes], bytes]) -> Baseline:
    return Baseline(
        name,
        lambda images: compress(images.tobytes()),
        lambda data, shape: np.frombuffer(decompress(data), np.uint8).reshape(shape),
    )


def _of_pictures(name: str, mode: str, **options: object) -> Baseline:
    def encode(images: Images) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(mosaic(images)).convert(mode).save(buffer, name, **options)
        return buffer.getvalue()

    def decode(data: bytes, shape: tuple[int, int, int]) -> Images:
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert(mode))
        return split_mosaic(pixels[..., 0] if pixels.ndim == 3 else pixels, shape)

    return Baseline(name, encode, decode)


def _lzma_filter(size: int) -> dict[str, int]:
    """The strongest preset; its 64 MiB dictionary, cut to the input's size, takes a small image from 50 ms to 1 ms."""
    return {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": min(max(size, 4096), 2**26)}


BASELINES = (
    # mtime=0: the same images give the same bytes at any hour.
    _of_bytes("gzip", lambda data: gzip.compress(data, 9, mtime=0), gzip.decompress),
    _of_bytes("bz2", lambda data: bz2.compress(data, 9), bz2.decompress),
    _of_bytes("xz", lambda data: lzma.compress(data, filters=[_lzma_filter(len(data))]), lzma.decompress),
    _of_pictures("PNG", "L", optimize=True),
    # WebP has no grey mode; equal channels cost it almost nothing.
    _of_pictures("WebP", "RGB", lossless=True, quality=100, method=6),
)
