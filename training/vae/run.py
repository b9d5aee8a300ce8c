"""Carries out a training run: from the splits of a data set to an exact model whose card states its measured rates."""

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
"""The number of posterior samples per image in a measurement."""


class Trained(NamedTuple):
    """A trained model, and what the training took; as text it is a report.

    Attributes:
        model: The exact model.
        rates: Its rates on the test images.
        epochs: The number of epochs until training stopped.
        seconds: The time of the whole run in seconds.
        dropped_latents: The number of trained latents that carried no information and were removed.
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
    """Trains a VAE, removes latents without information, makes it exact, and measures both models on the test split.

    Args:
        name: The name of the model.
        splits: The splits of the data set by name: "train", "validation" and "test".
        network: The shape of the network.
        settings: The settings of training.
        console: Where the progress of training is shown.
        checkpoints: The folder of the checkpoint, from which a run resumes; None for no checkpoints.
        samples: The number of posterior samples for each test image.

    Returns:
        The model and its rates.
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
    """Collects what the card of a model says about the run that makes it.

    Args:
        splits: The splits of the data set by name.
        network: The shape of the network.
        settings: The settings of training.

    Returns:
        The data set, the shape of the VAE and the settings, of types that JSON has.
    """
    vae = vae_config(splits["train"], network)
    return {"data": splits["train"].name, "vae": asdict(vae), "train": asdict(settings)}


def vae_config(data: DataSet, network: Network) -> VAEConfig:
    """Makes the shape of the VAE for the images of a data set.

    Args:
        data: A split of the data set.
        network: The shape of the network.

    Returns:
        The shape of the VAE; the likelihood "auto" becomes "bernoulli" for 2 levels and "beta_binomial" for more.
    """
    usual = "bernoulli" if data.levels == 2 else "beta_binomial"
    stated = asdict(network)
    if network.likelihood == "auto":
        stated["likelihood"] = usual
    shape = (data.images.shape[1], data.images.shape[2])
    return VAEConfig(image_shape=shape, levels=data.levels, **stated)


@contextmanager
def _progress(console: rich.console.Console, epochs: int) -> Iterator[Callable[[loop.Progress], None]]:
    """Shows a progress bar on a terminal, and a line for each report elsewhere."""
    # Training may stop early, so the remaining time is an upper bound.
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
