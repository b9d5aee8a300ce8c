"""Measures lossless files of photographs, one for each, beside those of JPEG XL, WebP and PNG on the same pictures.

Run:     python -m experiments configs/lossless_pictures.toml
Every file is decoded and compared with its picture. All codecs are timed in turns, picture by picture, after a first
call of each.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rich.console

import recjax
from experiments.baselines import pictures as peers
from experiments.baselines.names import JPEG_XL_7, JPEG_XL_9
from experiments.baselines.pictures import Coded, PictureCodec
from experiments.lossless_pictures.names import OURS
from experiments.progress import searches
from experiments.provenance import mean
from recjax.models.pixel_network.model import PixelModel, load_model
from training import pictures
from training.command import output_folder

METHOD = "pixel-network"


@dataclass(frozen=True)
class Config:
    """Configures the experiment.

    Attributes:
        experiment: Name of the experiment in the registry.
        model: Name of a released pixel network, or path of a model file.
        data: Data set of the test pictures.
        pictures: Number of test pictures to code, from the first one on.
        crop: Side in pixels of the squares that are cut from the middle of the pictures; 0 for whole pictures.
        peers: Whether other codecs are measured too.

    Raises:
        ValueError: If a value is out of its range.
    """

    experiment: str
    model: str = "photos-rgb"
    data: Literal["kodak"] = "kodak"
    pictures: int = 24
    crop: int = 0
    peers: bool = True

    def __post_init__(self) -> None:
        for name, least in (("pictures", 1), ("crop", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}; raise it.")


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Codes every picture with every codec.

    Args:
        config: What to run.
        folder: Receives our files.
        console: Where progress is shown.

    Returns:
        Facts of data and model, a row for each codec, the comparison of our files with those of JPEG XL (None without
        it), the seconds of our first call, and wall times in seconds.

    Raises:
        ValueError: If there are fewer pictures than the config asks for.
    """
    start = time.perf_counter()
    model = load_model(config.model)
    images = _images(config)
    codecs = (_ours(model), *(peers.picture_codecs() if config.peers else ()))
    files = output_folder(folder / "files")
    found: dict[str, list[Coded]] = {codec.name: [] for codec in codecs}
    with searches(console, len(images) + 1) as begin:
        begin("first calls")
        first = {codec.name: peers.measure(codec, images[0]) for codec in codecs}[OURS]
        for number, picture in enumerate(images, 1):
            begin(f"picture {number}")
            for codec in codecs:
                found[codec.name].append(peers.measure(codec, picture))
            (files / f"{number}.rjx").write_bytes(found[OURS][-1].data)
    return {
        "data": {"name": config.data, "count": len(images), "shape": list(images.shape[1:])},
        "model": {"name": model.name, "digest": model.digest},
        "first_call_seconds": {"encode": first.encode_seconds, "decode": first.decode_seconds},
        "rows": _rows(codecs, found, images),
        "smaller": _smaller(found),
        "left_out": peers.left_out() if config.peers else "Other codecs were not measured.",
        "seconds": {"coding": time.perf_counter() - start},
    }


def _images(config: Config) -> np.ndarray:
    every = pictures.load(config.data, "test")
    if len(every) < config.pictures:
        raise ValueError(
            f"pictures must be at most {len(every)}, all of {config.data}, got {config.pictures}; lower it."
        )
    images = every[: config.pictures]
    return np.ascontiguousarray(pictures.middle(images, config.crop) if config.crop else images)


def _ours(model: PixelModel) -> PictureCodec:
    """Returns our codec with a model, which decodes every file once to check it before it returns it."""
    return PictureCodec(
        OURS,
        lambda picture: recjax.compress(picture[None], model, method=METHOD),
        lambda data: recjax.decompress(data, model=model)[0],
        f"method {METHOD}, model {model.name}",
    )


def _rows(codecs: Sequence[PictureCodec], found: dict[str, list[Coded]], images: np.ndarray) -> list[dict[str, Any]]:
    """Summarises each codec, and compares it with JPEG XL of effort 7 where that was measured."""
    values, megapixels = images[0].size, len(images) * images.shape[1] * images.shape[2] / 1e6
    rows = []
    for codec in codecs:
        coded = found[codec.name]
        sizes = [len(one.data) for one in coded]
        seconds = {
            "encode": [one.encode_seconds for one in coded],
            "decode": [one.decode_seconds for one in coded],
        }
        rates = [8 * size / values for size in sizes]
        rows.append(
            {
                "name": codec.name,
                "settings": codec.settings,
                "file_bytes": sizes,
                "bits_per_subpixel": rates,
                "total_bytes": sum(sizes),
                "mean_bits_per_subpixel": mean(rates),
                "seconds": seconds,
                "megapixels_per_second": {name: megapixels / sum(own) for name, own in seconds.items()},
            }
        )
    base = next((row for row in rows if row["name"] == JPEG_XL_7), None)
    return [row | {"to_jpeg_xl_7": _ratios(row, base)} for row in rows]


def _ratios(row: dict[str, Any], base: dict[str, Any] | None) -> dict[str, float] | None:
    """Divides bytes and times of a codec by those of another one."""
    if base is None:
        return None
    times = {f"{name}_seconds": sum(own) / sum(base["seconds"][name]) for name, own in row["seconds"].items()}
    return {"bytes": row["total_bytes"] / base["total_bytes"], **times}


def _smaller(found: dict[str, list[Coded]]) -> dict[str, Any] | None:
    """Counts the pictures of which our file is the smaller one."""
    if JPEG_XL_9 not in found:
        return None
    pairs = zip(found[OURS], found[JPEG_XL_9], strict=True)
    return {"than": JPEG_XL_9, "pictures": sum(len(own.data) < len(other.data) for own, other in pairs)}
