"""Measures what it costs that decoders evaluate networks in integers, by coding the same images with float networks.

Run:     python -m experiments configs/mnist_arithmetic.toml
Files made with float networks (`--arithmetic float`) decode only on machines like the encoder's; all others are exact.
"""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rich.console

from experiments.lossless import model_sources as released
from experiments.lossless.model_sources import ModelSource
from experiments.lossless.round_trip import Coder, each_alone, one_chain, timed
from experiments.progress import searches
from recjax.codecs.checks import log2_of_candidates
from recjax.models.vae.evaluate import Model, in_floats

METHODS = ("bb-ans", "orc")


@dataclass(frozen=True)
class Config:
    """Configures the experiment.

    Attributes:
        experiment: The name of the experiment.
        models: The models.
        methods: The methods, from METHODS.
        images: The number of test images for each method.
        candidates: The candidates of a block for ORC; few, as searches take the same time in both arithmetics.
        rounds: The number of rounds; each times both arithmetics, one after the other.
        largest_loss: The largest acceptable excess of bytes, as a share.
        largest_slowdown: The largest acceptable ratio of times, exact to float.

    Raises:
        ValueError: A method is unknown, or a value is missing or out of range.
    """

    experiment: str
    models: tuple[ModelSource, ...]
    methods: tuple[str, ...] = ("bb-ans", "orc")
    images: tuple[int, ...] = (10_000, 2_000)
    candidates: int = 256
    rounds: int = 5
    largest_loss: float = 0.002
    largest_slowdown: float = 2.0

    def __post_init__(self) -> None:
        released.check(self.models)
        unknown = [method for method in self.methods if method not in METHODS]
        log2_of_candidates(self.candidates)
        if not (self.largest_loss > 0 and self.largest_slowdown > 0):
            raise ValueError("largest_loss and largest_slowdown must be above 0; raise them.")
        if unknown or not self.methods or len(self.images) != len(self.methods) or min(*self.images, self.rounds) < 1:
            raise ValueError(
                f"methods must be some of {', '.join(METHODS)}, got {list(self.methods)}, with as many 'images', and "
                "these and rounds at least 1; correct them."
            )


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Codes, decodes and times files of each model and method in both arithmetics.

    Args:
        config: The config.
        folder: The output folder.
        console: Where progress is printed.

    Returns:
        The figures of the result.
    """
    start = time.perf_counter()
    found = released.obtain(config.models, folder, console)
    rows = []
    with searches(console, len(found) * len(config.methods)) as begin:
        for one in found.values():
            for method, count in zip(config.methods, config.images, strict=True):
                begin(f"{one.source.label}, {method}")
                models = {"exact": one.model, "float": in_floats(one.model)}
                coders = {name: _coder(model, method, config.candidates) for name, model in models.items()}
                row = _compare(coders, one.test.images[:count], config.rounds, folder / "file.rjx")
                rows.append({**one.facts(), **_stated(one.model), "method": method, **row})
    return {"rows": rows, "seconds": {"all": time.perf_counter() - start}}


def _coder(model: Model, method: str, candidates: int) -> Coder:
    return one_chain(model) if method == "bb-ans" else each_alone(model, candidates=candidates)


def _compare(coders: dict[str, Coder], images: Any, rounds: int, path: Path) -> dict[str, Any]:
    """Measures both arithmetics in turn in every round, so that a machine that slows down slows both."""
    turns = [{name: timed(coder, images, 1, path) for name, coder in coders.items()} for _ in range(rounds)]
    last = turns[-1]
    slower = {
        way: [turn["exact"]["seconds"][way][0] / turn["float"]["seconds"][way][0] for turn in turns]
        for way in ("encode", "decode")
    }
    rates = {
        name: {way: len(images) / statistics.median(turn[name]["seconds"][way][0] for turn in turns) for way in slower}
        for name in coders
    }
    return {
        "images": len(images),
        "file_bytes": {name: last[name]["file_bytes"] for name in coders},
        "bits_per_dim": {name: last[name]["bits_per_dim"] for name in coders},
        "images_per_second": rates,
        "exact_takes_times": slower,
    }


def _stated(model: Model) -> dict[str, Any]:
    """Returns -ELBO on the test set as the card states it, of the trained float network and of the integer one."""
    test = model.metadata.get("test", {})
    return {"stated_float": test.get("elbo_bits_per_dim"), "stated_exact": test.get("exact_bits_per_dim")}
