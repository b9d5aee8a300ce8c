"""Times whole files: written, read back, decoded and compared; networks, codes, container and disk are included."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from recjax.codecs.lossless import relative_entropy
from recjax.codecs.lossless.chains import bits_back
from recjax.codecs.lossless.resolve import make_settings
from recjax.container import file as container
from recjax.models.vae.evaluate import Model

Coder = tuple[Callable[[np.ndarray], bytes], Callable[[bytes], np.ndarray]]
"""A function that encodes images [count, height, width] to the bytes of a file, and one that decodes them."""


def one_chain(model: Model) -> Coder:
    """Returns functions that code all images as one bits-back file.

    Args:
        model: The model.

    Returns:
        The encoder and the decoder.
    """
    return (
        lambda images: bits_back.encode(images, model, seed=0)[0],
        lambda data: bits_back.decode(container.read(data), model),
    )


def each_alone(model: Model, blocks: int | None = None, candidates: int | None = None) -> Coder:
    """Returns functions that code each image on its own by partitioned ORC.

    Args:
        model: The model.
        blocks: The number of blocks of latents, at most; None means the codec's default.
        candidates: The number of candidates of a block; None means the codec's default.

    Returns:
        The encoder and the decoder.
    """
    settings = make_settings(model, "orc", candidates=candidates, blocks=blocks)
    assert settings is not None
    return (
        lambda images: relative_entropy.encode(images, model, settings, seed=0).data,
        lambda data: relative_entropy.decode(container.read(data), model),
    )


def timed(coder: Coder, images: np.ndarray, rounds: int, path: Path) -> dict[str, Any]:
    """Times writing and reading a file of images, after a first round that compiles.

    Args:
        coder: The encoder and the decoder.
        images: The images.
        rounds: The number of rounds after the first.
        path: The file.

    Returns:
        Size and rate of the file, the seconds of the first round and of each other round, and images per second, from
        the median of the other rounds.

    Raises:
        RuntimeError: The file does not decode to the images.
    """
    encode, decode = coder
    seconds: dict[str, list[float]] = {"encode": [], "decode": []}
    for _ in range(rounds + 1):
        start = time.perf_counter()
        path.write_bytes(encode(images))
        written = time.perf_counter()
        decoded = decode(path.read_bytes())
        read = time.perf_counter()
        if not np.array_equal(decoded, images):
            raise RuntimeError(f"{path.name} must decode to the images that were written, and did not; report it.")
        seconds["encode"].append(written - start)
        seconds["decode"].append(read - written)
    file = container.read(path.read_bytes())
    lanes = file.header.parameters.get("lanes", 0)
    return {
        "images": len(images),
        "file_bytes": path.stat().st_size,
        "bits_per_dim": 8 * path.stat().st_size / images.size,
        "head_bytes": bits_back.HEAD_BYTES * lanes,
        "lanes": lanes,
        "first_seconds": {name: values[0] for name, values in seconds.items()},
        "seconds": {name: values[1:] for name, values in seconds.items()},
        "images_per_second": {name: len(images) / statistics.median(values[1:]) for name, values in seconds.items()},
    }
