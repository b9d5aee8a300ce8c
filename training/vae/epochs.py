"""Trains for some epochs as one compiled loop: AdamW with averaged weights, on one or more devices."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Int32, UInt8, UInt32

from recjax.models.vae import network as vae
from training.vae.config import TrainConfig
from training.vae.objectives import negative_elbo

BATCH_AXIS = "batch"
"""The axis of a mesh over which a batch is divided."""


class TrainState(NamedTuple):
    """Everything that the next epoch depends on.

    Attributes:
        params: The weights.
        optimiser: The state of the optimiser.
        average: The exponential average of the weights.
        best: The averaged weights that had the lowest validation loss.
        best_loss: That loss in bits per dimension.
        stale: The number of measurements since then.
        epoch: The number of epochs done.
        key: The raw words of the run's random key, which never changes.
    """

    params: vae.Params
    optimiser: optax.OptState
    average: vae.Params
    best: vae.Params
    best_loss: Float[Array, ""]
    stale: Int32[Array, ""]
    epoch: Int32[Array, ""]
    key: UInt32[Array, "words"]


def make_mesh(devices: int) -> Mesh:
    """Makes a mesh of devices that share every batch.

    Args:
        devices: The number of devices; the first ones that JAX sees are taken.

    Returns:
        A mesh with the axis BATCH_AXIS.

    Raises:
        ValueError: There are fewer devices.
    """
    available = jax.devices()
    if devices > len(available):
        raise ValueError(
            f"devices must be at most the {len(available)} that JAX sees here, got {devices}; lower it, or on CPUs set "
            f"XLA_FLAGS=--xla_force_host_platform_device_count={devices}."
        )
    return Mesh(np.array(available[:devices]), (BATCH_AXIS,))


def replicated(mesh: Mesh) -> NamedSharding:
    """Returns the sharding that puts a copy on every device, for weights and the images that batches are taken from.

    Args:
        mesh: The devices.

    Returns:
        The sharding.
    """
    return NamedSharding(mesh, PartitionSpec())


def make_optimiser(config: TrainConfig, steps: int) -> optax.GradientTransformation:
    """Makes the optimiser: AdamW on clipped gradients, with a cosine decay over all epochs.

    Args:
        config: The settings of training.
        steps: The number of steps of an epoch.

    Returns:
        The optimiser.
    """
    schedule = optax.cosine_decay_schedule(config.learning_rate, config.epochs * steps, alpha=0.02)

    def decayed(params):
        # log_kappa is exempt: decay would pull every KL divergence of an IsoKL posterior towards 1 nat.
        return {name: name != "log_kappa" for name in params}

    adamw = optax.adamw(schedule, weight_decay=config.weight_decay, mask=decayed)
    return optax.chain(optax.clip_by_global_norm(5.0), adamw)


def initial_state(
    vae_config: vae.VAEConfig, config: TrainConfig, optimiser: optax.GradientTransformation
) -> TrainState:
    """Makes the state before the first epoch.

    Args:
        vae_config: The shape of the VAE.
        config: The settings of training.
        optimiser: The optimiser.

    Returns:
        The state.
    """
    key_init, key = jax.random.split(jax.random.key(config.seed))
    params = vae.init(vae_config, key_init)
    zero, worst = jnp.zeros((), jnp.int32), jnp.asarray(jnp.inf, jnp.float32)
    return TrainState(params, optimiser.init(params), params, params, worst, zero, zero, jax.random.key_data(key))


def run_epochs(
    vae_config: vae.VAEConfig,
    config: TrainConfig,
    optimiser: optax.GradientTransformation,
    mesh: Mesh,
    sampled: bool,
    state: TrainState,
    x: UInt8[Array, "images pixels"],
    *,
    count: int,
) -> tuple[TrainState, Float[Array, "epochs"]]:
    """Trains for some epochs.

    Order and noise come from the run's key and the number of the epoch, so that runs resume exactly. Weights,
    likelihood and KL divergence are float32 in any precision; "bfloat16" is that of the networks' products.

    Args:
        vae_config: The shape of the VAE.
        config: The settings of training.
        optimiser: The optimiser.
        mesh: The devices that share every batch.
        sampled: Whether the images are grey and the pixels of every batch are drawn as 0 or 1; see
            `training.data.DataSet`.
        state: The state to begin with.
        x: The training images, uint8 [images, pixels].
        count: The number of epochs.

    Returns:
        The state after these epochs, and their mean losses in bits per dimension, float [count].
    """
    run_key = jax.random.wrap_key_data(state.key)
    steps = x.shape[0] // config.batch_size
    divided = NamedSharding(mesh, PartitionSpec(BATCH_AXIS))

    def loss(params, key, batch, kl_weight):
        return negative_elbo(vae_config, in_precision(params, config.precision), key, batch, kl_weight=kl_weight)

    def one_step(carry, inputs):
        params, opt_state, average, kl_weight = carry
        key, rows = inputs
        batch = jax.lax.with_sharding_constraint(x[rows], divided)
        if sampled:
            key, key_pixels = jax.random.split(key)
            batch = sample_pixels(key_pixels, batch)
        value, gradient = jax.value_and_grad(loss)(params, key, batch, kl_weight)
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


def sample_pixels(key: Array, grey: UInt8[Array, "*batch"]) -> UInt8[Array, "*batch"]:
    """Draws binary pixels, each 1 with probability grey / 255 to within 2^-16.

    Args:
        key: The random key.
        grey: The probabilities in units of 1/255, of any shape.

    Returns:
        Pixels 0 or 1, uint8, of the shape of `grey`.
    """
    ones_of_65536 = (grey.astype(jnp.int32) * 65536 + 127) // 255
    return (jax.random.bits(key, grey.shape, jnp.uint16).astype(jnp.int32) < ones_of_65536).astype(jnp.uint8)


def in_precision(params: vae.Params, precision: str) -> vae.Params:
    """Casts the weights to the precision in which the networks multiply them.

    The derivative of the cast leads back to the float32 weights.

    Args:
        params: The weights, float32.
        precision: "float32" or "bfloat16".

    Returns:
        The weights; parameters that are not weights of a network stay as they are.
    """
    if precision == "float32":
        return params
    narrow = jax.tree.map(lambda leaf: leaf.astype(precision), params)
    # log_kappa is not a weight of a network.
    return narrow | {name: value for name, value in params.items() if name == "log_kappa"}
