"""Turn a trained model of representations into a released one: a file and a card with rates and PSNRs of test files.

    python -m training.inr.release runs/cifar10 --name cifar10 --out recjax/pretrained/representations
    python -m training.inr.release runs/photos --name photos --out released --pictures 4

Codes of indices are learned from training pictures, with space partitioning and without, and become part of the model.
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
"""The data set that a model's files are measured on, by the one that it was trained on."""

LEARNING = Effort(500, 20)
"""The effort of the searches that codes of indices are learned from."""


@dataclass(frozen=True)
class Command:
    """The options of the command line."""

    run: tyro.conf.Positional[Path]
    """Folder of a training run, or path of a model file."""
    name: str
    """Name of the released model."""
    out: Path
    """Folder for the released model; the models that come with recjax are in recjax/pretrained/representations."""
    force: bool = False
    """Replace a model of this name if there is one."""
    pictures: int = 64
    """Number of test pictures that files are measured on."""
    crop: int | None = None
    """Side in pixels of squares that are cut from the middle of the test pictures; by default whole pictures."""
    learn_pictures: int = 64
    """Number of training pictures that codes of indices are learned from; 0 learns none."""
    codes_of: str | None = None
    """Name or path of another model, whose codes of indices are taken instead of learning new ones."""
    effort: lossy.EffortName = "quick"
    """Effort with which the measured pictures are fitted."""
    command: str = ""
    """Command that the model was trained with, to be stated on the card."""
    licence: str = ""
    """Licence of the weights and the data, to be stated on the card."""
    debug: bool = False
    """Show the whole traceback of an error instead of one sentence."""

    def act(self) -> None:
        """Measures files, and writes the model file and its card.

        Raises:
            ValueError: The model does not state its data set, or one of this name exists and --force is not set.
        """
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
    report: Callable[[str], None] = lambda text: None,
) -> INRModel:
    """Makes the released version of a model, with learned codes, and a card with a measured file for each prior.

    Args:
        model: The trained model.
        name: The name of the released model.
        train: The pictures that codes are learned from, uint8; none are learned if it is empty.
        test: The pictures that files are made of, uint8.
        test_data: The name of the data set of the test pictures, for the card.
        effort: How long the test pictures are fitted: a name in `recjax.codecs.lossy.compression.EFFORTS`, or an
            effort.
        report: A function that gets a line on each part of the work.

    Returns:
        The released model.
    """
    fixed, plain = lossy.make_settings(model, index_code="zeta"), lossy.make_settings(model, partition=False)
    full = Effort(LEARNING.first_steps, LEARNING.steps_between, float(plain.candidates_log2), True)
    if len(train):
        model = learn_index_counts(
            model,
            train,
            [(fixed, LEARNING), (plain, full)],
            progress=lambda histogram, prior, facts: report(
                f"codes of {histogram}, prior {prior}: step {facts.done} of {facts.total}"
            ),
        )
    model = replace(model, name=name)
    files = []
    chosen = lossy.EFFORTS[effort] if isinstance(effort, str) else effort
    for prior in range(len(model.means)):
        report(f"file at prior {prior}")
        settings = replace(lossy.make_settings(model), prior=prior)
        made = inr_file.encode(test, model, settings, chosen)
        size = len(test) * test.shape[1] * test.shape[2]
        rate = {"bits_per_pixel": 8 * len(made.data) / size, "psnr_db": float(lossy.psnr(made.pixels, test).mean())}
        about = {"data": test_data, "pictures": len(test), "shape": list(test.shape[1:]), "effort": str(effort)}
        files.append({**about, "prior": prior, "file_bytes": len(made.data), **rate})
    return inr_model.with_card(model, model.metadata | {"files": files})


def write(model: INRModel, folder: Path, *, force: bool = False) -> Path:
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
    """Counts the weights and biases of maps and upsampler.

    Args:
        model: The model.

    Returns:
        Their number.
    """
    tensors = inr_model.tensors_of(model)
    return sum(array.size for name, array in tensors.items() if name.endswith((".weight_high", ".bias")))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command `python -m training.inr.release`.

    Args:
        arguments: The arguments of the command line; None for those of the process.

    Returns:
        The exit code: 0, or 1 with a sentence on stderr. Wrong usage exits with 2.
    """
    command = tyro.cli(Command, args=arguments, prog="python -m training.inr.release", description=__doc__)
    return guarded("training.inr.release", command.act, debug=command.debug)


if __name__ == "__main__":
    sys.exit(main())
