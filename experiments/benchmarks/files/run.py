"""Measures whole files of MNIST: images per second of bits-back chains, and time against overhead of single images.

Run:     python -m experiments configs/bench_files.toml
Networks, codes, container and disk are in the time. Every file is read back, decoded and compared.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rich.console

from experiments.baselines import lossless as baselines
from experiments.baselines.codecs import codecs_for
from experiments.baselines.names import PER_IMAGE
from experiments.lossless import model_sources as released
from experiments.lossless.elbo import exact_bound
from experiments.lossless.model_sources import ModelSource
from experiments.lossless.round_trip import each_alone, one_chain, timed
from experiments.lossless.single_image_files import payload_bits
from experiments.progress import searches


@dataclass(frozen=True)
class Chain:
    """Configures a bits-back file of all test images.

    Attributes:
        model: The model.
    """

    model: ModelSource


@dataclass(frozen=True)
class Alone:
    """Configures files whose images are coded one by one with partitioned ORC, for all pairs of blocks and candidates.

    Attributes:
        model: The model.
        blocks: Numbers of blocks of an image.
        candidates: Numbers of candidates of a block, powers of two.
        images: Number of images that are coded.
        elbo_samples: Draws of the latents per image, by which -ELBO is estimated.
        decode_images: Number of images of one more file, whose decoding is timed.
    """

    model: ModelSource
    blocks: tuple[int, ...]
    candidates: tuple[int, ...]
    images: int = 2048
    elbo_samples: int = 16
    decode_images: int = 10_000


@dataclass(frozen=True)
class Config:
    """Configures the benchmark.

    Attributes:
        experiment: Name of the experiment in the registry.
        chains: The bits-back files.
        alone: The files of images coded one by one.
        images: Number of test images to take; None for all.
        rounds: Rounds of each measurement, of which medians are taken.
        peer_images: Number of images that other codecs code.

    Raises:
        ValueError: If a value is out of its range.
    """

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
    """Writes, reads and times every file, and times other codecs.

    Args:
        config: What to run.
        folder: Receives the files.
        console: Where progress is shown.

    Returns:
        Rows of the chains, of images one by one ("alone"), of the file whose decoding is timed ("decoding") and of
        other codecs ("peers"), and wall times in seconds. Times of the first call, which compiles, are listed
        separately.
    """
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
            row = timed(one_chain(one.model), one.test.images, config.rounds, folder / "chain.rjx")
            chains.append({"model": chain.model.label, "latents": one.model.latents, **row})
        one = found[config.alone.model.label]
        images = one.test.images[: config.alone.images]
        bound = float(np.sum(exact_bound(one.model, images, config.alone.elbo_samples).bits))
        alone = []
        for blocks, count in pairs:
            begin(f"{blocks} blocks of {count} candidates")
            row = timed(each_alone(one.model, blocks, count), images, config.rounds, folder / "alone.rjx")
            payload = payload_bits((folder / "alone.rjx").read_bytes()) / bound - 1
            alone.append({"blocks": blocks, "candidates": count, "payload_overhead": payload, **row})
        begin("decoding")
        whole = one.test.images[: config.alone.decode_images]
        cheapest = each_alone(one.model, config.alone.blocks[-1], config.alone.candidates[0])
        decoding = timed(cheapest, whole, config.rounds, folder / "decoding.rjx")
        begin("other codecs")
        peers = [_peers(found[chain.model.label], config.peer_images) for chain in config.chains]
    return {
        "chains": chains,
        "alone": alone,
        "decoding": decoding,
        "peers": [row for rows in peers for row in rows],
        "seconds": {"all": time.perf_counter() - start},
    }


def _peers(one: released.Obtained, count: int) -> list[dict[str, Any]]:
    """Times other codecs, image by image."""
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
