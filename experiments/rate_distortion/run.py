"""Measures rate and distortion of files of implicit neural representations, beside those of other codecs.

Run:     python -m experiments configs/cifar10_rate_distortion.toml         (--train: learn the models first)
A model is sent in several ways, on the same images: with space partitioning or without (blocks of 16 bits), and with
intervals assigned by information, at random, or to the latents that carry least. Rates are sizes of files that were
decoded.
"""

import base64
import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import rich.console
from PIL import Image

from experiments.baselines import lossy as lossy_peers
from experiments.rate_distortion import rows as rate_distortion_rows
from experiments.rate_distortion.config import Config, RepresentationSource
from recjax.models.inr import model as inr_model
from recjax.models.inr.model import INRModel
from training import pictures
from training.command import output_folder
from training.inr import command as representations

_TIMED = 64
"""Number of images in the batch that is timed."""

_SHOWN_SIDE = 128
"""Side in pixels of the squares of images that are kept for the plot."""


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Sends the images in every way, and compares with other codecs.

    Args:
        config: What to run.
        folder: Receives the files, and the model if it is trained.
        console: Where progress is shown.

    Returns:
        Rows of our files, rates and PSNR of other codecs ("peers"), times of encoding alone (None if not measured),
        facts of data and model, example images as PNG in base 64, and wall times in seconds.
    """
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
    """Returns the middles of images side by side, as a PNG in base 64."""
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
