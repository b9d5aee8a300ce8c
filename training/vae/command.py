"""Train a VAE and write it as a model that `recjax compress --model` takes.

    python -m training.vae --data digits --out runs/digits
    python -m training.vae --data scans/ --out runs/scans --vae.latents 16
    python -m training.vae --data mnist --download --out runs/mnist --vae.latents 50 --train.epochs 20
    python -m training.vae --data sampled_mnist --out runs/binary --vae.latents 40 --vae.hidden 100
    python -m training.vae --data mnist --out runs/isokl --vae.posterior isokl --train.precision bfloat16
    recjax compress digits.npy digits.rjx --model runs/digits

To continue a run that was stopped, give the same command again: it resumes from the checkpoint.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import rich.console
import tyro

from recjax.models.vae.evaluate import load_model, save_model
from training.command import guarded, output_folder, require_same_run
from training.own_images import check_source, load_splits
from training.vae.config import Network, TrainConfig
from training.vae.loop import NOT_OF_THE_RUN
from training.vae.run import stated, train


@dataclass(frozen=True)
class Command:
    """The options of the command line."""

    out: Path
    """Folder for model.safetensors and checkpoint.safetensors; it is made if needed. Its name becomes the model's."""
    data: str = "digits"
    """Data set to train on, or the path of images.
    digits: 8x8, 17 grey levels; comes with scikit-learn.
    mnist: 28x28, 256 grey levels.
    binary_mnist: MNIST with grey values of 128 and above as 1, others as 0.
    sampled_mnist: MNIST with each pixel as 1 with probability grey / 255, drawn anew in every epoch.
    PATH: images of your own, a folder of grey PNGs of one size or an .npy of uint8 [images, height, width]; a tenth of
    them validates, and a tenth tests."""
    directory: Path | None = None
    """Folder of the MNIST files; by default the one that $RECJAX_DATA names, or the cache."""
    download: bool = False
    """Fetch MNIST if it is not found, and check its digest."""
    debug: bool = False
    """Show the whole traceback of an error instead of one sentence."""
    vae: Network = field(default_factory=Network)
    """Shape of the VAE."""
    train: TrainConfig = field(default_factory=TrainConfig)
    """Settings of training."""

    def run(self) -> None:
        """Trains a VAE and writes the model file."""
        check_source(self.data)
        out = output_folder(self.out)
        splits = load_splits(self.data, directory=self.directory, download=self.download)
        path, run = out / "model.safetensors", stated(splits, self.vae, self.train)
        require_same_run(path, run, lambda model_path: load_model(model_path).metadata, free=NOT_OF_THE_RUN)
        trained = train(
            out.resolve().name, splits, self.vae, self.train, rich.console.Console(stderr=True), checkpoints=out
        )
        save_model(path, trained.model)
        print(f"{path}: {trained}, model {trained.model.digest[:16]}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command `python -m training.vae`.

    Args:
        arguments: The arguments of the command line; None for those of the process.

    Returns:
        The exit code: 0, or 1 with a sentence on stderr. Wrong usage exits with 2.
    """
    command = tyro.cli(
        Command,
        args=arguments,
        prog="python -m training.vae",
        description=__doc__,
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    return guarded("training", command.run, debug=command.debug)
