"""Train a VAE on a data set, make it exact, and measure the rate that its files are compared with."""

import time
from dataclasses import asdict, dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import rich.console
from jaxtyping import Array, Float, UInt8
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from experiments.record import mean, standard_error
from recjax.models import vae
from recjax.models.model import Model
from training import convert, data, loop

SAMPLES = 16
"""Posterior samples per image in the estimate of -ELBO."""


@dataclass(frozen=True)
class Network:
    """Shape of the VAE; see recjax.models.vae.VAEConfig."""

    latents: int = 20
    hidden: tuple[int, ...] = (256, 256)
    dropout: float = 0.1


def train(
    name: str,
    network: Network,
    settings: loop.TrainConfig,
    images: UInt8[np.ndarray, "count height width"],
    console: rich.console.Console,
) -> tuple[Model, dict[str, Any]]:
    """A model trained on the train split of the data set, and its rates on `images`.

    The rates: -ELBO of the trained network and of its exact conversion in bits per dimension, KL in bits per image.
    """
    start = time.perf_counter()
    training, validation = data.load(name, "train"), data.load(name, "validation")
    config = vae.VAEConfig(
        image_shape=(training.images.shape[1], training.images.shape[2]),
        levels=training.levels,
        likelihood="bernoulli" if training.levels == 2 else "beta_binomial",
        **asdict(network),
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("training (compiling)", total=settings.epochs)

        def report(step: loop.Progress) -> None:
            loss, speed = f"{step.validation_loss:.3f} bits/dim", f"{step.images_per_second:,.0f} images/s"
            bar.update(task, completed=step.epoch, description=f"training: validation {loss}, {speed}, epoch")

        result = loop.fit(config, settings, training.images, validation.images, report=report)
    epochs = result.history[-1].epoch
    metadata = {"data": name, "vae": asdict(config), "train": asdict(settings), "epochs": epochs}
    model = convert.to_model(name, config, result.params, training.images, metadata)
    rates = convert.measure(config, result.params, model, images, samples=SAMPLES)
    losses = minus_elbo_bits(config, result.params, images) / config.pixels
    seconds = time.perf_counter() - start
    console.print(f"trained {epochs} epochs in {seconds:.0f} s: -ELBO {mean(losses):.3f} bits/dim on the test images")
    return model, {
        "minus_elbo_bits_per_dim": mean(losses),
        "minus_elbo_bits_per_dim_se": standard_error(losses),
        "conversion_loss": rates.exact_bits_per_dim / rates.elbo_bits_per_dim - 1.0,
        "kl_bits_per_image": rates.kl_bits,
        "active_latents": rates.active_latents,
        "latents": config.latents,
        "epochs": epochs,
    }


def minus_elbo_bits(
    config: vae.VAEConfig, params: vae.Params, images: UInt8[np.ndarray, "count height width"]
) -> Float[np.ndarray, "count"]:
    """-ELBO of each image in bits, averaged over posterior samples."""
    x = jnp.asarray(images.reshape(len(images), -1))

    @jax.jit
    def estimate(keys: Array) -> Array:
        return jax.lax.map(lambda key: -vae.elbo_terms(config, params, key, x).elbo, keys).mean(axis=0)

    return np.asarray(estimate(jax.random.split(jax.random.key(0), SAMPLES)), np.float64) / np.log(2.0)
