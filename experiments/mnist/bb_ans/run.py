"""Codes binarised and full MNIST by bits-back, for the table of BB-ANS and the cost of a chain by its length.

Run:     python -m experiments configs/mnist_bb_ans.toml         (--train: train the models first)
Source: Townsend, Bird and Barber (arXiv:1901.04866), section 3. For every seed the whole test set is one chained
stream, which is read back, decoded and compared; other codecs and the published figures are given beside it.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rich.console

from experiments.baselines import codecs as baseline_codecs
from experiments.baselines import lossless as baselines
from experiments.lossless import model_sources as released
from experiments.lossless.elbo import ExactBound, exact_bound
from experiments.lossless.methods import Method
from experiments.lossless.model_sources import ModelSource, Obtained
from experiments.lossless.rates import baseline_row, check_seeds, measure
from experiments.lossless.subsets import check_counts
from experiments.mnist.bb_ans import chain_curve
from training.vae.run import SAMPLES


@dataclass(frozen=True)
class Config:
    """Configures the experiment.

    Attributes:
        experiment: The name of the experiment.
        models: The models, each with its data set.
        from_scratch: Whether to train the models (`--train`).
        images: The number of test images; None means all.
        elbo_samples: The number of posterior samples of each image for -ELBO.
        seeds: The seeds; all images are coded as one stream for each.
        curve: The numbers of images of the chains whose cost is measured, increasing.
        curve_files: The largest number of chains of one length.

    Raises:
        ValueError: A value is missing or out of range.
    """

    experiment: str
    models: tuple[ModelSource, ...]
    from_scratch: bool = False
    images: int | None = None
    elbo_samples: int = SAMPLES
    seeds: tuple[int, ...] = (0,)
    curve: tuple[int, ...] = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
    curve_files: int = 10

    def __post_init__(self) -> None:
        released.check(self.models)
        check_seeds(self.seeds)
        check_counts("curve", self.curve)
        for name in ("images", "elbo_samples", "curve_files"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}; raise it.")


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Codes, decodes and compares all data sets.

    Args:
        config: The config.
        folder: The output folder of the coded files, and of models that are trained.
        console: Where progress is printed.

    Returns:
        The figures of the result.
    """
    start = time.perf_counter()
    missing = baseline_codecs.left_out()
    if missing:
        console.print(missing, highlight=False)
    models = released.obtain(
        config.models, folder, console, from_scratch=config.from_scratch, samples=config.elbo_samples
    )
    ready = time.perf_counter()
    sets = [_data_set(config, released.limited(one, config.images), folder, console) for one in models.values()]
    return {
        "sets": sets,
        "left_out": missing,
        "seconds": {"models": ready - start, "coding": time.perf_counter() - ready},
    }


def _data_set(config: Config, one: Obtained, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Measures all figures of a data set."""
    images, label = one.test.images, f"BB-ANS {one.source.label}"
    with console.status(f"{label}: -ELBO") as status:

        def tell(text: str) -> None:
            status.update(f"{one.source.label}: {text}")

        exact = exact_bound(one.model, images, config.elbo_samples)
        bound = _comparable(one, exact)
        chain = measure(Method("bb-ans"), label, config.seeds, images, one.model, bound, folder, tell)
        net = chain["file_bits_per_dim"] - chain["initial_bits"] / images.size
        console.print(f"{label}: {net:.4f} bits/dim, -ELBO {bound:.4f}; decoded equal", highlight=False)
        curve = chain_curve.measure(one.model, images, exact.bits, config.curve, config.curve_files, tell)
        rates = baselines.measure_all(images, one.test.levels, tell)
    return {
        "data": {
            "name": one.test.name,
            "count": len(images),
            "shape": list(images.shape[1:]),
            "levels": one.test.levels,
            "raw_bits_per_dim": (one.test.levels - 1).bit_length(),
        },
        "model": {**one.facts(), **exact.facts(), "bound_bits_per_dim": bound},
        "chain": {**chain, "net_bits_per_dim": net},
        "curve": curve,
        "baselines": [baseline_row(rate, images) for rate in rates],
    }


def _comparable(one: Obtained, exact: ExactBound) -> float:
    """Returns the -ELBO that files are compared with: the card's if it is of the same images, else the exact one."""
    stated = one.bound.elbo_bits_per_dim
    return exact.bits_per_dim if stated is None or one.bound.images != len(one.test.images) else stated
