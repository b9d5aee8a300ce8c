"""Make a trained model of representations a released one: a file and its card, with rate and quality of test files.

    python -m training.inr.release runs/cifar10 --name cifar10 --out recjax/pretrained/representations
    python -m training.inr.release runs/photos --name photos --out released --pictures 4

Codes of indices are learned from training pictures, with space partitioning and without, and are part of the model.
Every file is decoded before its rate is stated.
"""

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import rich.console
import tyro
from jaxtyping import UInt8

from recjax.codecs.lossy import compression as lossy
from recjax.codecs.lossy import file as inr_file
from recjax.codecs.lossy.encode import Effort
from recjax.codecs.lossy.learned_codes import learn_index_counts
from recjax.io.atomic import write_atomically
from recjax.models.inr import model as inr_model
from recjax.models.inr.model import INRModel
from training import pictures
from training.command import guarded, require_no_model

TEST_DATA = {"cifar10": "cifar10", "photos": "kodak"}
"""Pictures that a model's files are measured on, by the data that it was trained on."""

LEARNING = Effort(500, 20)
"""Of the searches that codes of indices are learned from."""


@dataclass(frozen=True)
class Command:
    """The options of the command line."""

    run: tyro.conf.Positional[Path]
    """Folder of a training run, or a model file."""
    name: str
    """Name of the released model."""
    out: Path
    """Folder of the released models; recjax takes its own from recjax/pretrained/representations."""
    force: bool = False
    """Replace a model of this name that is there."""
    pictures: int = 64
    """Test pictures that files are measured on."""
    crop: int | None = None
    """Take squares of so many pixels from the middle of test pictures."""
    learn_pictures: int = 64
    """Training pictures that codes of indices are learned from; 0 learns none."""
    codes_of: str | None = None
    """Take the codes of indices of another model instead: blocks are filled alike, whatever is in them."""
    effort: lossy.EffortName = "quick"
    """How long the measured pictures are fitted."""
    command: str = ""
    """What the model was trained with, for the card."""
    licence: str = ""
    """Of weights and data, for the card."""
    debug: bool = False
    """Show the traceback of an error."""

    def act(self) -> None:
        """Measure, and write file and card."""
        require_no_model(self.out, self.name, force=self.force)
        model = inr_model.load_model(self.run / "model.safetensors" if self.run.is_dir() else self.run)
        trained_on = model.metadata.get("data")
        if trained_on not in TEST_DATA:
            raise ValueError(f"the card of model {model.name!r} must name its data, got {trained_on!r}; train again.")
        if self.codes_of:
            model = inr_model.with_index_counts(model, inr_model.load_model(self.codes_of).index_counts)
        train = pictures.load(trained_on, "train")[: 0 if self.codes_of else self.learn_pictures]
        test = pictures.load(TEST_DATA[trained_on], "test")[: self.pictures]
        if self.crop:
            test = pictures.middle(test, self.crop)
        console = rich.console.Console(stderr=True)
        stated = {"command": self.command, "licence": self.licence}
        with console.status("codes of indices") as status:
            released = release(model, self.name, train, test, TEST_DATA[trained_on], self.effort, status.update)
        released = inr_model.with_card(released, released.metadata | {k: text for k, text in stated.items() if text})
        path = write(released, self.out, force=self.force)
        for file in released.metadata["files"]:
            rate = f"{file['bits_per_pixel']:.3f} bits per pixel"
            print(f"{rate}: {file['psnr_db']:.2f} dB, {file['file_bytes']:,} bytes")
        print(f"{path}: {path.stat().st_size:,} bytes, model {released.digest[:16]}")


def release(
    model: INRModel,
    name: str,
    train: UInt8[np.ndarray, "picture y x channel"],
    test: UInt8[np.ndarray, "other y x channel"],
    test_data: str,
    effort: str | Effort,
    told: Callable[[str], None] = lambda text: None,
) -> INRModel:
    """The model under its released name, with learned codes and a card that states files of test pictures, one for
    each prior. `told` hears what is being done."""
    fixed, plain = lossy.make_settings(model, index_code="zeta"), lossy.make_settings(model, partition=False)
    full = Effort(LEARNING.first_steps, LEARNING.steps_between, float(plain.candidates_log2), True)
    if len(train):
        model = learn_index_counts(
            model,
            train,
            [(fixed, LEARNING), (plain, full)],
            progress=lambda histogram, prior, facts: told(
                f"codes of {histogram}, prior {prior}: step {facts.done} of {facts.total}"
            ),
        )
    model = replace(model, name=name)
    files = []
    chosen = lossy.EFFORTS[effort] if isinstance(effort, str) else effort
    for prior in range(len(model.means)):
        told(f"file at prior {prior}")
        settings = replace(lossy.make_settings(model), prior=prior)
        made = inr_file.encode(test, model, settings, chosen)
        size = len(test) * test.shape[1] * test.shape[2]
        rate = {"bits_per_pixel": 8 * len(made.data) / size, "psnr_db": float(lossy.psnr(made.pixels, test).mean())}
        about = {"data": test_data, "pictures": len(test), "shape": list(test.shape[1:]), "effort": str(effort)}
        files.append({**about, "prior": prior, "file_bytes": len(made.data), **rate})
    return inr_model.with_card(model, model.metadata | {"files": files})


def write(model: INRModel, folder: Path, *, force: bool = False) -> Path:
    """Write NAME.safetensors and NAME.json, which mirrors the card; returns the path of the file.

    ValueError if there is a model of this name, unless `force` replaces it.
    """
    require_no_model(folder, model.name, force=force)
    path = folder / f"{model.name}.safetensors"
    inr_model.save_model(path, model)
    stored = path.read_bytes()
    shape = model.shape
    document: dict[str, Any] = {
        "name": model.name,
        "digest": model.digest,
        "sha256": hashlib.sha256(stored).hexdigest(),
        "file_bytes": len(stored),
        "patch": [shape.height, shape.width, shape.channels],
        "whole_pictures": len(model.spans) == 1,
        "spans": list(model.spans),
        "latents": len(model.spans) * shape.variables,
        "parameters": num_parameters(model),
        **model.metadata,
    }
    text = json.dumps(document, indent=1) + "\n"
    write_atomically(path.with_suffix(".json"), lambda part: part.write_text(text, encoding="utf-8"))
    return path


def num_parameters(model: INRModel) -> int:
    """Weights and biases of maps and upsampler."""
    tensors = inr_model.tensors_of(model)
    return sum(array.size for name, array in tensors.items() if name.endswith((".weight_high", ".bias")))


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0; 1 with a sentence on stderr; 2 for wrong usage."""
    command = tyro.cli(Command, args=arguments, prog="python -m training.inr.release", description=__doc__)
    return guarded("training.inr.release", command.act, debug=command.debug)


if __name__ == "__main__":
    sys.exit(main())
