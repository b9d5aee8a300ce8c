"""The training loop of implicit neural representations, which learns shared parameters and the prior of all latents.

This is empirical Bayes, as in RECOMBINER (arXiv:2309.17182). Every training picture has a posterior of its own.
Posteriors and shared parameters follow the gradient of the objective of `recjax.models.inr.fit`, and after each epoch
the prior becomes the best one for the posteriors, in closed form. Priors for the rates of files are fitted afterwards
(`training.inr.prior`).
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from recjax.models.inr.network import INRShape
from recjax.numerics import LOG2
from training import checkpoint
from training.inr.epoch import State, epoch, refine, start, turn
from training.vae.epochs import make_mesh, replicated


@dataclass(frozen=True)
class INRTraining:
    """The settings of training.

    Attributes:
        weight: The weight of the squared error in the objective, in nats.
        epochs: The number of passes over the pictures.
        batch_size: The number of pictures of a step.
        learning_rate: The learning rate of maps and upsampler at the start, from which it falls to 0 by a cosine.
        posterior_rates: The learning rates of posteriors, in units of the prior, in the first and the last epoch.
        warmup_epochs: The number of epochs before the prior is first fitted.
        turns: The epochs after which latents are rotated to their principal axes (`training.inr.basis`), where
            posteriors are fitted faster.
        spans: The patches per side of a square, for each level of the prior (`recjax.models.inr.hierarchy`).
        checkpoint_every: The number of epochs between checkpoints.
        seed: The seed of weights, order and noise, in [0, 2^32).
        devices: The number of devices that share every batch.
    """

    weight: float = 300.0
    epochs: int = 160
    batch_size: int = 64
    learning_rate: float = 5e-4
    posterior_rates: tuple[float, float] = (0.03, 0.005)
    warmup_epochs: int = 10
    turns: tuple[int, ...] = (12, 20, 30, 45, 60, 80, 100, 120)
    spans: tuple[int, ...] = (1,)
    checkpoint_every: int = 20
    seed: int = 0
    devices: int = 1

    def __post_init__(self) -> None:
        for name in ("weight", "epochs", "batch_size", "learning_rate", "checkpoint_every", "devices"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}; raise it.")
        if self.batch_size % self.devices:
            raise ValueError(
                f"batch_size must be a multiple of the {self.devices} devices, got {self.batch_size}; change either."
            )
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must be an integer in [0, 2^32), got {self.seed}; take it modulo 2^32.")


class Progress(NamedTuple):
    """A report of training.

    Attributes:
        epoch: The number of epochs done.
        epochs: The number of epochs in all.
        psnr: The PSNR in dB of pictures drawn from the posteriors.
        bits_per_pixel: The KL divergence in bits per pixel.
    """

    epoch: int
    epochs: int
    psnr: float
    bits_per_pixel: float


def train(
    shape: INRShape,
    pictures: np.ndarray,
    config: INRTraining,
    report: Callable[[Progress], None] = lambda progress: None,
    *,
    directory: Path | None = None,
) -> State:
    """Trains the shared parameters and the prior on pictures.

    Args:
        shape: The shape of the network.
        pictures: The pictures, uint8 [picture, height, width, channel]; those that fill no batch are left out.
        config: The settings of training.
        report: A function that is called after every epoch.
        directory: The folder of checkpoint.safetensors; None for no checkpoints. If there is one, the run goes on
            exactly where it stopped.

    Returns:
        The state after the last epoch.

    Raises:
        ValueError: There are fewer pictures than a batch takes or too few devices, or the checkpoint has another
            configuration.
        FloatingPointError: The objective is no longer finite.
    """
    mesh = make_mesh(config.devices)
    count = len(pictures) // config.batch_size * config.batch_size
    if not count:
        raise ValueError(f"a batch takes {config.batch_size} pictures, got {len(pictures)}; lower batch_size.")
    tall, wide = pictures.shape[1] // shape.height, pictures.shape[2] // shape.width
    size = pictures.shape[1] * pictures.shape[2]
    optimiser = optax.adam(
        optax.cosine_decay_schedule(config.learning_rate, config.epochs * (count // config.batch_size))
    )
    state, first = start(shape, config.spans, count, tall, wide, optimiser, config.weight, config.seed), 0
    path = None if directory is None else directory / "checkpoint.safetensors"
    if path is not None and path.is_file():
        state, document = checkpoint.restore(path, state)
        if document["config"] != _json(shape, config):
            raise ValueError(f"{path} is a checkpoint of another configuration; use another directory.")
        first = int(document["epoch"])
    every = jax.device_put(jnp.asarray(pictures[:count]), replicated(mesh))
    for number in range(first, config.epochs):
        # Order and noise come from the epoch's number, so that runs resume exactly.
        order = np.random.default_rng([config.seed, number]).permutation(count).reshape(-1, config.batch_size)
        key = jax.random.fold_in(jax.random.key(config.seed), number)
        rows = jnp.asarray(order.astype(np.int32))
        before, after = config.posterior_rates
        rate = jnp.float32(before * (after / before) ** (number / config.epochs))
        # One placement for every state, whether it is fresh, restored or rotated, so that the epoch is compiled once.
        state = jax.device_put(state, replicated(mesh))
        state, (error, nats) = epoch(shape, config.spans, optimiser, mesh, state, every, rows, key, rate)
        mse, bits = float(error) / (shape.channels * size), float(nats) / LOG2 / size
        if not (np.isfinite(mse) and np.isfinite(bits)):
            raise FloatingPointError(f"the objective left the numbers in epoch {number}; lower the learning rate.")
        if number >= config.warmup_epochs:
            state = refine(state)
        if number + 1 in config.turns:
            state = turn(shape, optimiser, state)
        report(Progress(number + 1, config.epochs, float(-10 * np.log10(mse)), bits))
        if path is not None and ((number + 1) % config.checkpoint_every == 0 or number + 1 == config.epochs):
            checkpoint.save(path, state, {"epoch": number + 1, "config": _json(shape, config)})
    return state


def _json(shape: INRShape, config: INRTraining) -> Any:
    of_the_run = {name: value for name, value in asdict(config).items() if name != "devices"}
    return json.loads(json.dumps([asdict(shape), of_the_run]))
