"""How many images must be sent? Bits per image of bits-back, with and without initial bits, and of each image alone.

Run:     python -m experiments configs/mnist_counts.toml         (--train: train the model first)
Bits-back (Townsend et al., arXiv:1901.04866) pays for its initial bits once; relative entropy coding (He et al.,
arXiv:2405.12203) has none and pays its overhead for every image; a chain that starts on images sent so has neither.
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
    """The experiment. alone: how an image is sent alone, also at the start of a chain; it must be orc.

    counts: images of a file; runs: files of a count, of different images, at most; run_images: images in all runs of a
    count, at most, unless one run has more. elbo_samples: of the posterior of each image. from_scratch: train the model
    (`--train`).
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
    """Code, decode and compare files of every count. Figures are returned; no file is kept."""
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
