"""`python -m training`: train a VAE and write it as a model that `recjax compress --model` takes.

    python -m training --data digits --out runs/digits
    python -m training --data mnist --out runs/mnist --vae.latents 50 --train.epochs 20

A run that was stopped goes on from its checkpoint when the same command is given again.
"""

import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import tyro
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from recjax.models.model import save_model
from recjax.models.vae import VAEConfig
from training import convert, data, loop


@dataclass(frozen=True)
class Architecture:
    """Shape of the VAE; see recjax.models.vae.VAEConfig."""

    latents: int = 16
    hidden: tuple[int, ...] = (256, 256)
    dropout: float = 0.15


@dataclass(frozen=True)
class Run:
    """Train a VAE and convert it to a model file.

    data: digits, mnist or binary_mnist.
    out: directory for checkpoint.safetensors and model.safetensors.
    directory: where the MNIST files are, if not found by themselves.
    download: fetch missing data from its origin.
    """

    out: Path
    data: str = "digits"
    directory: Path | None = None
    download: bool = False
    vae: Architecture = field(default_factory=Architecture)
    train: loop.TrainConfig = field(default_factory=loop.TrainConfig)


def train(run: Run, *, progress: bool = True) -> Path:
    """Run it; returns the path of the model file."""
    splits = {
        split: data.load(run.data, split, directory=run.directory, download=run.download) for split in data.SPLITS
    }
    training = splits["train"]
    config = VAEConfig(
        image_shape=(training.images.shape[1], training.images.shape[2]),
        levels=training.levels,
        likelihood="bernoulli" if training.levels == 2 else "beta_binomial",
        **asdict(run.vae),
    )
    started = time.perf_counter()
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), disable=not progress
    ) as bar:
        task = bar.add_task("training", total=run.train.epochs)

        def report(step: loop.Progress) -> None:
            text = f"validation {step.validation_loss:.4f} bits/dim, {step.images_per_second:,.0f} images/s"
            bar.update(task, completed=step.epoch, description=text)

        result = loop.fit(
            config, run.train, training.images, splits["validation"].images, directory=run.out, report=report
        )
    metadata = {"data": run.data, "vae": asdict(config), "train": asdict(run.train)}
    model = convert.to_model(run.out.name, config, result.params, training.images, metadata)
    rates = convert.measure(
        config, result.params, model, splits["test"].images, samples=16 if run.data == "digits" else 1
    )
    metadata["test"] = rates._asdict()
    model = convert.to_model(run.out.name, config, result.params, training.images, metadata)
    path = run.out / "model.safetensors"
    save_model(path, model)
    print(
        f"{path}: -ELBO {rates.elbo_bits_per_dim:.4f} bits/dim on {len(splits['test'].images)} test images, "
        f"{rates.exact_bits_per_dim:.4f} in integers ({rates.exact_bits_per_dim / rates.elbo_bits_per_dim - 1:+.3%}); "
        f"KL {rates.kl_bits:.1f} bits per image in {rates.active_latents} active latents; "
        f"{np.round(time.perf_counter() - started)} s, model {model.digest[:16]}"
    )
    return path


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0, or 1 with a sentence on stderr."""
    run = tyro.cli(Run, args=arguments, prog="python -m training", description=__doc__)
    try:
        train(run)
    except (ValueError, FloatingPointError) as error:
        print(f"training: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
