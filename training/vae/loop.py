"""The training loop of VAEs: epochs with measurements between them, early stopping and exact resuming."""

import functools
import time
from collections.abc import Callable
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt8

from recjax.models.vae import network as vae
from training import checkpoint
from training.vae.config import TrainConfig
from training.vae.epochs import TrainState, initial_state, make_mesh, make_optimiser, replicated, run_epochs
from training.vae.objectives import evaluate

NOT_OF_THE_RUN = ("devices", "weight_bits")
"""Settings of TrainConfig that may change when a run is resumed."""


class Progress(NamedTuple):
    """A report of the training loop.

    Attributes:
        epoch: The number of epochs done.
        train_loss: The mean training loss since the last report, in bits per dimension.
        validation_loss: The negative ELBO on the validation images, in bits per dimension.
        images_per_second: The training speed, with the measurement in the time.
    """

    epoch: int
    train_loss: float
    validation_loss: float
    images_per_second: float


class TrainResult(NamedTuple):
    """The result of a training run.

    Attributes:
        params: The averaged weights that had the lowest validation loss.
        validation_loss: That loss in bits per dimension.
        history: All reports, oldest first.
    """

    params: vae.Params
    validation_loss: float
    history: list[Progress]


def fit(
    vae_config: vae.VAEConfig,
    config: TrainConfig,
    train_images: UInt8[np.ndarray, "images height width"],
    validation_images: UInt8[np.ndarray, "images height width"],
    *,
    sampled: bool = False,
    directory: str | Path | None = None,
    report: Callable[[Progress], None] | None = None,
) -> TrainResult:
    """Trains a VAE until the epochs or the patience run out.

    Args:
        vae_config: The shape of the VAE.
        config: The settings of training.
        train_images: The training images, uint8 [images, height, width].
        validation_images: The validation images as they are coded, uint8 [images, height, width].
        sampled: Whether the training images are grey and each of their pixels is drawn as 0 or 1 in every step; see
            `training.data.DataSet`.
        directory: The folder of checkpoint.safetensors; None for no checkpoints. If there is one, the run goes on
            exactly where it stopped (on another number of devices, up to the rounding of sums).
        report: A function that is called after every measurement; None for no reports.

    Returns:
        The best weights, their loss, and the history.

    Raises:
        ValueError: Batches are larger than the training images, there are too few devices, or the checkpoint has
            another configuration.
        FloatingPointError: The loss is no longer finite; the last checkpoint stays as it is.
    """
    if config.batch_size > len(train_images):
        raise ValueError(
            f"batch_size must be at most the {len(train_images)} training images, got {config.batch_size}; lower it."
        )
    mesh = make_mesh(config.devices)
    steps = len(train_images) // config.batch_size
    optimiser = make_optimiser(config, steps)
    state, history = initial_state(vae_config, config, optimiser), []
    document = _document(vae_config, config, images=len(train_images), sampled=sampled)
    path = None if directory is None else Path(directory) / "checkpoint.safetensors"
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            state, history = _resume(path, state, document)
    x, x_validation = (
        jax.device_put(images.reshape(len(images), -1), replicated(mesh))
        for images in (train_images, validation_images)
    )
    advance = jax.jit(
        functools.partial(run_epochs, vae_config, config, optimiser, mesh, sampled), static_argnames="count"
    )
    validate = jax.jit(functools.partial(evaluate, vae_config))
    while int(state.epoch) < config.epochs and int(state.stale) < config.patience:
        started = time.perf_counter()
        count = min(config.validate_every, config.epochs - int(state.epoch))
        # Arrays have another placement after the first call; without this everything would be compiled again.
        state, losses = advance(jax.device_put(state, replicated(mesh)), x, count=count)
        train_loss, loss = float(losses.mean()), float(validate(state.average, x_validation))
        if not np.isfinite(train_loss) or not np.isfinite(loss):
            raise FloatingPointError(
                f"the loss became {loss if np.isfinite(train_loss) else train_loss} by epoch {int(state.epoch)}; lower "
                "the learning rate or change the seed."
            )
        state = _keep_best(state, loss, config.kl_warmup_epochs)
        seconds = time.perf_counter() - started
        history.append(Progress(int(state.epoch), train_loss, loss, count * steps * config.batch_size / seconds))
        if path is not None:
            checkpoint.save(path, state, {**document, "history": history})
        if report is not None:
            report(history[-1])
    return TrainResult(jax.tree.map(jnp.asarray, jax.device_get(state.best)), float(state.best_loss), history)


def _resume(path: Path, like: TrainState, document: dict[str, Any]) -> tuple[TrainState, list[Progress]]:
    """Reads state and history from a checkpoint; ValueError if its run had another configuration."""
    state, saved = checkpoint.restore(path, like)
    # A setting that the checkpoint does not state was added later: its run had the default.
    known: dict[str, Any] = {"sampled": False} | saved
    known["vae"] = _defaults(vae.VAEConfig) | known.get("vae", {})
    free = {name: document["train"][name] for name in NOT_OF_THE_RUN}
    known["train"] = _defaults(TrainConfig) | known.get("train", {}) | free
    if {key: known.get(key) for key in document} != document:
        raise ValueError(f"{path} is of a run with another configuration; use another directory.")
    return state, [Progress(*row) for row in saved["history"]]


def _document(vae_config: vae.VAEConfig, config: TrainConfig, **rest: Any) -> dict[str, Any]:
    return {"vae": _jsonable(asdict(vae_config)), "train": _jsonable(asdict(config)), **rest}


def _defaults(schema: type) -> dict[str, Any]:
    return _jsonable({field.name: field.default for field in fields(schema) if field.default is not MISSING})


def _jsonable(values: dict[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


def _keep_best(state: TrainState, loss: float, warmup_epochs: int) -> TrainState:
    better = loss < float(state.best_loss)
    # While the weight of the KL divergence still rises, training minimises another loss, so patience is not spent.
    stale = 0 if better or int(state.epoch) <= warmup_epochs else int(state.stale) + 1
    return state._replace(
        best=state.average if better else state.best,
        best_loss=jnp.asarray(min(loss, float(state.best_loss)), jnp.float32),
        stale=jnp.asarray(stale, jnp.int32),
    )
