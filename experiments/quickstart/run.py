"""Trains a VAE on small digits, writes a file with every lossless method, decodes the files and compares.

Run:     python -m experiments configs/quickstart.toml
Every rate is the length of a file that was read back and decoded to equal images in the same run; the ideal rate is
given beside it. BB-ANS: Townsend et al. (arXiv:1901.04866). PFR and ORC with space partitioning: He et al.
(arXiv:2405.12203).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rich.console

from experiments.baselines import lossless as baselines
from experiments.lossless.methods import Method, check, labels
from experiments.lossless.rates import baseline_row, check_seeds, learn_codes, measure
from experiments.lossless.subsets import first
from recjax.models.vae.evaluate import Model, save_model
from training import data
from training.vae.config import Network, TrainConfig
from training.vae.run import train

EXAMPLES = 12


@dataclass(frozen=True)
class Data:
    """Selects the images of the quickstart.

    Attributes:
        name: The name of a data set of `training.data`.
        images: The number of test images that are coded; None means all.

    Raises:
        ValueError: The data set is unknown, or images is below 1.
    """

    name: str = "digits"
    images: int | None = None

    def __post_init__(self) -> None:
        data.check_name(self.name)
        if self.images is not None and self.images < 1:
            raise ValueError(f"images must be at least 1, got {self.images}; leave it out to code all.")


@dataclass(frozen=True)
class Config:
    """Configures the quickstart.

    Attributes:
        experiment: The name of the experiment.
        methods: The methods that code the test images.
        seeds: The seeds; each method writes one file for each.
        learn_index_codes: Whether searching methods use index codes that are learned from the training images.
        data: The images.
        vae: The network.
        train: The settings of the training.

    Raises:
        ValueError: Methods or seeds are missing, invalid or not distinct.
    """

    experiment: str
    methods: tuple[Method, ...]
    seeds: tuple[int, ...] = (0,)
    learn_index_codes: bool = True
    data: Data = field(default_factory=Data)
    vae: Network = field(default_factory=Network)
    train: TrainConfig = field(default_factory=TrainConfig)

    def __post_init__(self) -> None:
        check(self.methods)
        check_seeds(self.seeds)


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Trains, codes, decodes and compares.

    Args:
        config: The config.
        folder: The output folder of the model and the coded files.
        console: Where progress is printed.

    Returns:
        The figures of the result.
    """
    splits = data.load_splits(config.data.name)
    test = splits["test"] = first(splits["test"], config.data.images, "data.images")
    start = time.perf_counter()
    trained = train(config.experiment, splits, config.vae, config.train, console)
    console.print(f"trained: {trained}", highlight=False)
    model, rates = trained.model, trained.rates
    if config.learn_index_codes:
        console.print("learning the codes of indices")
        model = learn_codes(config.methods, splits["train"].coded, model)
    path = folder / "model.safetensors"
    save_model(path, model)
    ready = time.perf_counter()
    methods = _code(config, test.images, model, rates.elbo_bits_per_dim, folder, console)
    examples = test.images[:EXAMPLES]
    return {
        "data": {
            "name": test.name,
            "split": test.split,
            "count": len(test.images),
            "shape": list(test.images.shape[1:]),
            "levels": test.levels,
            "pixels": test.images.size,
            "examples": {"shape": list(examples.shape), "hex": examples.tobytes().hex()},
        },
        "model": {
            "digest": model.digest,
            "file_bytes": path.stat().st_size,
            "minus_elbo_bits_per_dim": rates.elbo_bits_per_dim,
            "minus_elbo_bits_per_dim_se": rates.elbo_standard_error,
            "conversion_loss": rates.conversion_loss,
            "kl_bits_per_image": rates.kl_bits,
            "active_latents": rates.active_latents,
            "latents": model.latents,
            "epochs": trained.epochs,
        },
        "methods": methods,
        "baselines": [baseline_row(rate, test.images) for rate in baselines.measure_all(test.images, test.levels)],
        "seconds": {"training": ready - start, "coding": time.perf_counter() - ready},
    }


def _code(
    config: Config,
    images: np.ndarray,
    model: Model,
    minus_elbo_bits_per_dim: float,
    folder: Path,
    console: rich.console.Console,
) -> Sequence[dict[str, Any]]:
    """Makes a row of figures for each method."""
    rows = []
    with console.status("coding") as status:
        for method, label in zip(config.methods, labels(config.methods), strict=True):

            def tell(text: str, label: str = label) -> None:
                status.update(f"{label}: {text}")

            row = measure(method, label, config.seeds, images, model, minus_elbo_bits_per_dim, folder, tell)
            rows.append(row)
            files = f"{len(config.seeds)} file{'s' * (len(config.seeds) > 1)}"
            console.print(f"{label}: {row['file_bits_per_dim']:.3f} bits/dim, {files} decoded equal")
    return rows
