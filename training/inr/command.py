"""Train a model of implicit neural representations, for `recjax compress --method inr --model`.

    python -m training.inr --out runs/cifar
    python -m training.inr --out runs/cifar --preset full
    python -m training.inr --out runs/photos --data photos
    recjax compress ship.png ship.rjx --method inr --model runs/cifar --bpp 0.8

To continue a run that was stopped, give the same command again: it resumes from the checkpoint.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rich.console
import tyro
from jaxtyping import UInt8
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from recjax.models.inr import model as inr_model
from recjax.models.inr.model import INRModel
from recjax.models.inr.network import INRShape
from training import pictures
from training.command import guarded, output_folder, require_same_run
from training.inr import basis as inr_basis
from training.inr import convert as inr_convert
from training.inr import loop as inr
from training.inr import prior as inr_prior
from training.inr.loop import INRTraining, Progress

PHOTO_SPANS = (8, 4, 1)
"""The patches per side of a square in each level for photos: squares of 256, 128 and 32 pixels."""

SETTLED_PICTURES = {"cifar10": 192, "photos": 6}
"""The number of pictures at the end of the training split that priors are fitted to, by data set."""


@dataclass(frozen=True)
class Effort:
    """The amount of data and of work from which a model is learned.

    Attributes:
        pictures: The number of training pictures, the first ones of the training split.
        rates: The rates in bits per pixel that priors are fitted for.
        settle_steps: The steps of fitting a prior in the first round, and in each further round.
        rounds: The number of rounds of fitting each prior.
    """

    pictures: int = 1024
    rates: tuple[float, ...] = (0.3, 0.6, 1.2, 2.4)
    settle_steps: tuple[int, int] = (400, 150)
    rounds: int = 4


PRESETS = {
    "tiny": (Effort(128, (0.6,), (60, 20), 2), INRTraining(epochs=20, turns=(12,))),
    "small": (Effort(settle_steps=(200, 50), rounds=3), INRTraining(epochs=60, turns=(12, 20, 30, 45))),
    "medium": (Effort(3072), INRTraining()),
    "full": (Effort(18_000, settle_steps=(1000, 400)), INRTraining(epochs=400, batch_size=256)),
}
"""Settings by name: tiny, small and medium take a minute, ten minutes and half an hour on two cores; full learns from
18,000 pictures and is for an accelerator."""


@dataclass(frozen=True)
class Command:
    """The options of the command line."""

    out: Path
    """Folder for model.safetensors and checkpoint.safetensors; it is made if needed. Its name becomes the model's."""
    data: Literal["cifar10", "photos"] = "cifar10"
    """Data set to train on: cifar10 makes a model for pictures of 32x32, photos one for pictures of any size."""
    preset: Literal["tiny", "small", "medium", "full"] = "small"
    """Amount of training.
    tiny, small, medium: about a minute, ten minutes and half an hour on two cores.
    full: 18,000 pictures, for an accelerator."""
    pictures: int | None = None
    """Number of training pictures; by default that of the preset."""
    epochs: int | None = None
    """Number of passes over the training pictures; by default that of the preset."""
    weight: float | None = None
    """Weight of the squared error while maps and upsampler are learned: take a larger one for higher rates."""
    rates: tuple[float, ...] | None = None
    """Rates in bits per pixel that priors are fitted for; by default those of the preset."""
    directory: Path | None = None
    """Folder of CIFAR-10; by default the one that $RECJAX_DATA names."""
    debug: bool = False
    """Show the whole traceback of an error instead of one sentence."""
    shape: INRShape = field(default_factory=INRShape)
    """Shape of the networks."""

    def run(self) -> None:
        """Trains a model and writes the model file."""
        out = output_folder(self.out)
        effort, config = PRESETS[self.preset]
        effort = replace(effort, **_given(pictures=self.pictures, rates=self.rates))
        config = replace(config, **_given(epochs=self.epochs, weight=self.weight))
        if self.data == "photos":
            config = replace(config, spans=PHOTO_SPANS, batch_size=4)
        images = pictures.load(self.data, "train", directory=self.directory)
        path, run = out / "model.safetensors", stated(self.data, images, config, effort)
        require_same_run(path, run, lambda model_path: inr_model.load_model(model_path).metadata, free=("devices",))
        console = rich.console.Console()
        model = learn(out.resolve().name, self.data, images, self.shape, config, effort, console, out)
        inr_model.save_model(path, model)
        print(f"{path}: {path.stat().st_size:,} bytes, model {model.digest[:16]}")


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def stated(data: str, images: np.ndarray, config: INRTraining, effort: Effort) -> dict[str, Any]:
    """Collects what the card of a model says about the run that makes it.

    Args:
        data: The name of the data set.
        images: All training pictures.
        config: The settings of training.
        effort: The amount of data and of work.

    Returns:
        The data set, the number of pictures and the settings, of types that JSON has.
    """
    count = min(effort.pictures, len(images))
    return {"data": data, "pictures": count, "train": asdict(config), "effort": asdict(effort)}


def learn(
    name: str,
    data: str,
    images: UInt8[np.ndarray, "picture y x 3"],
    shape: INRShape,
    config: INRTraining,
    effort: Effort,
    console: rich.console.Console,
    directory: Path | None = None,
) -> INRModel:
    """Trains a model, fits its priors, and converts it to integers.

    Args:
        name: The name of the model.
        data: The name of the data set, for the card.
        images: All training pictures, uint8 [picture, height, width, 3]. The model is trained on the first ones, and
            priors are fitted to the last ones.
        shape: The shape of the networks.
        config: The settings of training.
        effort: The amount of data and of work.
        console: Where progress is shown.
        directory: The folder of the checkpoint, from which a run resumes; None for no checkpoints.

    Returns:
        The integer model, whose card states how it was trained.
    """
    start = time.perf_counter()
    with _progress(console, config.epochs) as report:
        state = inr.train(shape, images[: effort.pictures], config, report, directory=directory)
    some = images[-SETTLED_PICTURES.get(data, 64) :]
    first, others = effort.settle_steps
    shared = state.shared
    settle = partial(inr_prior.settle, shape, config.spans, pictures=some, first_steps=first, steps=others)
    with console.status("axes of the latents"):
        settled = settle(shared, state.prior, weight=config.weight, rounds=1)
        shared, prior, _ = inr_basis.concentrate(shape, shared, settled.prior, settled.posterior)
    priors: list[inr_prior.Settled] = []
    for rate in effort.rates:
        with console.status(f"prior at {rate:g} bits per pixel"):
            near = priors[-1] if priors else None
            weight = (
                config.weight * rate / settled.bits_per_pixel
                if near is None
                else near.weight * rate / near.bits_per_pixel
            )
            fitted = settle(shared, prior, weight=weight, bits_per_pixel=rate, rounds=effort.rounds)
        priors.append(fitted)
        console.print(
            f"prior at {rate:g}: {fitted.psnr:.2f} dB at {fitted.bits_per_pixel:.3f} bits per pixel, weight "
            f"{fitted.weight:.1f}",
            highlight=False,
        )
    card = {**stated(data, images, config, effort), "seconds": round(time.perf_counter() - start)}
    tall, wide = images.shape[1] // shape.height, images.shape[2] // shape.width
    return inr_convert.to_model(name, shape, config.spans, shared, priors, tall, wide, card)


@contextmanager
def _progress(console: rich.console.Console, epochs: int) -> Iterator[Callable[[Progress], None]]:
    """Shows a progress bar on a terminal, and every 20 epochs a line elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("training (compiling)", total=epochs)

        def report(step: Progress) -> None:
            text = f"{step.psnr:.2f} dB at {step.bits_per_pixel:.3f} bits per pixel"
            bar.update(task, completed=step.epoch, description=f"training: {text}, epoch")
            if not console.is_terminal and (step.epoch % 20 == 0 or step.epoch == epochs):
                console.print(f"epoch {step.epoch}: {text}", highlight=False)

        yield report


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command `python -m training.inr`.

    Args:
        arguments: The arguments of the command line; None for those of the process.

    Returns:
        The exit code: 0, or 1 with a sentence on stderr. Wrong usage exits with 2.
    """
    command = tyro.cli(Command, args=arguments, prog="python -m training.inr", description=__doc__)
    return guarded("training.inr", command.run, debug=command.debug)
