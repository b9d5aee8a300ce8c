"""One model sent in one way: rate and distortion of its files, what its blocks held, and how long it took."""

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rich.console
from jaxtyping import UInt8

from experiments.record import mean, standard_error
from recjax import container
from recjax.codecs import inr_file, lossy
from recjax.codecs.inr import Effort, Sent
from recjax.codecs.inr_plan import INRSettings, make_levels
from recjax.models.inr_model import INRModel

if TYPE_CHECKING:
    from experiments.rate_distortion import Way


def measure(
    model: INRModel,
    way: "Way",
    images: UInt8[np.ndarray, "picture y x 3"],
    prior: int,
    effort: Effort,
    seed: int,
    folder: Path,
    console: rich.console.Console,
) -> tuple[dict[str, Any], np.ndarray]:
    """Figures of a way, and the decoded pictures. An archive of all pictures and a file of each one are written."""
    settings = _settings(model, way, prior)
    effort = Effort(effort.first_steps, effort.steps_between, way.room_bits, way.fill)
    start = time.perf_counter()
    with console.status(f"{model.name}, {way.label}") as status:

        def told(batch: int, batches: int, facts: Any) -> None:
            text = f"step {facts.done} of {facts.total}, {facts.psnr:.2f} dB"
            status.update(f"{model.name}, {way.label}: batch {batch + 1} of {batches}, {text}")

        encoding = inr_file.encode(images, model, settings, effort, seed=seed, progress=told)
    seconds = time.perf_counter() - start
    name = f"{model.name}-{way.label.replace(' ', '-')}-{prior}"
    path = folder / f"{name}.rjx"
    path.write_bytes(encoding.data)
    again = time.perf_counter()
    decoded = lossy.decode(container.read(path.read_bytes()), model)
    decode_seconds = time.perf_counter() - again
    size = images.shape[1] * images.shape[2]
    alone_bits = [8 * len(data) / size for data in _alone(images, model, settings, encoding.sent, seed)]
    ratios = lossy.psnr(decoded, images)
    levels = make_levels(model, settings)
    divergences = [np.concatenate([part.divergence_bits[k] for part in encoding.sent]) for k in range(len(levels))]
    row = {
        "model": model.name,
        "way": way.label,
        "prior": prior,
        "file": path.name,
        "bits_per_pixel": 8 * path.stat().st_size / (len(images) * size),
        "alone_bits_per_pixel": mean(alone_bits),
        "psnr_db": mean(ratios),
        "psnr_se": standard_error(ratios),
        "kl_bits_per_pixel": sum(float(part.sum()) for part in divergences) / (len(images) * size),
        "blocks": [level.plan.shape[0] for level in levels],
        "bin_bits": [float(level.filling.bin_bits.sum()) / level.plan.shape[0] for level in levels],
        "block_kl_bits": [mean(part) for part in divergences],
        "encode_seconds": seconds,
        "decode_seconds": decode_seconds,
    }
    console.print(
        f"{way.label}, prior {prior}: {row['bits_per_pixel']:.3f} bits per pixel, {row['psnr_db']:.2f} dB, "
        f"{seconds:.0f} s, decoded equal",
        highlight=False,
    )
    return row, decoded


def _settings(model: INRModel, way: "Way", prior: int) -> INRSettings:
    settings = lossy.make_settings(
        model, partition=way.partition, candidates=way.candidates, block_bits=way.block_bits, index_code=way.index_code
    )
    return replace(settings, prior=prior)


def _alone(
    images: np.ndarray, model: INRModel, settings: INRSettings, sent: tuple[Sent, ...], seed: int
) -> list[bytes]:
    """A file of each picture; the first is decoded and compared."""
    files = []
    for part in sent:
        for number in range(len(part.pixels)):
            found = tuple(type(one)(*(leaf[number : number + 1] for leaf in one)) for one in part.found)
            files.append(inr_file.write((1, *images.shape[1:]), model, settings, (part._replace(found=found),), seed))
    if not np.array_equal(lossy.decode(container.read(files[0]), model)[0], sent[0].pixels[0]):
        raise ValueError("a picture alone did not decode to what it does among others; report it.")
    return files


def timing(model: INRModel, way: "Way", images: np.ndarray, alone: int, effort: Effort, seed: int) -> dict[str, float]:
    """Seconds per picture of a batch and of some pictures one by one, each after something of its shape was coded."""
    settings = _settings(model, way, 0)
    short = Effort(min(effort.first_steps, 100), min(effort.steps_between, 10))
    seconds = {}
    for name, parts in (
        ("batch", [images]),
        ("one_by_one", [images[number : number + 1] for number in range(min(alone, len(images)))]),
    ):
        inr_file.encode(parts[0], model, settings, Effort(10, 10), seed=seed)
        start = time.perf_counter()
        for part in parts:
            inr_file.encode(part, model, settings, short, seed=seed)
        seconds[f"{name}_seconds_per_picture"] = (time.perf_counter() - start) / sum(map(len, parts))
    return {
        **seconds,
        "ratio": seconds["one_by_one_seconds_per_picture"] / seconds["batch_seconds_per_picture"],
        "batch_pictures": len(images),
        "alone_pictures": min(alone, len(images)),
        "steps": short.first_steps,
    }
