"""Measures lossless methods on real files, which are read back, decoded and compared before any figure is taken."""

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from experiments.baselines import lossless as baselines
from experiments.lossless.methods import Method, file_name
from experiments.provenance import mean, standard_error
from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless.learned_codes import LEARNING_SEED, learn_index_counts
from recjax.codecs.lossless.report import Report, encode_report
from recjax.container import file as container
from recjax.models.vae.evaluate import Model
from recjax.rec import diagnostics

Images = UInt8[np.ndarray, "count height width"]


def check_seeds(seeds: Sequence[int]) -> None:
    """Checks that seeds are distinct, in range, and not the one that index codes are learned with.

    Args:
        seeds: The seeds of a config.

    Raises:
        ValueError: There is no seed, or one is invalid.
    """
    if not seeds:
        raise ValueError("'seeds' must have at least one entry, got none; add one.")
    for place, seed in enumerate(seeds):
        if not 0 <= seed < 1 << 64:
            raise ValueError(f"'seeds.{place}' must be in [0, 2^64), got {seed}; take it modulo 2^64.")
        if seed in seeds[:place]:
            raise ValueError(f"'seeds.{place}' must differ from the others, got {seed} again; change or remove it.")
        if seed == LEARNING_SEED:
            raise ValueError(f"'seeds.{place}' must not be {seed}, on which index codes are learned; take another.")


def measure(
    method: Method,
    label: str,
    seeds: Sequence[int],
    images: Images,
    model: Model,
    minus_elbo_bits_per_dim: float,
    folder: Path,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Measures one method on a file for each seed; the last file stays in the folder.

    One more file is coded first, which compiles everything, so that speeds are those of compiled code.

    Args:
        method: The method.
        label: Its label.
        seeds: The seeds.
        images: The images that every file holds.
        model: The model.
        minus_elbo_bits_per_dim: -ELBO of the images in bits per pixel, which overheads are relative to.
        folder: The output folder.
        progress: Called with a text at every step.

    Returns:
        The row of figures: rates in bits per pixel with standard errors over the seeds, overheads as shares of -ELBO,
        speeds as medians over the seeds, and the bias of the samples.

    Raises:
        RuntimeError: A file does not decode to the images.
    """
    runs = []
    for turn, seed in enumerate((seeds[0], *seeds)):
        progress("compiling" if turn == 0 else f"seed {seed}")
        runs.append(_one_file(method, seed, images, model, folder / file_name(label)))
    reports, seconds = zip(*runs[1:], strict=True)
    dims = images.size
    rates = {
        "file": [8.0 * len(report.data) / dims for report in reports],
        "container": [8.0 * _container_bytes(report.data) / dims for report in reports],
        "ideal": [float(np.sum(report.ideal_bits)) / dims for report in reports],
        "code": [float(np.sum(report.latent_bits)) / dims for report in reports],
        "likelihood": [float(np.sum(report.likelihood_bits)) / dims for report in reports],
    }
    initial_bits = mean([float(report.initial_bits) for report in reports])
    rate = mean(rates["file"])
    return {
        "label": label,
        "access": baselines.PER_IMAGE if method.searches else baselines.ONE_STREAM,
        "method": method.resolved,
        "file": file_name(label),
        "file_bytes": [len(report.data) for report in reports],
        **{f"{name}_bits_per_dim": mean(values) for name, values in rates.items()},
        **{f"{name}_bits_per_dim_se": standard_error(values) for name, values in rates.items()},
        "code_bits_per_image": mean(rates["code"]) * dims / len(images),
        "initial_bits": initial_bits,
        "overhead": rate / minus_elbo_bits_per_dim - 1.0,
        "overhead_after_initial_bits": (rate - initial_bits / dims) / minus_elbo_bits_per_dim - 1.0,
        "encode_images_per_second": len(images) / statistics.median(report.encode_seconds for report in reports),
        "decode_images_per_second": len(images) / statistics.median(seconds),
        "searches": sum(report.blocks for report in reports) * len(images),
        "exhausted_searches": sum(report.exhausted for report in reports),
        **bias_of([report.draws for report in reports if report.draws is not None]),
    }


def learn_codes(methods: Sequence[Method], images: Images, model: Model) -> Model:
    """Adds to a model the index codes that the searching methods learn from training images.

    Args:
        methods: The methods of a config.
        images: The training images.
        model: The model.

    Returns:
        The model with the learned codes.
    """
    settings = [method.settings for method in methods]
    return learn_index_counts(model, images, [one for one in settings if one is not None], seed=LEARNING_SEED)


def baseline_row(rate: baselines.Rate, images: Images) -> dict[str, Any]:
    """Converts the measurement of a general-purpose codec to a row with the same keys as `measure` uses.

    Args:
        rate: The measurement.
        images: The images that were coded.

    Returns:
        The row.
    """
    return {
        "name": rate.name,
        "access": rate.access,
        "file_bytes": rate.file_bytes,
        "file_bits_per_dim": 8.0 * rate.file_bytes / images.size,
        "encode_images_per_second": len(images) / rate.encode_seconds,
        "decode_images_per_second": len(images) / rate.decode_seconds,
    }


def bias_of(draws: Sequence[diagnostics.Draws]) -> dict[str, Any]:
    """Tests the pooled draws of all files for bias.

    Args:
        draws: The draws of each file; empty for a method without a search.

    Returns:
        The fields of `diagnostics.Bias` with the prefix `bias_`, and the number of draws, `bias_draws`; all None for a
        method without a search and for fewer than two draws.
    """
    names = [f"bias_{name}" for name in diagnostics.Bias._fields]
    pooled = diagnostics.pool(draws) if draws else None
    if pooled is None or len(pooled.uniforms) < 2:
        return {"bias_draws": None, **dict.fromkeys(names)}
    values = map(float, diagnostics.bias(pooled))
    return {"bias_draws": len(pooled.uniforms), **dict(zip(names, values, strict=True))}


def _one_file(method: Method, seed: int, images: Images, model: Model, path: Path) -> tuple[Report, float]:
    """Writes a file, decodes it from disk and compares; returns the codec's report and the seconds of decoding."""
    report = encode_report(images, model, seed=seed, **method.options)
    path.write_bytes(report.data)
    data = path.read_bytes()
    start = time.perf_counter()
    decoded = lossless.decompress(data, model=model)
    seconds = time.perf_counter() - start
    if not np.array_equal(decoded, images):
        raise RuntimeError(
            f"{path.name} (seed {seed}) must decode to the images that were written, and did not; report it."
        )
    last = len(images) - 1
    if method.searches and not np.array_equal(lossless.decompress(data, index=last, model=model), images[last]):
        raise RuntimeError(
            f"image {last} of {path.name} (seed {seed}) must decode alone to what was written, and did not; report it."
        )
    return report, seconds


def _container_bytes(data: bytes) -> int:
    """Returns the size of a file's header and checksums."""
    file = container.read(data)
    return len(data) - sum(len(file.chunk(number)) for number in range(file.header.num_chunks))
