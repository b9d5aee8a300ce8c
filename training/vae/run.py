"""One training run: from the splits of a data set to an exact model that states its measured rates."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import rich.console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from recjax.models.vae.config import VAEConfig
from recjax.models.vae.evaluate import Model
from training.data import DataSet
from training.vae import convert, loop
from training.vae.config import Network, TrainConfig
from training.vae.prune import prune

SAMPLES = 16
"""Posterior samples per image of a measurement."""


class Trained(NamedTuple):
    """A model and what it took: rates on the test images, epochs until the training stopped, seconds in all.

    dropped_latents: those that were trained and carry no information, so that the model does not have them.
    """

    model: Model
    rates: convert.Rates
    epochs: int
    seconds: float
    dropped_latents: int

    def __str__(self) -> str:
        rates = self.rates
        dropped = f" ({self.dropped_latents} without information dropped)" if self.dropped_latents else ""
        return (
            f"-ELBO {rates.elbo_bits_per_dim:.4f} bits/dim on {rates.images:,} test images, "
            f"{rates.exact_bits_per_dim:.4f} in integers ({rates.conversion_loss:+.3%}); "
            f"KL {rates.kl_bits:.1f} bits per image in {rates.active_latents} active latents{dropped}; "
            f"{self.epochs} epochs, {self.seconds:.0f} s"
        )


def train(
    name: str,
    splits: Mapping[str, DataSet],
    network: Network,
    settings: TrainConfig,
    console: rich.console.Console,
    *,
    checkpoints: Path | None = None,
    samples: int = SAMPLES,
) -> Trained:
    """Fit a VAE to the train split, drop what carries nothing, make it exact, and measure both on the test split.

    name: of the model. checkpoints: folder of a run that can be resumed. samples: of the posterior, for each test
    image. The console shows how the training goes.
    """
    start = time.perf_counter()
    images, test = splits["train"].coded, splits["test"].coded
    config = vae_config(splits["train"], network)
    with _progress(console, settings.epochs) as report:
        fitted = loop.fit(
            config,
            settings,
            splits["train"].images,
            splits["validation"].coded,
            sampled=splits["train"].sampled,
            directory=checkpoints,
            report=report,
        )
    smaller = prune(config, fitted.params, images)
    model = convert.to_model(name, smaller.config, smaller.params, images, weight_bits=settings.weight_bits)
    rates = convert.measure(smaller.config, smaller.params, model, test, samples=samples)
    epochs, dropped = fitted.history[-1].epoch, config.latents - model.latents
    card = {
        **stated(splits, network, settings),
        "epochs": epochs,
        "dropped_latents": dropped,
        "test": {**rates._asdict(), "samples": samples},
    }
    return Trained(convert.with_card(model, card), rates, epochs, time.perf_counter() - start, dropped)


def stated(splits: Mapping[str, DataSet], network: Network, settings: TrainConfig) -> dict[str, Any]:
    """What the card of a model says of the run that makes it."""
    vae = vae_config(splits["train"], network)
    return {"data": splits["train"].name, "vae": asdict(vae), "train": asdict(settings)}


def vae_config(data: DataSet, network: Network) -> VAEConfig:
    """The VAE of this shape for the images of a data set."""
    usual = "bernoulli" if data.levels == 2 else "beta_binomial"
    stated = asdict(network)
    if network.likelihood == "auto":
        stated["likelihood"] = usual
    shape = (data.images.shape[1], data.images.shape[2])
    return VAEConfig(image_shape=shape, levels=data.levels, **stated)


@contextmanager
def _progress(console: rich.console.Console, epochs: int) -> Iterator[Callable[[loop.Progress], None]]:
    """A bar on a terminal; a line for each report in a log file."""
    # Training may stop early.
    remaining = (TextColumn("at most"), TimeRemainingColumn())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *remaining)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("training (compiling)", total=epochs)

        def report(step: loop.Progress) -> None:
            text = f"validation {step.validation_loss:.3f} bits/dim, {step.images_per_second:,.0f} images/s"
            bar.update(task, completed=step.epoch, description=f"training: {text}, epoch")
            if not console.is_terminal:
                console.print(f"epoch {step.epoch}: {text}", highlight=False)

        yield report
