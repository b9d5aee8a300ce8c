"""Measures other lossy codecs with a file for each picture: bytes at a setting, and the error of the decoded pictures.

Headers are most of the file of a small picture; their size is estimated by the file of a uniformly grey picture.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from recjax.codecs.lossy.compression import psnr


@dataclass(frozen=True)
class Peer:
    """Holds a lossy codec.

    Attributes:
        name: The name of the codec.
        settings: Its quality settings, from the coarsest to the finest.
        encode: Maps a picture [y, x, 3] of uint8 and a setting to the bytes of a file.
        decode: Maps a file to the picture.
    """

    name: str
    settings: tuple[float, ...]
    encode: Callable[[np.ndarray, Any], bytes]
    decode: Callable[[bytes], np.ndarray]


def peers(most: int = 99) -> list[Peer]:
    """Returns the codecs that are installed; JPEG XL needs imagecodecs, and AVIF a Pillow that was built with it.

    Args:
        most: The largest number of settings of a codec; those kept are spread from the coarsest to the finest.

    Returns:
        The codecs.
    """
    found = []
    for peer in _peers():
        places = np.linspace(0, len(peer.settings) - 1, min(most, len(peer.settings))).round().astype(int)
        found.append(replace(peer, settings=tuple(peer.settings[place] for place in places)))
    return found


def _peers() -> list[Peer]:
    qualities = (1, 2, 5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 95)
    found = [
        Peer("JPEG", qualities, _pillow("JPEG", optimize=True), _read),
        Peer("JPEG 2000", (200, 120, 80, 60, 40, 30, 24, 20, 16, 12, 10, 8, 6, 5, 4), _jpeg2000, _read),
        Peer("WebP", (0, *qualities), _pillow("WEBP", method=6), _read),
    ]
    if _has_avif():
        found.append(Peer("AVIF", (0, *qualities), _pillow("AVIF", speed=6), _read))
    try:
        import imagecodecs
    except ImportError:
        return found

    def encode(picture: np.ndarray, distance: float) -> bytes:
        return bytes(imagecodecs.jpegxl_encode(picture, distance=distance, lossless=False, effort=7))

    distances = (25.0, 20.0, 15.0, 12.0, 10.0, 8.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.5, 1.0, 0.5)
    return [*found, Peer("JPEG XL", distances, encode, lambda data: np.asarray(imagecodecs.jpegxl_decode(data)))]


def left_out() -> str:
    """Says which codecs are not installed.

    Returns:
        A sentence; empty if all are installed.
    """
    names = {"JPEG", "JPEG 2000", "WebP", "AVIF", "JPEG XL"} - {peer.name for peer in _peers()}
    return f"{', '.join(sorted(names))}: not installed, so not measured." if names else ""


def curve(peer: Peer, pictures: UInt8[np.ndarray, "picture y x 3"]) -> list[dict[str, float]]:
    """Measures the mean rate and PSNR of pictures at each setting of a codec.

    Args:
        peer: The codec.
        pictures: Pictures of equal size, uint8.

    Returns:
        A point for each setting: `bits_per_pixel` of the whole files, `net_bits_per_pixel` less the file of a uniformly
        grey picture, and `psnr_db`, the mean PSNR in dB.
    """
    size = pictures.shape[1] * pictures.shape[2]
    flat = np.full(pictures.shape[1:], 128, np.uint8)
    points = []
    for setting in peer.settings:
        files = [peer.encode(picture, setting) for picture in pictures]
        decoded = np.stack([peer.decode(data) for data in files])
        bits = 8 * float(np.mean([len(data) for data in files]))
        points.append(
            {
                "setting": setting,
                "bits_per_pixel": bits / size,
                "net_bits_per_pixel": (bits - 8 * len(peer.encode(flat, setting))) / size,
                "psnr_db": float(psnr(decoded, pictures).mean()),
            }
        )
    return points


def _pillow(kind: str, **options: Any) -> Callable[[np.ndarray, Any], bytes]:
    def encode(picture: np.ndarray, quality: float) -> bytes:
        stream = io.BytesIO()
        Image.fromarray(picture).save(stream, kind, quality=int(quality), **options)
        return stream.getvalue()

    return encode


def _jpeg2000(picture: np.ndarray, ratio: float) -> bytes:
    stream = io.BytesIO()
    # no_jp2 writes the bare code stream, without the headers (boxes) of a JP2 file.
    options = {"quality_mode": "rates", "quality_layers": [ratio], "irreversible": True, "no_jp2": True}
    Image.fromarray(picture).save(stream, "JPEG2000", **options)
    return stream.getvalue()


def _read(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def _has_avif() -> bool:
    from PIL import features

    return bool(features.check("avif"))
