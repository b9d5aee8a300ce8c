"""Compares files with what plain compressors make of the images, so that the user learns if these make less.

This takes about 2 seconds at most, however many images there are: xz compresses a sample of at most 512 KiB, and with
its strong preset only where a quick one comes near the file's size; PNGs are made of at most 1,000 images and 4 MiB.
"""

import io
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from PIL import Image

from recjax.images.source import Images

_XZ_BYTES = 1 << 19
_PNG_BYTES, _PNG_IMAGES = 1 << 22, 1_000
_RUNS = 8
"""Pieces of a sample, spread over all images. Neighbouring images stay together, as xz makes use of what they share."""

_QUICK_LOSS = 2
"""Largest factor by which the quick preset of xz, given the strong one's dictionary, is taken to be worse than the
strong one; the largest one measured on images is 1.45."""

_SURE = 0.95
"""A size that is estimated from a sample is reported only if it is below this part of the file's size, as the rest may
compress less well."""


class Peer(NamedTuple):
    """Holds the size that a plain compressor makes of images.

    Attributes:
        name: The name of the compressor.
        size: The size in bytes.
        exact: Whether all images were compressed, and not a sample.
    """

    name: str
    size: int
    exact: bool


def losing_to(images: Images, file_bytes: int) -> str | None:
    """Names the plain compressor that makes the smallest files of images, if it beats a file.

    Args:
        images: The images.
        file_bytes: The size of the file, in bytes.

    Returns:
        A sentence with the compressor and its size; None if no plain compressor makes less than the file.
    """
    if not images.size:
        return None
    tried = (_xz(images, file_bytes), _png(images))
    peers = [peer for peer in tried if peer and peer.size < file_bytes * (1 if peer.exact else _SURE)]
    if not peers:
        return None
    best = min(peers, key=lambda peer: peer.size)
    percent = 100 * (file_bytes - best.size) // file_bytes
    return (
        f"{best.name} of the same images would take {'' if best.exact else 'about '}{best.size:,} bytes, "
        f"{percent or 'under 1'}% less; try another --method or --model, or keep that."
    )


def _xz(images: Images, file_bytes: int) -> Peer | None:
    with suppress(ImportError):  # Python may be built without it
        import lzma

        sample = _sample(images, _XZ_BYTES, images.shape[0])
        raw, scale = sample.tobytes(), images.size / sample.size

        def size(preset: int) -> float:
            # A dictionary larger than the data would only cost time.
            settings = {"id": lzma.FILTER_LZMA2, "preset": preset, "dict_size": max(len(raw), 4096)}
            return len(lzma.compress(raw, filters=[settings])) * scale

        if size(0) > _QUICK_LOSS * file_bytes:
            return None
        return Peer("xz", round(size(9 | lzma.PRESET_EXTREME)), scale == 1)
    return None


def _png(images: Images) -> Peer:
    sample = _sample(images, _PNG_BYTES, _PNG_IMAGES)
    size = 0
    for image in sample:
        file = io.BytesIO()
        Image.fromarray(image).save(file, format="PNG")
        size += file.tell()
    scale = images.size / sample.size
    return Peer("PNGs" if len(images) > 1 else "a PNG", round(size * scale), scale == 1)


def _sample(images: Images, most_bytes: int, most_images: int) -> Images:
    """Takes a sample of at most so many bytes and images.

    It consists of runs of neighbouring images; if one image is larger than the sample, of the first rows of the first.
    """
    image_bytes = images[0].nbytes
    count = min(most_bytes // image_bytes, most_images)
    if count >= len(images):
        return images
    if count < 1:
        return images[:1, : max(1, most_bytes * images.shape[1] // image_bytes)]
    runs = min(_RUNS, count)
    starts = np.linspace(0, len(images) - count // runs, runs).round().astype(int)
    return np.concatenate([images[start : start + count // runs] for start in starts])
