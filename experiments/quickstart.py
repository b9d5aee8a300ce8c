"""From images to bytes and back: train a VAE, write a file with every method, decode it, compare.

Run:     python -m experiments configs/quickstart.toml
Every rate is the length of a file that was read back and decoded to equal images in the same run; the ideal rate
stands beside it. BB-ANS: Townsend et al. (arXiv:1901.04866). PFR and ORC, partitioned: He et al. (arXiv:2405.12203).
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rich.console

from experiments import baselines
from experiments.lossless_rates import Method, baseline_row, learn_codes, measure
from experiments.train_vae import Network, train
from recjax.models.model import save_model
from training import data
from training.loop import TrainConfig

EXAMPLES = 12


@dataclass(frozen=True)
class Data:
    """name: a data set of training.data. images: how many of the test images are coded, all of them by default."""

    name: str = "digits"
    images: int | None = None


@dataclass(frozen=True)
class Config:
    """The quickstart. seeds: each method writes one file for each. learn_index_codes: from the training images."""

    experiment: str
    methods: tuple[Method, ...]
    seeds: tuple[int, ...] = (0,)
    learn_index_codes: bool = True
    data: Data = field(default_factory=Data)
    vae: Network = field(default_factory=Network)
    train: TrainConfig = field(default_factory=TrainConfig)

    def __post_init__(self) -> None:
        if not self.seeds or not self.methods:
            raise ValueError("'seeds' and 'methods' need at least one entry each.")


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Train, code, decode, compare. Files go to the folder; figures are returned."""
    test = data.load(config.data.name, "test")
    images = test.images[: config.data.images]
    start = time.perf_counter()
    model, bound = train(config.data.name, config.vae, config.train, images, console)
    if config.learn_index_codes:
        console.print("learning the codes of indices")
        model = learn_codes(config.methods, data.load(config.data.name, "train").images, model)
    save_model(folder / "model.safetensors", model)
    trained = time.perf_counter()
    with console.status("coding") as status:
        methods = []
        for method in config.methods:
            rate = bound["minus_elbo_bits_per_dim"]
            row = measure(
                method,
                config.seeds,
                images,
                model,
                rate,
                folder,
                lambda text, label=method.label: status.update(f"{label}: {text}"),
            )
            methods.append(row)
            console.print(
                f"{row['label']}: {row['file_bits_per_dim']:.3f} bits/dim, {len(config.seeds)} files decoded equal"
            )
        status.update("gzip, bz2, xz, PNG, WebP")
        rates = baselines.measure_all(images)
    examples = images[:EXAMPLES]
    return {
        "data": {
            "name": test.name,
            "split": test.split,
            "count": len(images),
            "shape": list(images.shape[1:]),
            "levels": test.levels,
            "pixels": images.size,
            "examples": {"shape": list(examples.shape), "hex": examples.tobytes().hex()},
        },
        "model": bound | {"digest": model.digest},
        "methods": methods,
        "baselines": [baseline_row(rate, images) for rate in rates],
        "seconds": {"training": trained - start, "coding": time.perf_counter() - trained},
    }
