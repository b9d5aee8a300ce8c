"""Files of one model by one method, over seeds: their rates, with and without what is not of the images, and speeds."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.baseline_names import ONE_STREAM, PER_IMAGE
from experiments.methods import Method
from experiments.partition_rows import payload_bits
from experiments.record import mean, standard_error
from experiments.released import Obtained
from recjax.codecs import bits_back, bits_back_rec, lossless, relative_entropy
from recjax.codecs.settings import Settings
from recjax.models.model import Model

METHODS = {"bb-ans": ONE_STREAM, "bb-ans-rec": ONE_STREAM, "orc": PER_IMAGE}
"""What an image of a file by each method takes to be decoded."""


def measure(
    method: str, one: Obtained, alone: Method, seeds: Sequence[int], bound_bits_per_dim: float, folder: Path
) -> dict[str, Any]:
    """Figures of a method; the file of the last seed stays in the folder, and the speeds are of that file.

    bare: a stream without its initial bits, an archive without header, directory, padding and checksums. Something of
    the same shapes is coded first, so that speeds are those of compiled code.
    """
    images, model = one.test.images, one.model
    settings = lossless.make_settings(model, **alone.options)
    assert settings is not None
    if method == "orc":
        # A whole batch, and one as small as the last.
        first = min(len(images), relative_entropy.BATCH + len(images) % relative_entropy.BATCH)
        _one_file(method, images[:first], model, settings, seeds[0], folder / "warm-up.rjx")
        (folder / "warm-up.rjx").unlink()
    turns = seeds if method == "orc" or len(seeds) > 1 else [*seeds, *seeds]
    path = folder / f"{one.source.label}-{method}.rjx"
    files = [_one_file(method, images, model, settings, seed, path) for seed in turns]
    whole, bare = (
        [8 * size / images.size for size in sizes] for sizes in zip(*(file[:2] for file in files), strict=True)
    )
    encode_seconds, decode_seconds = files[-1][2:]
    kept = slice(len(turns) - len(seeds), None)
    return {
        "method": method,
        "access": METHODS[method],
        "file": path.name,
        "file_bytes": path.stat().st_size,
        **_figures("file", whole[kept], bound_bits_per_dim),
        **_figures("bare", bare[kept], bound_bits_per_dim),
        "encode_images_per_second": len(images) / encode_seconds,
        "decode_images_per_second": len(images) / decode_seconds,
    }


def _figures(name: str, rates: Sequence[float], bound: float) -> dict[str, float | None]:
    return {
        f"{name}_bits_per_dim": mean(rates),
        f"{name}_bits_per_dim_se": standard_error(rates),
        f"{name}_overhead": mean(rates) / bound - 1.0,
    }


def _one_file(
    method: str, images: np.ndarray, model: Model, settings: Settings, seed: int, path: Path
) -> tuple[int, float, float, float]:
    """Bytes of a file, of its images alone, and the seconds to encode and to decode it; it is checked."""
    start = time.perf_counter()
    initial_bits = 0
    if method == "bb-ans":
        data, initial_bits = bits_back.encode(images, model, seed=seed)
    elif method == "bb-ans-rec":
        data = bits_back_rec.encode(images, model, settings, seed=seed).data
    else:
        data = relative_entropy.encode(images, model, settings, seed=seed).data
    encoded = time.perf_counter()
    path.write_bytes(data)
    read = path.read_bytes()
    begun = time.perf_counter()
    decoded = lossless.decompress(read, model=model)
    seconds = time.perf_counter() - begun
    if not np.array_equal(decoded, images):
        raise RuntimeError(f"{path.name} (seed {seed}) must decode to the images that were written; report it.")
    bare = payload_bits(data) if METHODS[method] == PER_IMAGE else 8 * len(data) - initial_bits
    return len(data), bare / 8, encoded - start, seconds
