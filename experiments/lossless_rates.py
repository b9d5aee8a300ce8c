"""Rates of lossless coding methods: real files, read back, decoded and compared before a figure is taken from them."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import UInt8

from experiments import baselines
from experiments.record import mean, standard_error
from recjax.codecs import lossless
from recjax.codecs.learning import learn_index_counts
from recjax.codecs.report import encode_report
from recjax.models.model import Model

# No file is measured with this seed.
_TRAINING_SEED = 1 << 32

NAMES = {"bb-ans": "BB-ANS", "pfr": "PFR", "orc": "ORC"}


@dataclass(frozen=True)
class Method:
    """How the latents are coded. Absent values are the codec's own defaults; all but the name belong to pfr and orc.

    partition: search within bins of equal prior mass. candidates: search budget of a block. block_bits: KL budget of a
    block, in bits.
    """

    name: Literal["bb-ans", "pfr", "orc"]
    partition: bool = False
    candidates: int | None = None
    block_bits: float | None = None

    def __post_init__(self) -> None:
        if self.name == "bb-ans" and (self.partition or self.candidates or self.block_bits):
            raise ValueError("bb-ans takes no partition, candidates or block_bits; they belong to pfr and orc.")

    @property
    def label(self) -> str:
        """Name for people."""
        return NAMES[self.name] + (", partitioned" if self.partition else "")

    @property
    def file_name(self) -> str:
        """Name of the coded file."""
        return self.name + ("-partitioned" if self.partition else "") + ".rjx"


def measure(
    method: Method,
    seeds: Sequence[int],
    images: UInt8[np.ndarray, "count height width"],
    model: Model,
    minus_elbo_bits_per_dim: float,
    folder: Path,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Figures of one method over files of several seeds, the last of which stays in the folder.

    One more file goes first, which compiles everything, so that speeds are those of compiled code.
    """
    runs = []
    for turn, seed in enumerate((seeds[0], *seeds)):
        progress("compiling" if turn == 0 else f"seed {seed}")
        runs.append(_one_file(method, seed, images, model, folder / method.file_name))
    reports, seconds = zip(*runs[1:], strict=True)
    dims = images.size
    bits = [8.0 * len(report.data) for report in reports]
    rates = {
        "file_bits_per_dim": [total / dims for total in bits],
        "ideal_bits_per_dim": [float(np.sum(report.ideal_bits)) / dims for report in reports],
        "code_bits_per_dim": [float(np.sum(report.latent_bits)) / dims for report in reports],
        "likelihood_bits_per_dim": [float(np.sum(report.likelihood_bits)) / dims for report in reports],
    }
    initial_bits = mean([float(report.initial_bits) for report in reports])
    rate = mean(rates["file_bits_per_dim"])
    return {
        "label": method.label,
        "access": baselines.ONE_STREAM if method.name == "bb-ans" else baselines.PER_IMAGE,
        "method": asdict(method),
        "file": method.file_name,
        "file_bytes": [len(report.data) for report in reports],
        **{name: mean(values) for name, values in rates.items()},
        **{f"{name}_se": standard_error(values) for name, values in rates.items()},
        "code_bits_per_image": mean(rates["code_bits_per_dim"]) * dims / len(images),
        "initial_bits": initial_bits,
        "overhead": rate / minus_elbo_bits_per_dim - 1.0,
        "overhead_after_initial_bits": (rate - initial_bits / dims) / minus_elbo_bits_per_dim - 1.0,
        "encode_images_per_second": len(images) / statistics.median(report.encode_seconds for report in reports),
        "decode_images_per_second": len(images) / statistics.median(seconds),
        **_bias([report.bias for report in reports]),
    }


def learn_codes(methods: Sequence[Method], images: UInt8[np.ndarray, "count height width"], model: Model) -> Model:
    """The model with the index codes that the searching methods learn from training images."""
    settings = [
        lossless.make_settings(model, method.name, method.partition, method.candidates, method.block_bits)
        for method in methods
    ]
    return learn_index_counts(model, images, [one for one in settings if one is not None], seed=_TRAINING_SEED)


def baseline_row(rate: baselines.Rate, images: np.ndarray) -> dict[str, Any]:
    """Figures of a general-purpose codec under the same names."""
    return {
        "name": rate.name,
        "access": rate.access,
        "file_bytes": rate.file_bytes,
        "file_bits_per_dim": 8.0 * rate.file_bytes / images.size,
        "encode_images_per_second": len(images) / rate.encode_seconds,
        "decode_images_per_second": len(images) / rate.decode_seconds,
    }


def _one_file(method: Method, seed: int, images: np.ndarray, model: Model, path: Path) -> tuple[Any, float]:
    """The codec's report of a file, and the seconds that it took to decode what was read back from the disk."""
    options = {"candidates": method.candidates, "block_bits": method.block_bits, "partition": method.partition}
    report = encode_report(images, model, method=method.name, seed=seed, **options)
    path.write_bytes(report.data)
    data = path.read_bytes()
    start = time.perf_counter()
    decoded = lossless.decompress(data, model=model)
    seconds = time.perf_counter() - start
    if not np.array_equal(decoded, images):
        raise RuntimeError(f"{path.name} (seed {seed}) did not decode to the images that were written.")
    if method.name != "bb-ans":
        last = len(images) - 1
        if not np.array_equal(lossless.decompress(data, index=last, model=model), images[last]):
            raise RuntimeError(
                f"image {last} of {path.name} (seed {seed}), decoded alone, differs from the image written."
            )
    return report, seconds


def _bias(reports: Sequence[dict[str, float] | None]) -> dict[str, float | None]:
    """Bias of the samples, averaged over the files; None for a method whose samples are not drawn by a search."""
    known = [report for report in reports if report]
    names = ("ks", "ks_pvalue")
    return {f"bias_{name}": mean([report[name] for report in known]) if known else None for name in names}
