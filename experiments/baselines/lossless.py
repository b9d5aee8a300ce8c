"""Measures other lossless codecs on the same images and checks every round trip; `codecs` in this folder lists them.

A stack is coded in two ways that are never mixed. PER_IMAGE: a complete file for every image, so that each can be
opened on its own. ONE_STREAM: one file for all, which is the concatenated raw bytes for the byte codecs, and one mosaic
for PNG, WebP and JPEG XL.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from experiments.baselines.codecs import Baseline, Images, codecs_for
from experiments.baselines.names import ONE_STREAM, PER_IMAGE


class Rate(NamedTuple):
    """Holds what a codec needed for a stack, on one thread.

    Attributes:
        name: The name of the codec.
        access: PER_IMAGE or ONE_STREAM.
        file_bytes: The size of all files together, in bytes.
        encode_seconds: Seconds of encoding.
        decode_seconds: Seconds of decoding.
    """

    name: str
    access: str
    file_bytes: int
    encode_seconds: float
    decode_seconds: float


def measure(baseline: Baseline, images: Images, access: str) -> Rate:
    """Codes a stack of images, decodes it again and compares.

    Args:
        baseline: The codec.
        images: The images.
        access: PER_IMAGE or ONE_STREAM.

    Returns:
        Size and times.

    Raises:
        RuntimeError: A pixel differs after decoding.
    """
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


def measure_all(images: Images, levels: int, progress: Callable[[str], None] = lambda text: None) -> list[Rate]:
    """Measures every codec that is installed, per image and as one stream.

    Args:
        images: The images.
        levels: The number of grey levels; pixels are 0 to levels - 1.
        progress: Called with the name of each codec and form before it is measured.

    Returns:
        Two measurements for each codec.
    """
    rates = []
    for baseline in codecs_for(levels):
        for access in (PER_IMAGE, ONE_STREAM):
            progress(f"{baseline.name}, {access}")
            rates.append(measure(baseline, images, access))
    return rates
