"""Turn a trained run into a released model: a file and its card, with measured rates of files of the whole test split.

    python -m training.vae.release runs/mnist --name mnist-bb-ans --out recjax/pretrained
    python -m training.vae.release runs/mnist --name mnist --out released --files bb-ans orc,candidates=16384,blocks=1
    python -m training.vae.release runs/scans --name scans --out released --data scans/

For the methods that search, codes of indices and of intervals are learned from training images and become part of the
model. Every file is decoded and compared with the images before its rate is stated.
"""

import functools
import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import rich.console
import tyro

from recjax.cli.process import bars
from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless.learned_codes import LEARNING_SEED, learn_index_counts, learn_interval_masses
from recjax.codecs.lossless.progress import by_stage
from recjax.codecs.lossless.resolve import check_settings, make_settings
from recjax.codecs.lossless.settings import BlockSettings
from recjax.container import file as container
from recjax.io.atomic import write_atomically
from recjax.models.vae.evaluate import KL_UNIT, Model, load_model, save_model
from recjax.models.vae.model import model_tensors
from training import data
from training.command import guarded, require_no_model
from training.own_images import load_splits
from training.vae.convert import with_card

Options = dict[str, Any]
"""Keyword arguments of `recjax.compress`, the method among them; others have their defaults."""

Report = Callable[[int, int], None]
Begin = Callable[[str], Report]

_KINDS = {"candidates": int, "block_bits": float, "blocks": int, "max_depth": int}
_CHOICES = ("branch_code", "index_code", "bin_code")


def parse_options(text: str) -> Options:
    """Reads the options of a file from text of the form METHOD[,NAME=VALUE ...].

    Args:
        text: The text, such as "orc,candidates=16384".

    Returns:
        Keyword arguments of `recjax.compress`, "method" among them.

    Raises:
        ValueError: The text has another form, or an option does not exist, has an illegal value or does not fit the
            method.
    """
    method, *settings = text.split(",")
    options: Options = {"method": method}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or name not in (*_KINDS, *_CHOICES):
            raise ValueError(
                f"a file must read METHOD[,NAME=VALUE ...], got {text!r}; NAME is one of {', '.join(_KINDS)}, "
                f"{', '.join(_CHOICES)}."
            )
        try:
            options[name] = _KINDS.get(name, str)(value)
        except ValueError:
            raise ValueError(f"{name} must be a number, got {value!r} in {text!r}; write one.") from None
    check_settings(**options)
    return options


@dataclass(frozen=True)
class Command:
    """The options of the command line."""

    run: tyro.conf.Positional[Path]
    """Folder of a training run, or path of a model file."""
    name: str
    """Name of the released model."""
    out: Path
    """Folder for the released model; the models that come with recjax are in recjax/pretrained."""
    data: str | None = None
    """Data set that the model was trained on, or the path of its images; by default the one that its card names."""
    force: bool = False
    """Replace a model of this name if there is one."""
    files: tuple[str, ...] = ("bb-ans", "pfr", "orc")
    """Files to make of the test split and measure, each METHOD[,NAME=VALUE ...] with options of `recjax.compress`."""
    learn_images: int = 10_000
    """Number of training images that codes of indices and intervals are learned from; 0 learns none."""
    command: str = ""
    """Command that the model was trained with, to be stated on the card."""
    licence: str = ""
    """Licence of the weights and the data, to be stated on the card."""
    debug: bool = False
    """Show the whole traceback of an error instead of one sentence."""

    def act(self) -> None:
        """Measures files, and writes the model file and its card."""
        plans = [parse_options(text) for text in self.files]
        require_no_model(self.out, self.name, force=self.force)
        model = load_model(self.run / "model.safetensors" if self.run.is_dir() else self.run)
        splits = _splits_of(model, self.data)
        train_images = splits["train"].coded[: self.learn_images]
        with _progress(rich.console.Console(stderr=True)) as begin:
            released = release(model, self.name, train_images, splits["test"].coded, plans, begin)
        stated = {"command": self.command, "licence": self.licence}
        released = with_card(released, released.metadata | {key: text for key, text in stated.items() if text})
        path = write(released, self.out, force=self.force)
        for file in released.metadata["files"]:
            print(f"{file['method']}: {file['bits_per_dim']:.4f} bits/dim, {file['file_bytes']:,} bytes, decoded equal")
        print(f"{path}: {path.stat().st_size:,} bytes, model {released.digest[:16]}")


@contextmanager
def _progress(console: rich.console.Console) -> Iterator[Begin]:
    """Shows a progress bar for each part of the work on a terminal, and a line elsewhere."""
    with bars.bar(console=console) as report:

        def begin(name: str) -> Report:
            report(name, 0, None)
            if not console.is_terminal:
                console.print(name, highlight=False)
            return functools.partial(report, name)

        yield begin


def _by_stage(begin: Begin, name: str) -> Report:
    """Makes a progress callback for `lossless.compress`, which shows encoding and decoding as parts of the work."""
    parts: dict[str, Report] = {}

    def report_stage(stage: str, done: int, total: int | None, note: str = "", *, steady: bool = True) -> None:
        if stage not in parts:
            parts[stage] = begin(f"{name}: {stage}")
        parts[stage](done, total or 0)

    return by_stage(report_stage)


def release(
    model: Model,
    name: str,
    train_images: np.ndarray,
    test_images: np.ndarray,
    files: Sequence[Options],
    begin: Begin = lambda name: lambda done, total: None,
) -> Model:
    """Makes the released version of a model, with a new name, learned codes, and a card that states measured rates.

    Args:
        model: The trained model.
        name: The name of the released model.
        train_images: The images that codes are learned from, uint8; none are learned if it is empty.
        test_images: The images that files are made of, uint8.
        files: The options of each file, as `parse_options` returns them.
        begin: A function that gets the name of each part of the work, and returns a callback for the number of images
            done and of all.

    Returns:
        The released model.
    """
    model = replace(_learned(model, train_images, files, begin), name=name)
    stated = []
    for options in files:
        report = _by_stage(begin, f"file: {', '.join(map(str, options.values()))}")
        file = lossless.compress(test_images, model, **options, progress=report)
        header = container.read(file).header
        rate = {"file_bytes": len(file), "bits_per_dim": 8 * len(file) / test_images.size}
        about = {"method": header.method, "parameters": dict(header.parameters), "seed": header.seed}
        stated.append({**about, "images": header.count, **rate})
    return with_card(model, {**model.metadata, "files": stated})


def _learned(model: Model, images: np.ndarray, files: Sequence[Options], begin: Begin) -> Model:
    """Learns the codes that these files can use from training images; without images the model stays as it is."""
    plain = [{key: value for key, value in options.items() if key not in _CHOICES} for options in files]
    settings = [make_settings(model, **options) for options in plain]
    searching = [one for one in settings if one is not None]
    if not searching or not len(images):
        return model
    for one in searching:
        report = begin(f"codes of {one.histogram}")
        model = learn_index_counts(model, images, [one], seed=LEARNING_SEED, progress=report)
    if any(isinstance(one, BlockSettings) and one.partition for one in searching):
        model = learn_interval_masses(model, images)
    return model


def write(model: Model, folder: Path, *, force: bool = False) -> Path:
    """Writes a released model as NAME.safetensors, and its card as NAME.json.

    Args:
        model: The released model.
        folder: The folder, which is made if it does not exist.
        force: Whether a model of this name may be replaced.

    Returns:
        The path of the model file.

    Raises:
        ValueError: There is a model of this name and `force` is not set.
    """
    require_no_model(folder, model.name, force=force)
    path = folder / f"{model.name}.safetensors"
    save_model(path, model)
    stored = path.read_bytes()
    document = {
        "name": model.name,
        "digest": model.digest,
        "sha256": hashlib.sha256(stored).hexdigest(),
        "file_bytes": len(stored),
        "image_shape": list(model.image_shape),
        "levels": model.levels,
        "likelihood": model.likelihood_name,
        "latents": model.latents,
        "parameters": num_parameters(model),
        "kl_bits": [round(float(kl) / KL_UNIT, 3) for kl in model.kl_bits],
        "intervals": [int(count) for count in model.intervals],
        **model.metadata,
    }
    text = json.dumps(document, indent=1) + "\n"
    write_atomically(path.with_suffix(".json"), lambda part: part.write_text(text, encoding="utf-8"))
    return path


def num_parameters(model: Model) -> int:
    """Counts the weights and biases of all networks.

    Args:
        model: The model.

    Returns:
        Their number.
    """
    return sum(array.size for name, array in model_tensors(model).items() if name.endswith((".weight_high", ".bias")))


def _splits_of(model: Model, source: str | None) -> dict[str, data.DataSet]:
    """Loads the data set that a model was trained on, as its card names it."""
    name = model.metadata.get("data")
    if not isinstance(name, str):
        raise ValueError(f"the card of model {model.name!r} must name its data set, and does not; train it again.")
    if source is None and name not in data.NAMES:
        raise ValueError(f"model {model.name!r} was trained on {name}; give the path of these images by --data.")
    splits = load_splits(name if source is None else source)
    if splits["train"].name != name:
        raise ValueError(
            f"model {model.name!r} was trained on {name}, and --data has {splits['train'].name}; give the images that "
            "it was trained on."
        )
    return splits


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command `python -m training.vae.release`.

    Args:
        arguments: The arguments of the command line; None for those of the process.

    Returns:
        The exit code: 0, or 1 with a sentence on stderr. Wrong usage exits with 2.
    """
    command = tyro.cli(Command, args=arguments, prog="python -m training.vae.release", description=__doc__)
    return guarded("training.vae.release", command.act, debug=command.debug)


if __name__ == "__main__":
    sys.exit(main())
