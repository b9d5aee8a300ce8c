"""Lossless codecs of single RGB pictures, a file for each, on one thread.

PNG and WebP come with Pillow; JPEG XL needs the extra `bench` (imagecodecs).
"""

import importlib.util
import io
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image, features

from experiments.baselines.names import JPEG_XL_7, JPEG_XL_9, PNG, WEBP

Picture = UInt8[np.ndarray, "height width 3"]


class PictureCodec(NamedTuple):
    """Holds a lossless codec of pictures.

    Attributes:
        name: The name of the codec.
        encode: Maps a picture to the bytes of a file.
        decode: Maps such a file back to the picture.
        settings: The library, its version and the settings, for readers.
    """

    name: str
    encode: Callable[[Picture], bytes]
    decode: Callable[[bytes], Picture]
    settings: str = ""


class Coded(NamedTuple):
    """Holds what a codec needed for a picture.

    Attributes:
        data: The file.
        encode_seconds: Seconds of encoding.
        decode_seconds: Seconds of decoding.
    """

    data: bytes
    encode_seconds: float
    decode_seconds: float


def picture_codecs() -> tuple[PictureCodec, ...]:
    """Returns the codecs that are installed.

    Returns:
        The codecs, JPEG XL first.
    """
    webp = {"lossless": True, "quality": 100, "method": 6}
    return (
        *_jpeg_xl(),
        _of_pillow(WEBP, f"libwebp {features.version('webp')}, quality 100, method 6", **webp),
        _of_pillow(PNG, f"zlib {features.version('zlib')}, level 9", compress_level=9),
    )


def left_out() -> str:
    """Says which codecs are not installed and how to get them.

    Returns:
        A sentence; empty if all are installed.
    """
    if _has_bench():
        return ""
    return 'JPEG XL is left out, as imagecodecs is not installed; `pip install -e ".[bench]"` brings it.'


def measure(codec: PictureCodec, picture: Picture) -> Coded:
    """Codes a picture, decodes it again and compares.

    Args:
        codec: The codec.
        picture: The picture.

    Returns:
        The file and times.

    Raises:
        RuntimeError: A pixel differs after decoding.
    """
    start = time.perf_counter()
    data = codec.encode(picture)
    encoded = time.perf_counter()
    decoded = codec.decode(data)
    finished = time.perf_counter()
    if not np.array_equal(decoded, picture):
        raise RuntimeError(f"{codec.name} must return the picture that it was given, and did not; check its library.")
    return Coded(data, encoded - start, finished - encoded)


def _has_bench() -> bool:
    return importlib.util.find_spec("imagecodecs") is not None


def _jpeg_xl() -> tuple[PictureCodec, ...]:
    if not _has_bench():
        return ()
    import imagecodecs

    def make(name: str, effort: int) -> PictureCodec:
        return PictureCodec(
            name,
            lambda picture: bytes(imagecodecs.jpegxl_encode(picture, lossless=True, effort=effort, numthreads=1)),
            lambda data: np.asarray(imagecodecs.jpegxl_decode(data, numthreads=1)),
            imagecodecs.jpegxl_version(),
        )

    return make(JPEG_XL_7, 7), make(JPEG_XL_9, 9)


def _of_pillow(name: str, settings: str, **options: Any) -> PictureCodec:
    def encode(picture: Picture) -> bytes:
        stream = io.BytesIO()
        Image.fromarray(picture).save(stream, name, **options)
        return stream.getvalue()

    def decode(data: bytes) -> Picture:
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    return PictureCodec(name, encode, decode, settings)
