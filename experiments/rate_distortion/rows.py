"""Sends the images with one model in one way, and measures rate, distortion, blocks and time of the files."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import rich.console
from jaxtyping import UInt8

from experiments.provenance import mean, standard_error
from experiments.rate_distortion.config import Config, Way
from recjax.codecs.lossy import compression as lossy
from recjax.codecs.lossy import file as inr_file
from recjax.codecs.lossy.encode import Effort, EncoderProgress, SentPictures
from recjax.codecs.lossy.plan import INDEX_CODES, INRSettings, make_levels
from recjax.container import file as container
from recjax.models.inr.fit import Fit
from recjax.models.inr.model import INRModel


def measure(
    model: INRModel,
    way: Way,
    images: UInt8[np.ndarray, "picture y x 3"],
    prior: int,
    config: Config,
    folder: Path,
    console: rich.console.Console,
    starts: "Starts",
) -> tuple[list[dict[str, Any]], np.ndarray]:
    """Encodes and decodes the images with one prior of a model in one way.

    One search serves all codes of the indices. For each code an archive of all images is written, read back, decoded
    and compared with what the encoder showed, and a file of each image is written, of which the first is decoded too.

    Args:
        model: The model.
        way: How its latents are sent.
        images: The images.
        prior: Number of the model's prior.
        config: Steps of fitting, and the seed.
        folder: Receives the files.
        console: Where progress is shown.
        starts: Posteriors that all ways start from.

    Returns:
        A row for each code of the indices, and the decoded images. "encode_seconds" includes the shared steps of
        fitting.

    Raises:
        ValueError: If a file does not decode to what was encoded.
    """
    settings = _settings(model, way, prior)
    with console.status(f"{model.name}, {way.label}") as status:

        def told(batch: int, batches: int, facts: Any) -> None:
            text = f"step {facts.done} of {facts.total}, {facts.psnr:.2f} dB"
            status.update(f"{model.name}, {way.label}: batch {batch + 1} of {batches}, {text}")

        fitted, seconds = starts.of(settings, told)
        start = time.perf_counter()
        effort = _effort(way, config)
        encoding = inr_file.encode(images, model, settings, effort, seed=config.seed, fitted=fitted, progress=told)
    seconds += time.perf_counter() - start
    rows, size = [], images.shape[1] * images.shape[2]
    for code in way.index_codes:
        if code == "learned" and settings.histogram not in model.index_counts:
            continue
        coded = replace(settings, index_code=INDEX_CODES.index(code))
        path = folder / f"{model.name}-{way.label.replace(' ', '-')}-{prior}-{code}.rjx"
        path.write_bytes(inr_file.write(images.shape, model, coded, encoding.sent, config.seed))
        start = time.perf_counter()
        decoded = lossy.decode(container.read(path.read_bytes()), model)
        decode_seconds = time.perf_counter() - start
        rows.append(
            {
                "way": way.label,
                "index_code": code,
                "prior": prior,
                "file": path.name,
                "bits_per_pixel": 8 * path.stat().st_size / (len(images) * size),
                "alone_bits_per_pixel": mean(_alone(path, decoded, model, coded, encoding.sent, config.seed)) / size,
                **_figures(images, decoded, encoding.sent),
                **_blocks(model, coded, encoding.sent, size),
                "encode_seconds": seconds,
                "decode_seconds": decode_seconds,
            }
        )
    first = rows[0]
    console.print(
        f"{way.label}, prior {prior}: {first['bits_per_pixel']:.3f} bits per pixel, {first['psnr_db']:.2f} dB, "
        f"{seconds:.0f} s, decoded equal",
        highlight=False,
    )
    return rows, encoding.pixels


class Starts:
    """Fits the posteriors that all ways of sending start from, once for each prior.

    Args:
        model: The model.
        images: The images, [picture, y, x, 3].
        config: Steps of fitting, and the seed.
    """

    def __init__(self, model: INRModel, images: UInt8[np.ndarray, "picture y x 3"], config: Config):
        self._model, self._images, self._config = model, images, config
        self._found: dict[int, tuple[Fit, float]] = {}

    def of(
        self, settings: INRSettings, progress: Callable[[int, int, EncoderProgress], None]
    ) -> tuple[Fit | None, float]:
        """Returns the posteriors for settings of some prior, fitting them at the first call for that prior.

        Args:
            settings: Settings of the encoder.
            progress: Called with the number of the batch, the number of batches, and what the encoder tells.

        Returns:
            The fit and the seconds that it took; None and 0 if no steps are shared.
        """
        steps, seed = self._config.shared_steps, self._config.seed
        if not steps:
            return None, 0.0
        if settings.prior not in self._found:
            start = time.perf_counter()
            fitted = inr_file.fit(self._images, self._model, settings, steps, seed=seed, progress=progress)
            self._found[settings.prior] = jax.block_until_ready(fitted), time.perf_counter() - start
        return self._found[settings.prior]


def _settings(model: INRModel, way: Way, prior: int) -> INRSettings:
    found = lossy.make_settings(
        model, partition=way.partition, candidates=way.candidates, block_bits=way.block_bits, index_code="zeta"
    )
    return replace(found, prior=prior)


def _effort(way: Way, config: Config) -> Effort:
    return Effort(config.first_steps, way.steps_between, way.room_bits, way.fill)


def _figures(images: np.ndarray, decoded: np.ndarray, sent: tuple[SentPictures, ...]) -> dict[str, float | None]:
    """Measures the PSNR of decoded images, after checking that they equal what the encoder showed."""
    if not np.array_equal(decoded, np.concatenate([part.pixels for part in sent])):
        raise ValueError("a file did not decode to what was encoded; report it.")
    ratios = lossy.psnr(decoded, images)
    return {"psnr_db": mean(ratios), "psnr_se": standard_error(ratios)}


def _blocks(model: INRModel, settings: INRSettings, sent: tuple[SentPictures, ...], size: int) -> dict[str, Any]:
    """Measures the number of blocks of each level, the bits of their bins, and their KL."""
    levels = make_levels(model, settings)
    divergences = [np.concatenate([part.divergence_bits[k] for part in sent]) for k in range(len(levels))]
    pictures = len(divergences[0])
    return {
        "kl_bits_per_pixel": sum(float(part.sum()) for part in divergences) / (pictures * size),
        "blocks": [level.plan.shape[0] for level in levels],
        "bin_bits": [float(level.filling.bin_bits.sum()) / level.plan.shape[0] for level in levels],
        "block_kl_bits": [mean(part) for part in divergences],
    }


def _alone(
    archive: Path,
    decoded: np.ndarray,
    model: INRModel,
    settings: INRSettings,
    sent: tuple[SentPictures, ...],
    seed: int,
) -> list[int]:
    """Writes a file of each image to a folder named after the archive, checks the first, and returns sizes in bits."""
    bits, folder = [], archive.parent / archive.stem
    folder.mkdir(exist_ok=True)
    for part in sent:
        for number in range(len(part.pixels)):
            found = tuple(type(one)(*(leaf[number : number + 1] for leaf in one)) for one in part.found)
            path = folder / f"{len(bits)}.rjx"
            shape = (1, *decoded.shape[1:])
            path.write_bytes(inr_file.write(shape, model, settings, (part._replace(found=found),), seed))
            bits.append(8 * path.stat().st_size)
    first = (folder / "0.rjx").read_bytes()
    if not np.array_equal(lossy.decode(container.read(first), model)[0], decoded[0]):
        raise ValueError("a picture alone did not decode to what it does among others; report it.")
    return bits


def timing(model: INRModel, images: np.ndarray, config: Config) -> dict[str, float]:
    """Times encoding as one batch and one by one, after a first call of each shape that compiles.

    Args:
        model: The model.
        images: Images of the batch, of which the first `config.one_by_one` are also encoded one by one.
        config: Ways, steps and seed. The first way is timed, with at most 50 steps before anything is sent.

    Returns:
        Seconds per image of both, their ratio, the numbers of images, and the steps.
    """
    settings, short = _settings(model, config.ways[0], 0), Effort(min(config.first_steps, 50), 10)
    alone = images[: config.one_by_one]
    seconds = {}
    for name, parts in (("batch", [images]), ("one_by_one", [alone[k : k + 1] for k in range(len(alone))])):
        inr_file.encode(parts[0], model, settings, Effort(10, 10), seed=config.seed)
        start = time.perf_counter()
        for part in parts:
            inr_file.encode(part, model, settings, short, seed=config.seed)
        seconds[f"{name}_seconds_per_picture"] = (time.perf_counter() - start) / sum(map(len, parts))
    return {
        **seconds,
        "ratio": seconds["one_by_one_seconds_per_picture"] / seconds["batch_seconds_per_picture"],
        "batch_pictures": len(images),
        "alone_pictures": len(alone),
        "steps": short.first_steps,
    }
