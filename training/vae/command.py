"""Train a VAE and write it as a model that `recjax compress --model` takes.

    python -m training.vae --data digits --out runs/digits
    python -m training.vae --data mnist --download --out runs/mnist --vae.latents 50 --train.epochs 20
    python -m training.vae --data sampled_mnist --out runs/binary --vae.latents 40 --vae.hidden 100
    python -m training.vae --data mnist --out runs/isokl --vae.posterior isokl --train.precision bfloat16
    recjax compress digits.npy digits.rjx --model runs/digits

A run that was stopped goes on from its checkpoint when the same command is given again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import rich.console
import tyro

from recjax.models.vae.evaluate import load_model, save_model
from training import data
from training.command import guarded, output_folder, require_same_run
from training.vae.config import Network, TrainConfig
from training.vae.loop import NOT_OF_THE_RUN
from training.vae.run import stated, train


@dataclass(frozen=True)
class Command:
    """The options of the command line."""

    out: Path
    """Folder for model.safetensors and checkpoint.safetensors; its name becomes the model's."""
    data: str = "digits"
    """What to train on: digits (8x8, comes with scikit-learn), mnist, or binary: binary_mnist (grey 128 and above is 1)
    and sampled_mnist (a pixel is 1 with probability grey / 255, drawn anew in every epoch)."""
    directory: Path | None = None
    """Where the MNIST files are; by default $RECJAX_DATA or the cache."""
    download: bool = False
    """Fetch MNIST from its origin if it is nowhere, and check its digest."""
    debug: bool = False
    """Show the traceback of an error."""
    vae: Network = field(default_factory=Network)
    train: TrainConfig = field(default_factory=TrainConfig)

    def run(self) -> None:
        """Train, and write the model file."""
        data.check_name(self.data)
        out = output_folder(self.out)
        splits = data.load_splits(self.data, directory=self.directory, download=self.download)
        path, run = out / "model.safetensors", stated(splits, self.vae, self.train)
        require_same_run(path, run, lambda found: load_model(found).metadata, free=NOT_OF_THE_RUN)
        trained = train(
            out.resolve().name, splits, self.vae, self.train, rich.console.Console(stderr=True), checkpoints=out
        )
        save_model(path, trained.model)
        print(f"{path}: {trained}, model {trained.model.digest[:16]}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0; 1 with a sentence on stderr; 2 for wrong usage."""
    command = tyro.cli(
        Command,
        args=arguments,
        prog="python -m training.vae",
        description=__doc__,
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    return guarded("training", command.run, debug=command.debug)
