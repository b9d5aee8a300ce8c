"""Other people's codecs on the same images, each round trip checked; which codecs there are is in `baseline_codecs`.

A stack is coded in two ways that are never mixed: PER_IMAGE, a complete file for every image, so that each opens alone;
and ONE_STREAM, one file for all: the concatenated raw bytes for the byte codecs, one mosaic for PNG, WebP and JPEG XL.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from experiments.baselines.codecs import Baseline, Images, codecs_for
from experiments.baselines.names import ONE_STREAM, PER_IMAGE


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


def measure_all(images: Images, levels: int, progress: Callable[[str], None] = lambda text: None) -> list[Rate]:
    """Every baseline that is installed, per image and as one stream; pixels are 0 to levels - 1."""
    rates = []
    for baseline in codecs_for(levels):
        for access in (PER_IMAGE, ONE_STREAM):
            progress(f"{baseline.name}, {access}")
            rates.append(measure(baseline, images, access))
    return rates
