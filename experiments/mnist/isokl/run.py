"""Sends the latents of MNIST one by one: VAEs and IsoKL VAEs of 20 to 100 latents by AS*, AD* and DAD*.

Run:     python -m experiments configs/mnist_isokl.toml         (--train: train the models first)
Source: arXiv:2201.12857. In an IsoKL VAE (IKVAE) all latents of all images have the same KL divergence, so that DAD*
can search a tree of one small depth for each. The question is whether this beats a usual VAE with AD*, whose latents
have different divergences and may carry no information.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rich.console

from experiments.lossless import model_sources as released
from experiments.lossless.elbo_with_search import SearchBound, search_bound
from experiments.lossless.model_sources import ModelSource, Obtained
from experiments.lossless.subsets import first
from experiments.mnist.isokl import rows as scalar_rows
from experiments.mnist.isokl.rows import Part
from experiments.progress import searches
from experiments.reporting import ranges
from recjax.models.vae.model import KAPPA_FRACTION_BITS
from training import data


@dataclass(frozen=True)
class Config:
    """Configures the experiment.

    Attributes:
        experiment: The name of the experiment.
        models: The models.
        seeds: The number of files of each coder and code, each from its own equal part of the test split.
        images_per_seed: The number of images of a file.
        elbo_samples: The number of posterior samples of each of these images for -ELBO.
        learn_images: The number of training images that codes of depths are learned on, and by which the depth of DAD*
            is chosen.
        depth_slack: The number of branches of DAD* beyond the KL in bits.
        from_scratch: Whether to train the models (`--train`).

    Raises:
        ValueError: A value is missing or out of range.
    """

    experiment: str
    models: tuple[ModelSource, ...]
    seeds: int = 4
    images_per_seed: int = 512
    elbo_samples: int = 4
    learn_images: int = 2048
    depth_slack: int = 2
    from_scratch: bool = False

    def __post_init__(self) -> None:
        released.check(self.models)
        for name in ("seeds", "images_per_seed", "elbo_samples", "learn_images"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}; raise it.")
        ranges.check("depth_slack", self.depth_slack, 0, 6)


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Codes, decodes and compares files of every model by every coder.

    Args:
        config: The config.
        folder: The output folder.
        console: Where progress is printed.

    Returns:
        The figures of the result.
    """
    start = time.perf_counter()
    found = released.obtain(
        config.models, folder, console, from_scratch=config.from_scratch, samples=config.elbo_samples
    )
    ready = time.perf_counter()
    models = []
    with searches(console, len(found) * (1 + len(scalar_rows.CODERS))) as begin:
        for label, one in found.items():
            begin(f"{label}: -ELBO and codes of depths")
            training = first(data.load(one.source.data, "train"), config.learn_images, "learn_images").coded
            depth = scalar_rows.depth_for(one.model, training, config.depth_slack)
            model = scalar_rows.learned(one.model, training, depth)
            parts = _parts(one, config)
            rows = []
            for method, branches in scalar_rows.CODERS:
                begin(f"{label}: {method}{f', {branches} branches' if branches else ''}")
                rows.append(scalar_rows.measure(model, method, branches, parts, depth, folder))
            models.append({**_facts(one, parts), "rows": rows})
    test = next(iter(found.values())).test
    return {
        "data": {"name": test.name, "split": test.split, "shape": list(test.images.shape[1:])},
        "images": config.seeds * config.images_per_seed,
        "models": models,
        "seconds": {"models": ready - start, "coding": time.perf_counter() - ready},
    }


def _parts(one: Obtained, config: Config) -> list[Part]:
    """Returns the images of each seed, with their -ELBO."""
    share = len(one.test.images) // config.seeds
    if config.images_per_seed > share:
        raise ValueError(
            f"images_per_seed must be at most {share} for {config.seeds} seeds of the {len(one.test.images)} test "
            f"images, got {config.images_per_seed}; lower it."
        )
    starts = [seed * share for seed in range(config.seeds)]
    images = np.concatenate([one.test.images[start : start + config.images_per_seed] for start in starts])
    bound = search_bound(one.model, images, config.elbo_samples)
    rows = [slice(seed * config.images_per_seed, (seed + 1) * config.images_per_seed) for seed in range(config.seeds)]
    return [
        Part(seed, images[part], SearchBound(bound.kl_bits[part], bound.likelihood_bits[part]))
        for seed, part in enumerate(rows)
    ]


def _facts(one: Obtained, parts: list[Part]) -> dict[str, Any]:
    """Returns the facts about a model; its `exact` figures are those of the images that are coded."""
    columns = zip(*(part.bound for part in parts), strict=True)
    bound = SearchBound(*map(np.concatenate, columns))
    kappa = one.model.kappa_nats_q16
    return {
        **one.facts(),
        **bound.facts(one.model.pixels),
        "pixels": one.model.pixels,
        "posterior": one.model.posterior_name,
        "trained_latents": one.source.vae.latents,
        "kappa_bits": None if kappa is None else float(np.mean(kappa)) / (1 << KAPPA_FRACTION_BITS) / np.log(2),
    }
