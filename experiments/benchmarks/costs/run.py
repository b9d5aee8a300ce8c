"""What grows how: time against divergence, batch and images, each with the exponent that fits it.

Run:     python -m experiments configs/bench_costs.toml
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import rich.console

from experiments.benchmarks.cases import Case
from experiments.benchmarks.task import median_seconds
from experiments.progress import searches
from recjax import Normal, key, load_model, rec
from recjax.codecs.lossless import relative_entropy
from recjax.codecs.lossless.chains import bits_back
from recjax.codecs.lossless.resolve import make_settings
from recjax.container import file as container
from training import data


@dataclass(frozen=True)
class Config:
    """The benchmark. rounds: of each point, of which the median is taken.

    divergences: of a block of `dim` dimensions, in bits; blocks of them are coded together. batches: blocks of a call.
    images: of a file. fit_from: points of this share of the largest on, and above, are fitted for batches and images.
    """

    experiment: str
    divergences: tuple[int, ...] = (2, 4, 6, 8, 10, 12)
    dim: int = 8
    blocks: int = 256
    batches: tuple[int, ...] = (1, 4, 16, 64, 256, 1024, 4096, 16384)
    images: tuple[int, ...] = (1, 10, 100, 1000, 10000)
    fit_from: float = 0.05
    rounds: int = 3

    def __post_init__(self) -> None:
        for name in ("divergences", "batches", "images"):
            values = getattr(self, name)
            if len(values) < 2 or values[0] < 1 or list(values) != sorted(set(values)):
                raise ValueError(
                    f"'{name}' must be at least two numbers that ascend from 1 or more, got {list(values)}."
                )
        if self.images[-1] > 10_000:
            raise ValueError(f"images must be at most the 10,000 of MNIST's test set, got {self.images[-1]}; lower it.")
        if self.rounds < 1 or self.dim < 1 or self.blocks < 1 or not 0 < self.fit_from < 1:
            raise ValueError("rounds, dim and blocks must be at least 1, and fit_from between 0 and 1; correct them.")


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Points of each curve, and their exponents."""
    start = time.perf_counter()
    curves = []
    with searches(console, 5) as begin:
        for name, partitioned in (("plain", False), ("partitioned", True)):
            begin(f"divergence, {name}")
            points = [(bits, _block_seconds(config, bits, partitioned)) for bits in config.divergences]
            upper = points[-max(len(points) // 2 + 1, 2) :]
            rate = np.polyfit([bits for bits, _ in upper], [np.log2(seconds) for _, seconds in upper], 1)[0]
            curves.append(_curve("divergence", f"PFR, {name}", points, float(rate)))
        begin("batch")
        points = [(batch, _batch_seconds(config, batch)) for batch in config.batches]
        curves.append(_curve("batch", "partitioned ORC", points, _exponent(points, config.fit_from)))
        for method in ("bb-ans", "orc"):
            begin(f"images, {method}")
            points = [(count, _file_seconds(config, method, count)) for count in config.images]
            curves.append(_curve("images", method, points, _exponent(points, config.fit_from)))
    return {"curves": curves, "seconds": {"all": time.perf_counter() - start}}


def _curve(of: str, name: str, points: list[tuple[int, float]], exponent: float) -> dict[str, Any]:
    return {"of": of, "name": name, "points": points, "exponent": exponent}


def _exponent(points: list[tuple[int, float]], share: float) -> float:
    """Of time as a power of the size, over the largest sizes."""
    largest = points[-1][0]
    kept = [point for point in points if point[0] >= share * largest]
    kept = kept if len(kept) > 1 else points[-2:]
    return float(np.polyfit([np.log(size) for size, _ in kept], [np.log(seconds) for _, seconds in kept], 1)[0])


def _block_seconds(config: Config, bits: int, partitioned: bool) -> float:
    """Of one block of a divergence, found by PFR, which goes on until it is exact."""
    each = bits / config.dim
    case = Case("some", (each,) * config.dim, 1)
    mean, scale = map(jnp.asarray, case.targets(config.blocks))
    # As many halvings as the divergence has bits, dimension by dimension.
    halvings = [bits // config.dim + (place < bits % config.dim) for place in range(config.dim)]
    intervals = [2**count for count in halvings] if partitioned else None
    algorithm = rec.pfr(max_candidates=1 << 24)
    prior = Normal(jnp.zeros(config.dim), jnp.ones(config.dim))

    def code() -> None:
        jax.block_until_ready(rec.encode(algorithm, key(1), Normal(mean, scale), prior, bins=intervals).code)

    return median_seconds(code, config.rounds) / config.blocks


def _batch_seconds(config: Config, batch: int) -> float:
    """Of a call that codes so many blocks of 16 dimensions in bins, by 1,024 candidates each."""
    case = Case("some", (1.0,) * 16, 1024)
    mean, scale = map(jnp.asarray, case.targets(batch))
    algorithm, prior = rec.orc(num_candidates=1024), Normal(jnp.zeros(16), jnp.ones(16))

    def code() -> None:
        jax.block_until_ready(rec.encode(algorithm, key(1), Normal(mean, scale), prior, bins=[2] * 16).code)

    return median_seconds(code, config.rounds)


def _file_seconds(config: Config, method: str, count: int) -> float:
    """Of a file of so many test images of MNIST, written and read."""
    images = data.load("mnist", "test").images[:count]
    if method == "bb-ans":
        model = load_model("mnist-bb-ans")

        def code() -> None:
            written = bits_back.encode(images, model, seed=0)[0]
            bits_back.decode(container.read(written), model)
    else:
        model = load_model("mnist-vae")
        settings = make_settings(model, "orc", candidates=256, blocks=2)
        assert settings is not None

        def code() -> None:
            written = relative_entropy.encode(images, model, settings, seed=0).data
            relative_entropy.decode(container.read(written), model)

    return median_seconds(code, config.rounds)
