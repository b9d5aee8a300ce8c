"""Measures space partitioning on MNIST by the number of blocks and candidates, as in Table 1 of arXiv:2405.12203.

Run:     python -m experiments configs/mnist_partition.toml
Every image can be decoded on its own. Each seed codes its own part of the test set; large searches code fewer images,
and every file is compared with the -ELBO of the images that it holds.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rich.console

from experiments.lossless import model_sources as released
from experiments.lossless.elbo import exact_bound
from experiments.lossless.elbo_with_search import kl_bits
from experiments.lossless.model_sources import ModelSource, Obtained
from experiments.mnist.partition import code_rows
from experiments.mnist.partition import rows as partition_rows
from experiments.mnist.partition.code_rows import Codes
from experiments.mnist.partition.rows import Rows
from experiments.progress import searches
from recjax.codecs.lossless.plan import make_plan
from recjax.codecs.lossless.resolve import make_settings
from recjax.models.vae.evaluate import KL_UNIT
from training import data
from training.vae.run import SAMPLES

_SHOWN_IMAGES = 200
_HISTOGRAM_BINS = 80


@dataclass(frozen=True)
class Config:
    """Configures the experiment.

    Attributes:
        experiment: The name of the experiment.
        model: The model.
        rows: The methods and their settings.
        from_scratch: Whether to train the model (`--train`).
        images: The number of test images; None means all.
        elbo_samples: The number of posterior samples of each image for -ELBO.
        seeds: The number of files of each row, each of its own images.
        most_candidates: The largest number of candidates that a file may search, which limits its images.
        histogram_blocks: The number of blocks whose KL over all training and validation images is shown in histograms.
        codes: The setting for which learned codes are compared, on all images, with those of the rows (zeta indices and
            equal bins); None means no comparison.

    Raises:
        ValueError: There are no rows, or a value is out of range.
    """

    experiment: str
    model: ModelSource
    rows: tuple[Rows, ...]
    from_scratch: bool = False
    images: int | None = None
    elbo_samples: int = SAMPLES
    seeds: int = 5
    most_candidates: int = 1 << 24
    histogram_blocks: int = 2
    codes: Codes | None = None

    def __post_init__(self) -> None:
        released.check([self.model])
        if not self.rows:
            raise ValueError("'rows' must have at least one entry, got none; add a table [[rows]].")
        for name in ("images", "elbo_samples", "seeds", "most_candidates", "histogram_blocks"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}; raise it.")


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Codes, decodes and compares the files of every row.

    Args:
        config: The config.
        folder: The output folder.
        console: Where progress is printed.

    Returns:
        The figures of the result.

    Raises:
        ValueError: There are fewer than 2 images for each seed.
    """
    start = time.perf_counter()
    (found,) = released.obtain(
        [config.model], folder, console, from_scratch=config.from_scratch, samples=config.elbo_samples
    ).values()
    one = released.limited(found, config.images)
    images, ready = one.test.images, time.perf_counter()
    if len(images) < 2 * config.seeds:
        raise ValueError(f"images must be at least 2 for each of {config.seeds} seeds, got {len(images)}; raise it.")
    exact = exact_bound(one.model, images, config.elbo_samples)
    options = [each for rows in config.rows for each in rows.options]
    sizes, rows, coded = (config.seeds, config.most_candidates), [], []
    with searches(console, len(options) + (config.codes is not None)) as begin:
        for each in options:
            begin(", ".join(f"{value}" for value in each.values()))
            each = each | code_rows.plain(each)
            rows.append(partition_rows.measure(each, *sizes, images, exact.bits, one.model, folder))
        if config.codes is not None:
            begin("learned codes")
            coded = code_rows.measure(config.codes, config.seeds, one, images, exact.bits, folder)
    return {
        "data": {"name": one.test.name, "count": len(images), "shape": list(images.shape[1:])},
        "model": {**one.facts(), **exact.facts()},
        "rows": rows,
        "codes": coded,
        "kl": _divergences(one, config.histogram_blocks),
        "seconds": {"models": ready - start, "coding": time.perf_counter() - ready},
    }


def _divergences(one: Obtained, num_blocks: int) -> dict[str, Any]:
    """Returns KL divergences in bits: of latents of test images, and of latents and blocks of training images.

    Training images include those of the validation split.
    """
    splits = [data.load(one.source.data, split).coded for split in ("train", "validation")]
    training = kl_bits(one.model, np.concatenate(splits))
    plan = make_plan(one.model, make_settings(one.model, "orc", blocks=num_blocks))  # pyright: ignore[reportArgumentType]
    blocks = np.asarray(plan.split(training, 0.0)).sum(axis=-1)
    edges = np.histogram_bin_edges(blocks, _HISTOGRAM_BINS)
    return {
        "mean_bits": training.mean(axis=0).tolist(),
        "model_mean_bits": (np.asarray(one.model.kl_bits) / KL_UNIT).tolist(),
        "images_bits": np.round(kl_bits(one.model, one.test.images[:_SHOWN_IMAGES]), 3).tolist(),
        "training_images": len(training),
        "block_edges_bits": edges.tolist(),
        "block_counts": [np.histogram(block, edges)[0].tolist() for block in blocks.T],
        "block_mean_bits": blocks.mean(axis=0).tolist(),
    }
