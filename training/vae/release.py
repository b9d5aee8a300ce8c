"""Make a trained run a released model: a file and its card, with the rates of files of the whole test split.

    python -m training.vae.release runs/mnist --name mnist-bb-ans --out recjax/pretrained
    python -m training.vae.release runs/mnist --name mnist --out released --files bb-ans orc,candidates=16384,blocks=1

Codes of indices and of intervals are learned from training images for the methods that search, and are part of the
model. Every file is decoded and compared before its rate is stated.
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
from recjax.codecs.lossless.progress import halves
from recjax.codecs.lossless.resolve import check_settings, make_settings
from recjax.codecs.lossless.settings import BlockSettings
from recjax.container import file as container
from recjax.io.atomic import write_atomically
from recjax.models.vae.evaluate import KL_UNIT, Model, load_model, save_model
from recjax.models.vae.model import model_tensors
from training import data
from training.command import guarded, require_no_model
from training.vae.convert import with_card

Options = dict[str, Any]
"""Keyword arguments of `recjax.compress`, the method among them; what is left out is as there."""

Report = Callable[[int, int], None]
Begin = Callable[[str], Report]

_KINDS = {"candidates": int, "block_bits": float, "blocks": int, "max_depth": int}
_CHOICES = ("branch_code", "index_code", "bin_code")


def parse_options(text: str) -> Options:
    """Of METHOD[,NAME=VALUE ...]; ValueError says what is wrong."""
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
    """Folder of a training run, or a model file."""
    name: str
    """Name of the released model."""
    out: Path
    """Folder of the released models; recjax takes its own from recjax/pretrained."""
    force: bool = False
    """Replace a model of this name that is there."""
    files: tuple[str, ...] = ("bb-ans", "pfr", "orc")
    """Files to measure, each METHOD[,NAME=VALUE ...], the names as in `recjax.compress`."""
    learn_images: int = 10_000
    """Training images that codes of indices and intervals are learned from; 0 learns none."""
    command: str = ""
    """What the model was trained with, for the card."""
    licence: str = ""
    """Of weights and data, for the card."""
    debug: bool = False
    """Show the traceback of an error."""

    def act(self) -> None:
        """Measure, and write file and card."""
        plans = [parse_options(text) for text in self.files]
        require_no_model(self.out, self.name, force=self.force)
        model = load_model(self.run / "model.safetensors" if self.run.is_dir() else self.run)
        splits = {split: data.load(_data_name(model), split).coded for split in ("train", "test")}
        train_images = splits["train"][: self.learn_images]
        with _progress(rich.console.Console(stderr=True)) as begin:
            released = release(model, self.name, train_images, splits["test"], plans, begin)
        stated = {"command": self.command, "licence": self.licence}
        released = with_card(released, released.metadata | {key: text for key, text in stated.items() if text})
        path = write(released, self.out, force=self.force)
        for file in released.metadata["files"]:
            print(f"{file['method']}: {file['bits_per_dim']:.4f} bits/dim, {file['file_bytes']:,} bytes, decoded equal")
        print(f"{path}: {path.stat().st_size:,} bytes, model {released.digest[:16]}")


@contextmanager
def _progress(console: rich.console.Console) -> Iterator[Begin]:
    """A bar for each part of the work on a terminal, elsewhere a line."""
    with bars.bar(console=console) as report:

        def begin(name: str) -> Report:
            report(name, 0, None)
            if not console.is_terminal:
                console.print(name, highlight=False)
            return functools.partial(report, name)

        yield begin


def _in_halves(begin: Begin, name: str) -> Report:
    """What hears the progress of `lossless.compress`: encoding and the decoding after it are parts of the work."""
    parts: dict[str, Report] = {}

    def told(stage: str, done: int, total: int | None, note: str = "", *, steady: bool = True) -> None:
        if stage not in parts:
            parts[stage] = begin(f"{name}: {stage}")
        parts[stage](done, total or 0)

    return halves(told)


def release(
    model: Model,
    name: str,
    train_images: np.ndarray,
    test_images: np.ndarray,
    files: Sequence[Options],
    begin: Begin = lambda name: lambda done, total: None,
) -> Model:
    """The model under its released name, with learned codes and a card that states the rates of these files.

    `begin` is called with the name of each part of the work, and returns what hears how many images are done.
    """
    model = replace(_learned(model, train_images, files, begin), name=name)
    stated = []
    for options in files:
        report = _in_halves(begin, f"file: {', '.join(map(str, options.values()))}")
        file = lossless.compress(test_images, model, **options, progress=report)
        header = container.read(file).header
        rate = {"file_bytes": len(file), "bits_per_dim": 8 * len(file) / test_images.size}
        about = {"method": header.method, "parameters": dict(header.parameters), "seed": header.seed}
        stated.append({**about, "images": header.count, **rate})
    return with_card(model, {**model.metadata, "files": stated})


def _learned(model: Model, images: np.ndarray, files: Sequence[Options], begin: Begin) -> Model:
    """The model with the codes that these files can use, learned from training images; as it is without images."""
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
    """Write NAME.safetensors and NAME.json, which mirrors the card; returns the path of the file.

    ValueError if there is a model of this name, unless `force` replaces it.
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
    """Weights and biases of all networks."""
    return sum(array.size for name, array in model_tensors(model).items() if name.endswith((".weight_high", ".bias")))


def _data_name(model: Model) -> str:
    name = model.metadata.get("data")
    if not isinstance(name, str):
        raise ValueError(f"the card of model {model.name!r} must name its data set, and does not; train it again.")
    data.check_name(name)
    return name


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0; 1 with a sentence on stderr; 2 for wrong usage."""
    command = tyro.cli(Command, args=arguments, prog="python -m training.vae.release", description=__doc__)
    return guarded("training.vae.release", command.act, debug=command.debug)


if __name__ == "__main__":
    sys.exit(main())
