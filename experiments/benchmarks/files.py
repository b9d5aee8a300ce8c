"""Whole files of MNIST: images per second of bits-back chains, and of images alone the curve of time and overhead.

Run:     python -m experiments configs/bench_files.toml
Networks, codes, container and disk are in the time. Every file is read back, decoded and compared.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rich.console

from experiments import baselines, released
from experiments.alone_files import payload_bits
from experiments.baseline_codecs import codecs_for
from experiments.baseline_names import PER_IMAGE
from experiments.exact_bound import exact_bound
from experiments.progress import searches
from experiments.released import ModelSource
from recjax import container
from recjax.codecs import bits_back, relative_entropy
from recjax.codecs.options import make_settings
from recjax.models.model import Model


@dataclass(frozen=True)
class Chain:
    """All test images as one bits-back file. wanted_encode, wanted_decode: images per second."""

    model: ModelSource
    wanted_encode: float
    wanted_decode: float


@dataclass(frozen=True)
class Alone:
    """Each image alone by partitioned ORC, at each number of blocks and of candidates, a power of two.

    images: that are coded; decode_images: of one more file, whose decoding is timed.
    """

    model: ModelSource
    blocks: tuple[int, ...]
    candidates: tuple[int, ...]
    images: int = 2048
    elbo_samples: int = 16
    decode_images: int = 10_000


@dataclass(frozen=True)
class Config:
    """The benchmark. rounds: through everything, of which medians are taken. peer_images: that other codecs code."""

    experiment: str
    chains: tuple[Chain, ...]
    alone: Alone
    images: int | None = None
    rounds: int = 5
    peer_images: int = 500

    def __post_init__(self) -> None:
        released.check([chain.model for chain in self.chains] + [self.alone.model])
        if self.rounds < 1 or self.peer_images < 1 or not self.alone.blocks or not self.alone.candidates:
            raise ValueError(
                "there must be at least one of rounds, peer_images, blocks and candidates; raise what is 0."
            )


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Figures of all rounds, the first call of each apart."""
    start = time.perf_counter()
    sources = [chain.model for chain in config.chains] + [config.alone.model]
    models = released.obtain(sources, folder, console)
    found = {name: released.limited(one, config.images) for name, one in models.items()}
    pairs = [(blocks, count) for blocks in config.alone.blocks for count in config.alone.candidates]
    with searches(console, len(config.chains) + len(pairs) + 2) as begin:
        chains = []
        for chain in config.chains:
            begin(chain.model.label)
            one = found[chain.model.label]
            row = _timed(_chain(one.model), one.test.images, config.rounds, folder / "chain.rjx")
            chains.append({"model": chain.model.label, "latents": one.model.latents, **row})
        one = found[config.alone.model.label]
        images = one.test.images[: config.alone.images]
        bound = float(np.sum(exact_bound(one.model, images, config.alone.elbo_samples).bits))
        alone = []
        for blocks, count in pairs:
            begin(f"{blocks} blocks of {count} candidates")
            row = _timed(_alone(one.model, blocks, count), images, config.rounds, folder / "alone.rjx")
            payload = payload_bits((folder / "alone.rjx").read_bytes()) / bound - 1
            alone.append({"blocks": blocks, "candidates": count, "payload_overhead": payload, **row})
        begin("decoding")
        whole = one.test.images[: config.alone.decode_images]
        cheapest = _alone(one.model, config.alone.blocks[-1], config.alone.candidates[0])
        decoding = _timed(cheapest, whole, config.rounds, folder / "decoding.rjx")
        begin("other codecs")
        peers = [_peers(found[chain.model.label], config.peer_images) for chain in config.chains]
    return {
        "chains": chains,
        "alone": alone,
        "decoding": decoding,
        "peers": [row for rows in peers for row in rows],
        "seconds": {"all": time.perf_counter() - start},
    }


Coder = tuple[Callable[[np.ndarray], bytes], Callable[[bytes], np.ndarray]]


def _chain(model: Model) -> Coder:
    return (
        lambda images: bits_back.encode(images, model, seed=0)[0],
        lambda data: bits_back.decode(container.read(data), model),
    )


def _alone(model: Model, blocks: int, candidates: int) -> Coder:
    settings = make_settings(model, "orc", candidates=candidates, blocks=blocks)
    assert settings is not None
    return (
        lambda images: relative_entropy.encode(images, model, settings, seed=0).data,
        lambda data: relative_entropy.decode(container.read(data), model),
    )


def _timed(coder: Coder, images: np.ndarray, rounds: int, path: Path) -> dict[str, Any]:
    """Seconds of writing and of reading a file of the images in each round, and of the first time."""
    encode, decode = coder
    seconds: dict[str, list[float]] = {"encode": [], "decode": []}
    for _ in range(rounds + 1):
        start = time.perf_counter()
        path.write_bytes(encode(images))
        written = time.perf_counter()
        decoded = decode(path.read_bytes())
        read = time.perf_counter()
        if not np.array_equal(decoded, images):
            raise RuntimeError(f"{path.name} must decode to the images that were written, and did not; report it.")
        seconds["encode"].append(written - start)
        seconds["decode"].append(read - written)
    file = container.read(path.read_bytes())
    lanes = file.header.parameters.get("lanes", 0)
    return {
        "images": len(images),
        "file_bytes": path.stat().st_size,
        "bits_per_dim": 8 * path.stat().st_size / images.size,
        "head_bytes": bits_back.HEAD_BYTES * lanes,
        "lanes": lanes,
        "first_seconds": {name: values[0] for name, values in seconds.items()},
        "seconds": {name: values[1:] for name, values in seconds.items()},
        "images_per_second": {name: len(images) / statistics.median(values[1:]) for name, values in seconds.items()},
    }


def _peers(one: released.Obtained, count: int) -> list[dict[str, Any]]:
    """Other codecs, image by image."""
    images, rows = one.test.images[:count], []
    for baseline in codecs_for(one.model.levels):
        rate = baselines.measure(baseline, images, PER_IMAGE)
        rows.append(
            {
                "model": one.source.label,
                "name": rate.name,
                "bits_per_dim": 8 * rate.file_bytes / images.size,
                "images_per_second": {
                    "encode": len(images) / rate.encode_seconds,
                    "decode": len(images) / rate.decode_seconds,
                },
            }
        )
    return rows
