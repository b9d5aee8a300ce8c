"""Learn a model of implicit neural representations, for `recjax compress --method inr --model`.

    python -m training.representations --out runs/cifar --train.bits-per-pixel 0.7
    python -m training.representations --out runs/cifar --preset full
    python -m training.representations --out runs/photos --data photos --train.bits-per-pixel 0.3
    recjax compress ship.png ship.rjx --method inr --model runs/cifar

A run that was stopped goes on from its checkpoint when the same command is given again.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

import rich.console
import tyro
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from recjax.models import inr_model
from recjax.models.inr import INRShape
from recjax.models.inr_model import INRModel
from training import inr, inr_convert, pictures
from training.command import guarded, output_folder
from training.inr import INRTraining, Progress

PHOTO_SPANS = (8, 4, 1)
"""Of the levels of photos: squares of 256, 128 and 32 pixels."""

PRESETS = {"tiny": (256, 30), "small": (4000, 150), "full": (19_000, 400)}
"""Training pictures and epochs: seconds and some ten minutes on two cores, and up to an hour on an accelerator."""


@dataclass(frozen=True)
class Command:
    """The options of the command line."""

    out: Path
    """Folder for model.safetensors and checkpoint.safetensors; its name becomes the model's."""
    data: Literal["cifar10", "photos"] = "cifar10"
    """What to train on: cifar10, for pictures of 32x32; photos, for pictures of any size."""
    preset: Literal["tiny", "small", "full"] = "small"
    """How much: seconds, tens of minutes on two cores, or all pictures for an accelerator; sets pictures and epochs."""
    directory: Path | None = None
    """Where CIFAR-10 is; by default $RECJAX_DATA."""
    debug: bool = False
    """Show the traceback of an error."""
    shape: INRShape = field(default_factory=INRShape)
    train: INRTraining = field(default_factory=INRTraining)

    def run(self) -> None:
        """Train, and write the model file."""
        out = output_folder(self.out)
        count, epochs = PRESETS[self.preset]
        config = self.train
        if config.epochs == INRTraining().epochs:
            config = replace(config, epochs=epochs)
        if self.data == "photos" and config.spans == INRTraining().spans:
            config = replace(config, spans=PHOTO_SPANS, batch_size=min(config.batch_size, 4))
        images = pictures.load(self.data, "train", directory=self.directory)[:count]
        model = learn(out.resolve().name, self.data, images, self.shape, config, rich.console.Console(), out)
        path = out / "model.safetensors"
        inr_model.save_model(path, model)
        print(f"{path}: {path.stat().st_size:,} bytes, model {model.digest[:16]}")


def learn(
    name: str,
    data: str,
    images,
    shape: INRShape,
    config: INRTraining,
    console: rich.console.Console,
    directory: Path | None = None,
) -> INRModel:
    """A model of pictures in integers, with what it was trained with on its card."""
    start = time.perf_counter()
    last: list[Progress] = []
    with _progress(console, config.epochs) as report:
        state = inr.train(
            shape, images, config, lambda step: (last.append(step), report(step))[1], directory=directory
        )
    tall, wide = images.shape[1] // shape.height, images.shape[2] // shape.width
    card = {
        "data": data,
        "pictures": len(images),
        "train": asdict(config),
        "weight": float(state.weight),
        "seconds": round(time.perf_counter() - start),
    }
    if last:
        card |= {"training_psnr_db": last[-1].psnr, "training_bits_per_pixel": last[-1].bits_per_pixel}
    posterior = state.fit.posterior
    return inr_convert.to_model(name, shape, config.spans, state.shared, state.prior, posterior, tall, wide, card)


@contextmanager
def _progress(console: rich.console.Console, epochs: int) -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal; elsewhere a line now and then."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("training (compiling)", total=epochs)

        def report(step: Progress) -> None:
            text = f"{step.psnr:.2f} dB at {step.bits_per_pixel:.3f} bits per pixel"
            bar.update(task, completed=step.epoch, description=f"training: {text}, epoch")
            if not console.is_terminal and (step.epoch % 10 == 0 or step.epoch == epochs):
                console.print(f"epoch {step.epoch}: {text}, weight {step.weight:.1f}", highlight=False)

        yield report


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0; 1 with a sentence on stderr; 2 for wrong usage."""
    command = tyro.cli(Command, args=arguments, prog="python -m training.representations", description=__doc__)
    return guarded("training.representations", command.run, debug=command.debug)


if __name__ == "__main__":
    sys.exit(main())
