"""Measures how many images a file must hold before bits-back pays, against coding each image on its own.

Run:     python -m experiments configs/mnist_counts.toml         (--train: train the model first)
Bits-back (Townsend et al., arXiv:1901.04866) pays its initial bits once per file. Relative entropy coding (He et al.,
arXiv:2405.12203) has none, but pays its overhead for every image. A chain that starts on images sent by relative
entropy coding has no initial bits, and pays that overhead for its first images only.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rich.console

from experiments.lossless import model_sources as released
from experiments.lossless.elbo import exact_bound
from experiments.lossless.methods import Method
from experiments.lossless.model_sources import ModelSource
from experiments.lossless.subsets import check_counts, disjoint_runs, first
from experiments.mnist.counts import count_curve
from experiments.progress import searches
from recjax.codecs.lossless.resolve import make_settings


@dataclass(frozen=True)
class Config:
    """Configures the experiment.

    Attributes:
        experiment: The name of the experiment.
        model: The model.
        alone: How an image is coded on its own, also at the start of a chain; must be ORC.
        counts: The numbers of images of a file, increasing.
        runs: The largest number of files of a count, each of different images.
        run_images: The largest number of images in all files of a count, unless one file has more.
        elbo_samples: The number of posterior samples of each image for -ELBO.
        from_scratch: Whether to train the model (`--train`).

    Raises:
        ValueError: A value is out of range, or `alone` is not ORC.
    """

    experiment: str
    model: ModelSource
    alone: Method = field(default_factory=lambda: Method("orc"))
    counts: tuple[int, ...] = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
    runs: int = 10
    run_images: int = 1000
    elbo_samples: int = 4
    from_scratch: bool = False

    def __post_init__(self) -> None:
        released.check([self.model])
        check_counts("counts", self.counts)
        if self.alone.name != "orc":
            raise ValueError(
                f"'alone.name' must be 'orc', with which chains start, got {self.alone.name!r}; change it."
            )
        for name in ("runs", "run_images", "elbo_samples"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}; raise it.")


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Codes, decodes and compares files of every count; no file is kept.

    Args:
        config: The config.
        folder: The output folder, used only for a model that is trained.
        console: Where progress is printed.

    Returns:
        The figures of the result.
    """
    start = time.perf_counter()
    (one,) = released.obtain([config.model], folder, console, from_scratch=config.from_scratch).values()
    images = first(one.test, config.counts[-1], "the last of 'counts'").images
    settings = make_settings(one.model, **config.alone.options)
    assert settings is not None
    ready = time.perf_counter()
    with searches(console, len(config.counts) + 2) as begin:
        begin("-ELBO, and the search of every image")
        bound = exact_bound(one.model, images, config.elbo_samples)
        coder, searched = count_curve.search(one.model, images, settings)
        rows = []
        for count in config.counts:
            begin(f"{count:,} images")
            starts = disjoint_runs(len(images), count, config.runs, config.run_images)
            rows.append(count_curve.measure(coder, bound.bits, count, starts))
        begin("speeds")
        speeds = {method: count_curve.speeds(coder, len(images), method) for method in count_curve.METHODS}
        speeds["orc"]["encode_images_per_second"] = searched
    return {
        "data": {"name": one.test.name, "split": one.test.split, "count": len(images), "shape": list(images.shape[1:])},
        "model": {**one.facts(), **bound.facts(), "bound_bits": bound.bits_per_dim * one.model.pixels},
        "alone": {**config.alone.resolved, **settings.parameters},
        "rows": rows,
        "speeds": speeds,
        "seconds": {"model": ready - start, "coding": time.perf_counter() - ready},
    }
