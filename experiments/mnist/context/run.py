"""Measures a stronger model, a VAE whose pixels see decoded neighbours, with bits-back and relative entropy coding.

Run:     python -m experiments configs/mnist_context.toml         (--train: train the models first)
The codecs are the same as for a plain VAE, which is measured beside it: all test images as one stream, and each image
on its own in an archive. Files are read back, decoded and compared. How much latents still save when there is a context
is measured separately.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rich.console

from experiments.baselines import codecs as baseline_codecs
from experiments.baselines import lossless as baselines
from experiments.baselines.names import ONE_STREAM, PER_IMAGE
from experiments.lossless import model_sources as released
from experiments.lossless.elbo import exact_bound
from experiments.lossless.methods import Method
from experiments.lossless.model_sources import ModelSource, Obtained
from experiments.lossless.rates import baseline_row, check_seeds
from experiments.mnist.context import latent_gain
from experiments.mnist.context import rows as context_rows

BASELINES = {ONE_STREAM: ("brotli", "xz", "JPEG XL", "bz2"), PER_IMAGE: ("WebP", "PNG", "JPEG XL")}
"""The other codecs that are measured, by the form in which they code the images."""


@dataclass(frozen=True)
class Config:
    """Configures the experiment.

    Attributes:
        experiment: The name of the experiment.
        models: The models, the stronger one first; all must have the same data set.
        alone: How an image is coded on its own; must be ORC.
        from_scratch: Whether to train the models (`--train`).
        images: The number of test images; None means all.
        elbo_samples: The number of posterior samples of each image for -ELBO.
        seeds: The seeds; each method writes a file for each.
        latent_images: The number of images on which the gain from latents is measured.
        digit: The index of the test image whose bits are shown pixel by pixel.

    Raises:
        ValueError: A value is missing or out of range, the data sets differ, or `alone` is not ORC.
    """

    experiment: str
    models: tuple[ModelSource, ...]
    alone: Method = field(default_factory=lambda: Method("orc"))
    from_scratch: bool = False
    images: int | None = None
    elbo_samples: int = 2
    seeds: tuple[int, ...] = (0,)
    latent_images: int = 2000
    digit: int = 0

    def __post_init__(self) -> None:
        released.check(self.models)
        check_seeds(self.seeds)
        if len({source.data for source in self.models}) > 1:
            raise ValueError("all of 'models' must have the same data, as their rates are compared; change it.")
        if self.alone.name != "orc":
            raise ValueError(f"'alone.name' must be 'orc', got {self.alone.name!r}; change it.")
        for name, least in (("images", 1), ("elbo_samples", 1), ("latent_images", 1), ("digit", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}; raise it.")


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Codes, decodes and compares files of every model by every method.

    Args:
        config: The config.
        folder: The output folder of the coded files, and of models that are trained.
        console: Where progress is printed.

    Returns:
        The figures of the result.

    Raises:
        ValueError: `digit` is not the index of a test image.
    """
    start = time.perf_counter()
    missing = baseline_codecs.left_out()
    if missing:
        console.print(missing, highlight=False)
    found = released.obtain(
        config.models, folder, console, from_scratch=config.from_scratch, samples=config.elbo_samples
    )
    ready = time.perf_counter()
    models = [released.limited(one, config.images) for one in found.values()]
    data = models[0].test
    if config.digit >= len(data.images):
        raise ValueError(f"digit must be below the {len(data.images)} test images, got {config.digit}; lower it.")
    measured = [_one_model(config, one, folder, console) for one in models]
    with console.status("other codecs"):
        rates = [
            baselines.measure(codec, data.images, access)
            for codec in baseline_codecs.codecs_for(data.levels)
            for access, names in BASELINES.items()
            if codec.name in names
        ]
    return {
        "data": {"name": data.name, "count": len(data.images), "shape": list(data.images.shape[1:])},
        "models": measured,
        "alone": config.alone.resolved,
        "digit": data.images[config.digit].tolist(),
        "baselines": [baseline_row(rate, data.images) for rate in rates],
        "left_out": missing,
        "seconds": {"models": ready - start, "coding": time.perf_counter() - ready},
    }


def _one_model(config: Config, one: Obtained, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Measures all figures of a model."""
    images, label = one.test.images, one.source.label
    with console.status(f"{label}: -ELBO") as status:
        exact = exact_bound(one.model, images, config.elbo_samples)
        rows = []
        for method in context_rows.METHODS:
            status.update(f"{label}: {method}")
            rows.append(context_rows.measure(method, one, config.alone, config.seeds, exact.bits_per_dim, folder))
            rate = rows[-1]["file_bits_per_dim"]
            console.print(f"{label}, {method}: {rate:.4f} bits/dim, decoded equal", highlight=False)
        status.update(f"{label}: what latents bring")
        return {
            **one.facts(),
            **exact.facts(),
            "context_radius": one.model.context_radius,
            "rows": rows,
            "latent_gain": latent_gain.measure(one.model, images[: config.latent_images]),
            "digit_bits": latent_gain.pixel_bits(one.model, images[config.digit]),
        }
