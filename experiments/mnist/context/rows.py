"""Measures files of one model by one method over seeds: rates of whole files and of the images' own bits, speeds."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.baselines.names import ONE_STREAM, PER_IMAGE
from experiments.lossless.methods import Method
from experiments.lossless.model_sources import Obtained
from experiments.lossless.single_image_files import payload_bits, warm_up_images
from experiments.provenance import mean, standard_error
from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless import relative_entropy
from recjax.codecs.lossless.chains import bits_back, bits_back_rec
from recjax.codecs.lossless.resolve import make_settings
from recjax.codecs.lossless.settings import Settings
from recjax.models.vae.evaluate import Model

METHODS = {"bb-ans": ONE_STREAM, "bb-ans-rec": ONE_STREAM, "orc": PER_IMAGE}
"""Each method, and whether an image of its files can be decoded on its own (PER_IMAGE) or not (ONE_STREAM)."""


class _Sent(NamedTuple):
    """Holds the bits of a file that was decoded and compared, those of its images only, and the seconds it took."""

    file_bits: int
    bare_bits: int
    encode_seconds: float
    decode_seconds: float


def measure(
    method: str, one: Obtained, alone: Method, seeds: Sequence[int], bound_bits_per_dim: float, folder: Path
) -> dict[str, Any]:
    """Measures a method; the file of the last seed stays in the folder, and speeds are those of that file.

    A file that needs the same compiled programs is coded first, so that speeds are those of compiled code.

    Args:
        method: One of METHODS.
        one: The model with its data.
        alone: How an image is coded on its own.
        seeds: The seeds.
        bound_bits_per_dim: -ELBO in bits per pixel, which overheads are relative to.
        folder: The output folder.

    Returns:
        The row. `file` figures are those of whole files; `bare` figures are those of a stream without its initial bits,
        or of an archive without header, directory, padding and checksums.

    Raises:
        RuntimeError: A file does not decode to the images.
    """
    images, model = one.test.images, one.model
    settings = make_settings(model, **alone.options)
    assert settings is not None
    if method == "orc":
        _one_file(method, warm_up_images(images), model, settings, seeds[0], folder / "warm-up.rjx")
        (folder / "warm-up.rjx").unlink()
    turns = seeds if method == "orc" or len(seeds) > 1 else [*seeds, *seeds]
    path = folder / f"{one.source.label}-{method}.rjx"
    files = [_one_file(method, images, model, settings, seed, path) for seed in turns][-len(seeds) :]
    return {
        "method": method,
        "access": METHODS[method],
        "file": path.name,
        "file_bytes": path.stat().st_size,
        **_figures("file", [file.file_bits / images.size for file in files], bound_bits_per_dim),
        **_figures("bare", [file.bare_bits / images.size for file in files], bound_bits_per_dim),
        "encode_images_per_second": len(images) / files[-1].encode_seconds,
        "decode_images_per_second": len(images) / files[-1].decode_seconds,
    }


def _figures(name: str, rates: Sequence[float], bound: float) -> dict[str, float | None]:
    return {
        f"{name}_bits_per_dim": mean(rates),
        f"{name}_bits_per_dim_se": standard_error(rates),
        f"{name}_overhead": mean(rates) / bound - 1.0,
    }


def _one_file(method: str, images: np.ndarray, model: Model, settings: Settings, seed: int, path: Path) -> _Sent:
    """Writes a file, reads it, decodes it and compares."""
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
    bare_bits = payload_bits(data) if METHODS[method] == PER_IMAGE else 8 * len(data) - initial_bits
    return _Sent(8 * len(data), bare_bits, encoded - start, seconds)
