"""The training loop: AdamW over `lax.scan` epochs, with averaged weights, early stopping and exact resume."""

import functools
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int32, UInt8, UInt32

from recjax.models import vae
from training import checkpoint
from training.config import TrainConfig
from training.objectives import evaluate, negative_elbo


class TrainState(NamedTuple):
    """All that the next epoch depends on. key: raw words of the run's random key, which never changes."""

    params: vae.Params
    optimiser: optax.OptState
    average: vae.Params
    best: vae.Params
    best_loss: Float[Array, ""]
    stale: Int32[Array, ""]
    epoch: Int32[Array, ""]
    key: UInt32[Array, "words"]


class Progress(NamedTuple):
    """One report of the loop: losses in bits per dimension, speed in images per second."""

    epoch: int
    train_loss: float
    validation_loss: float
    images_per_second: float


class TrainResult(NamedTuple):
    """params: the averaged weights with the lowest validation loss. history: every report, oldest first."""

    params: vae.Params
    validation_loss: float
    history: list[Progress]


def fit(
    vae_config: vae.VAEConfig,
    config: TrainConfig,
    train_images: UInt8[np.ndarray, "images height width"],
    validation_images: UInt8[np.ndarray, "images height width"],
    *,
    directory: str | Path | None = None,
    report: Callable[[Progress], None] | None = None,
) -> TrainResult:
    """Train until the epochs or the patience run out.

    directory: where checkpoint.safetensors is kept; a run that finds one there goes on exactly where it stopped.
    report: called after every measurement.
    ValueError if batches are larger than the split or the checkpoint is of another configuration; FloatingPointError
    once the loss is no longer finite.
    """
    if config.batch_size > len(train_images):
        raise ValueError(
            f"batch_size must be at most the {len(train_images)} training images, got {config.batch_size}; lower it."
        )
    x, x_validation = (jnp.asarray(a.reshape(len(a), -1)) for a in (train_images, validation_images))
    steps = len(x) // config.batch_size
    optimiser = _optimiser(config, steps)
    state, history = _initial_state(vae_config, config, optimiser), []
    document = {"vae": _jsonable(vae_config), "train": _jsonable(config), "images": len(x)}
    path = None if directory is None else Path(directory) / "checkpoint.safetensors"
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            state, history = _resume(path, state, document)
    run_epochs = jax.jit(functools.partial(_epochs, vae_config, config, optimiser, steps), static_argnames="count")
    validate = jax.jit(functools.partial(evaluate, vae_config))
    while int(state.epoch) < config.epochs and int(state.stale) < config.patience:
        started = time.perf_counter()
        count = min(config.validate_every, config.epochs - int(state.epoch))
        state, losses = run_epochs(state, x, count=count)
        train_loss, loss = float(losses.mean()), float(validate(state.average, x_validation))
        if not np.isfinite(train_loss) or not np.isfinite(loss):
            raise FloatingPointError(
                f"the loss became {train_loss} by epoch {int(state.epoch)}; lower the learning rate or change the seed."
            )
        state = _keep_best(state, loss, config.kl_warmup_epochs)
        seconds = time.perf_counter() - started
        history.append(Progress(int(state.epoch), train_loss, loss, count * steps * config.batch_size / seconds))
        if path is not None:
            checkpoint.save(path, state, {**document, "history": history})
        if report is not None:
            report(history[-1])
    return TrainResult(state.best, float(state.best_loss), history)


def _resume(path: Path, like: TrainState, document: dict[str, Any]) -> tuple[TrainState, list[Progress]]:
    """State and history of a checkpoint; ValueError if its run had another configuration."""
    state, found = checkpoint.restore(path, like)
    if {key: found.get(key) for key in document} != document:
        raise ValueError(f"{path} is of a run with another configuration; use another directory.")
    return state, [Progress(*row) for row in found["history"]]


def _jsonable(config: Any) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(config).items()}


def _optimiser(config: TrainConfig, steps: int) -> optax.GradientTransformation:
    schedule = optax.cosine_decay_schedule(config.learning_rate, config.epochs * steps, alpha=0.02)
    return optax.chain(optax.clip_by_global_norm(5.0), optax.adamw(schedule, weight_decay=config.weight_decay))


def _initial_state(
    vae_config: vae.VAEConfig, config: TrainConfig, optimiser: optax.GradientTransformation
) -> TrainState:
    key_init, key = jax.random.split(jax.random.key(config.seed))
    params = vae.init(vae_config, key_init)
    zero, worst = jnp.zeros((), jnp.int32), jnp.asarray(jnp.inf, jnp.float32)
    return TrainState(params, optimiser.init(params), params, params, worst, zero, zero, jax.random.key_data(key))


def _keep_best(state: TrainState, loss: float, warmup_epochs: int) -> TrainState:
    better = loss < float(state.best_loss)
    # While the KL's weight still rises, the loss is not yet what is being minimised: no patience is spent.
    stale = 0 if better or int(state.epoch) <= warmup_epochs else int(state.stale) + 1
    return state._replace(
        best=state.average if better else state.best,
        best_loss=jnp.asarray(min(loss, float(state.best_loss)), jnp.float32),
        stale=jnp.asarray(stale, jnp.int32),
    )


def _epochs(
    vae_config: vae.VAEConfig,
    config: TrainConfig,
    optimiser: optax.GradientTransformation,
    steps: int,
    state: TrainState,
    x: UInt8[Array, "images pixels"],
    *,
    count: int,
) -> tuple[TrainState, Float[Array, "epochs"]]:
    """`count` epochs; order and noise come from the run's key and the epoch's number, so that runs resume exactly."""
    run_key = jax.random.wrap_key_data(state.key)

    def loss(params, key, batch, kl_weight):
        return negative_elbo(vae_config, params, key, batch, kl_weight=kl_weight)

    def one_step(carry, inputs):
        params, opt_state, average, kl_weight = carry
        key, rows = inputs
        value, gradient = jax.value_and_grad(loss)(params, key, x[rows], kl_weight)
        updates, opt_state = optimiser.update(gradient, opt_state, params)
        params = optax.apply_updates(params, updates)
        average = jax.tree.map(lambda old, new: config.average * old + (1 - config.average) * new, average, params)
        return (params, opt_state, average, kl_weight), value

    def one_epoch(state, _):
        key_order, key_noise = jax.random.split(jax.random.fold_in(run_key, state.epoch))
        order = jax.random.permutation(key_order, x.shape[0])[: steps * config.batch_size]
        kl_weight = jnp.minimum(1.0, (state.epoch + 1) / jnp.float32(max(config.kl_warmup_epochs, 1)))
        carry = (state.params, state.optimiser, state.average, kl_weight)
        inputs = (jax.random.split(key_noise, steps), order.reshape(steps, config.batch_size))
        (params, opt_state, average, _), values = jax.lax.scan(one_step, carry, inputs)
        state = state._replace(params=params, optimiser=opt_state, average=average, epoch=state.epoch + 1)
        return state, values.mean()

    return jax.lax.scan(one_epoch, state, None, length=count)
