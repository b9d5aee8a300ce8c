"""Measures files of one method at one number of blocks and candidates, over seeds, for a row of the table."""

import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from experiments.lossless.rates import bias_of
from experiments.lossless.single_image_files import payload_bits
from experiments.provenance import mean, standard_error
from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless.report import Report, encode_report
from recjax.codecs.lossless.resolve import check_settings
from recjax.codecs.lossless.settings import SCALAR_METHODS
from recjax.models.vae.evaluate import Model


@dataclass(frozen=True)
class Rows:
    """Describes the rows of one method: one for every pair of blocks and candidates.

    Methods that send latents one by one have neither blocks nor candidates, and one row.

    Attributes:
        method: The method of the file.
        partition: Whether to search within bins of equal prior mass.
        blocks: The largest number of blocks that the latents are split into, for each row.
        candidates: The number of candidates of a block, a power of two, for each row.

    Raises:
        ValueError: Blocks and candidates do not suit the method, or a value is out of range.
    """

    method: str
    partition: bool = True
    blocks: tuple[int, ...] = ()
    candidates: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if (self.method in SCALAR_METHODS) == bool(self.blocks) or bool(self.blocks) != bool(self.candidates):
            raise ValueError(
                f"{self.method} must have blocks and candidates if it searches blocks, and neither if it sends latents "
                f"one by one, got {list(self.blocks)} and {list(self.candidates)}; change them."
            )
        for options in self.options:
            check_settings(**options)

    @property
    def options(self) -> list[dict[str, Any]]:
        """Keyword arguments of the codec for each row."""
        if not self.blocks:
            return [{"method": self.method}]
        base = {"method": self.method, "partition": self.partition}
        return [base | {"blocks": blocks, "candidates": count} for blocks in self.blocks for count in self.candidates]


def images_of_a_seed(options: dict[str, Any], images: int, seeds: int, most_candidates: int) -> int:
    """Returns how many images a seed codes: its share of the test images, or fewer if the candidate budget is smaller.

    Args:
        options: Keyword arguments of the codec.
        images: The number of test images.
        seeds: The number of seeds.
        most_candidates: The largest number of candidates that a file may search.

    Returns:
        The number of images, at least 2.
    """
    searched = options.get("blocks", 1) * options.get("candidates", 1)
    return max(min(images // seeds, most_candidates // searched), 2)


def measure(
    options: dict[str, Any],
    seeds: int,
    most_candidates: int,
    images: UInt8[np.ndarray, "images height width"],
    bound_bits: Float[np.ndarray, "images"],
    model: Model,
    folder: Path,
) -> dict[str, Any]:
    """Measures a row; each seed codes its own images, and is compared with their -ELBO.

    Args:
        options: Keyword arguments of the codec.
        seeds: The number of seeds.
        most_candidates: The largest number of candidates that a file may search.
        images: The test images.
        bound_bits: -ELBO of each image, in bits.
        model: The model.
        folder: The output folder.

    Returns:
        The row: rates in bits per pixel and overheads as shares of -ELBO, with standard errors over the seeds, speed,
        and the bias of the samples.

    Raises:
        RuntimeError: A file does not decode to its images.
    """
    count = images_of_a_seed(options, len(images), seeds, most_candidates)
    reports, names = [], ("file", "payload", "code", "likelihood", "bound")
    values: dict[str, list[float]] = {name: [] for name in names}
    for seed in range(seeds):
        start = seed * (len(images) // seeds)
        part = images[start : start + count]
        report = encode_report(part, model, seed=seed, **options)
        _check(report, part, model, folder / "partition.rjx")
        reports.append(report)
        found = (
            8.0 * len(report.data),
            payload_bits(report.data),
            np.sum(report.latent_bits),
            np.sum(report.likelihood_bits),
            np.sum(bound_bits[start : start + count]),
        )
        for name, bits in zip(names, found, strict=True):
            values[name].append(float(bits) / part.size)
    over = {name: [a / b - 1.0 for a, b in zip(values[name], values["bound"], strict=True)] for name in names[:2]}
    return {
        "method": options["method"],
        "partition": options.get("partition", False),
        "most_blocks": options.get("blocks"),
        "blocks": reports[0].blocks,
        "candidates": options.get("candidates"),
        "images_per_seed": count,
        **{f"{name}_bits_per_dim": mean(values[name]) for name in names},
        **{f"{name}_bits_per_dim_se": standard_error(values[name]) for name in names[:4]},
        **{f"{name}_overhead": mean(shares) for name, shares in over.items()},
        **{f"{name}_overhead_se": standard_error(shares) for name, shares in over.items()},
        "code_bits_per_image": mean(values["code"]) * model.pixels,
        "milliseconds_per_image": 1000 * statistics.median(report.encode_seconds for report in reports) / count,
        "exhausted": sum(report.exhausted for report in reports),
        "searches": sum(report.blocks for report in reports) * count,
        **bias_of([report.draws for report in reports if report.draws is not None]),
    }


def _check(report: Report, images: np.ndarray, model: Model, path: Path) -> None:
    path.write_bytes(report.data)
    if not np.array_equal(lossless.decompress(path.read_bytes(), model=model), images):
        raise RuntimeError(f"a file of {len(images)} images must decode to them, and did not; report it.")
