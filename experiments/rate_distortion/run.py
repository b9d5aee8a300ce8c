"""Lossy pictures by implicit neural representations: rate against distortion of files, beside other people's codecs.

Run:     python -m experiments configs/cifar10_rate_distortion.toml         (--train: learn the models first)
Each model is sent in several ways, at the same pictures: space partitioning against blocks of 16 bits, and intervals
assigned by information, at random or to what carries none. Rates are sizes of files that were decoded again.
"""

import base64
import io
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rich.console
from PIL import Image

from experiments.baselines import lossy as lossy_peers
from experiments.rate_distortion import rows as rate_distortion_rows
from recjax.codecs.lossy.search import STEPS_AT_ONCE
from recjax.models.inr import model as inr_model
from recjax.models.inr.model import INRModel
from recjax.models.inr.network import INRShape
from training import pictures
from training.command import output_folder
from training.inr import command as representations
from training.inr.loop import INRTraining

_TIMED = 64
"""Pictures of the batch that is timed against as many alone."""

_SHOWN_SIDE = 128
"""Pixels of the squares that are kept of pictures, to be looked at."""


@dataclass(frozen=True)
class RepresentationSource:
    """A model: a released one's name, or a path; effort, shape and train: how `--train` makes it."""

    name: str
    data: Literal["cifar10", "photos"] = "cifar10"
    effort: representations.Effort = field(default_factory=representations.Effort)
    shape: INRShape = field(default_factory=INRShape)
    train: INRTraining = field(default_factory=INRTraining)

    @property
    def label(self) -> str:
        """The name without folders."""
        path = Path(self.name)
        return path.parent.name if path.suffix else path.name


@dataclass(frozen=True)
class Way:
    """How a model's latents are sent; see `recjax.codecs.lossy.compression.make_settings`.

    index_codes: of the files that are made of one search; the first is the one that others are compared with. Learned
    ones are left out if the model has none. steps_between, fill, room_bits: see `recjax.codecs.lossy.encode.Effort`.
    priors: numbers of the model's, all by default.
    """

    label: str
    partition: Literal["none", "information", "random", "uninformative"] = "information"
    candidates: int = 1 << 14
    block_bits: float = 11.0
    index_codes: tuple[Literal["zeta", "learned", "uniform"], ...] = ("learned", "zeta")
    steps_between: int = 30
    fill: bool = False
    room_bits: float | None = None
    priors: tuple[int, ...] = ()


@dataclass(frozen=True)
class Config:
    """The experiment. data: of the test pictures, of which the first `pictures` are sent, at the rate of each prior of
    the model. crop: side of the squares that are cut from their middles, 0 for whole pictures. ways: the first is ours,
    the second what it is compared with. shared_steps: of fitting, once for all ways; 0 if each starts afresh.
    first_steps: of each way after that, before anything is sent. one_by_one: pictures that are encoded alone, to time
    it; 0 for none. shown: pictures of the plot. peer_settings: of every other codec, at most.
    """

    experiment: str
    model: RepresentationSource
    ways: tuple[Way, ...]
    data: Literal["cifar10", "kodak"] = "cifar10"
    pictures: int = 32
    crop: int = 0
    from_scratch: bool = False
    shared_steps: int = 0
    first_steps: int = 500
    one_by_one: int = 0
    shown: int = 4
    peer_settings: int = 12
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.ways:
            raise ValueError("'ways' must have at least one entry; add a table [[ways]].")
        for name, least in (
            ("pictures", 1),
            ("shared_steps", 0),
            ("first_steps", 10),
            ("one_by_one", 0),
            ("peer_settings", 2),
        ):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}; raise it.")
        if self.shared_steps % STEPS_AT_ONCE:
            raise ValueError(f"shared_steps must be a multiple of {STEPS_AT_ONCE}, got {self.shared_steps}; round it.")
        if len({way.label for way in self.ways}) < len(self.ways):
            raise ValueError("the labels of 'ways' must differ; change one.")


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Send, decode and compare; files go to the folder, figures are returned."""
    start = time.perf_counter()
    every = pictures.load(config.data, "test")
    if config.crop:
        every = pictures.middle(every, config.crop)
    images = every[: config.pictures]
    model = _model(config, config.model, folder, console)
    ready = time.perf_counter()
    rows, shown = [], {}
    starts = rate_distortion_rows.Starts(model, images, config)
    for way in config.ways:
        for prior in way.priors or range(len(model.means)):
            found, decoded = rate_distortion_rows.measure(model, way, images, prior, config, folder, console, starts)
            rows += found
            if way is config.ways[0]:
                shown[str(prior)] = _strip(decoded[: config.shown])
    timing = rate_distortion_rows.timing(model, every[:_TIMED], config) if config.one_by_one else None
    with console.status("other codecs"):
        chosen = lossy_peers.peers(config.peer_settings)
        peers = {peer.name: lossy_peers.curve(peer, images) for peer in chosen}
    return {
        "data": {"name": config.data, "count": len(images), "shape": list(images.shape[1:])},
        "model": _facts(model),
        "rows": rows,
        "timing": timing,
        "peers": peers,
        "left_out": lossy_peers.left_out(),
        "pictures": _strip(images[: config.shown]),
        "decoded": shown,
        "seconds": {"models": ready - start, "coding": time.perf_counter() - ready},
    }


def _strip(images: np.ndarray) -> str:
    """The middles of pictures side by side, a PNG in base 64."""
    part = pictures.middle(images, min(_SHOWN_SIDE, *images.shape[1:3]))
    stream = io.BytesIO()
    Image.fromarray(np.hstack([*part])).save(stream, "PNG", optimize=True)
    return base64.b64encode(stream.getvalue()).decode()


def _model(config: Config, source: RepresentationSource, folder: Path, console: rich.console.Console) -> INRModel:
    if not config.from_scratch:
        path = Path(source.name)
        return inr_model.load_model(path / "model.safetensors" if path.is_dir() else source.name)
    images = pictures.load(source.data, "train")
    out = output_folder(folder / source.label)
    console.print(f"training {source.label} on {source.effort.pictures:,} pictures of {source.data}", highlight=False)
    model = representations.learn(
        source.label, source.data, images, source.shape, source.train, source.effort, console, out
    )
    inr_model.save_model(out / "model.safetensors", model)
    return model


def _facts(model: INRModel) -> dict[str, Any]:
    kl = np.asarray(model.kl_bits, np.float64) / 1024
    return {
        "name": model.name,
        "digest": model.digest,
        "pictures": model.metadata.get("pictures"),
        "rates": list(model.rates),
        "latents": [int((prior > 0).sum()) for prior in kl],
        "kl_bits": [sorted((round(float(x), 3) for x in prior[prior > 0]), reverse=True) for prior in kl],
    }
