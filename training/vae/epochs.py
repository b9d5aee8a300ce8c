"""Epochs as one compiled loop: AdamW with averaged weights, over the devices of a mesh, in the precision asked for."""

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
"""Of a mesh over which a batch is divided."""


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


def make_mesh(devices: int) -> Mesh:
    """The first so many devices, over which a batch is divided; ValueError if there are fewer."""
    found = jax.devices()
    if devices > len(found):
        raise ValueError(
            f"devices must be at most the {len(found)} that JAX sees here, got {devices}; lower it, or on CPUs set "
            f"XLA_FLAGS=--xla_force_host_platform_device_count={devices}."
        )
    return Mesh(np.array(found[:devices]), (BATCH_AXIS,))


def replicated(mesh: Mesh) -> NamedSharding:
    """A copy on every device: weights, and the images that batches are taken from."""
    return NamedSharding(mesh, PartitionSpec())


def make_optimiser(config: TrainConfig, steps: int) -> optax.GradientTransformation:
    """AdamW after clipping, with a cosine decay over all epochs of `steps` steps."""
    schedule = optax.cosine_decay_schedule(config.learning_rate, config.epochs * steps, alpha=0.02)

    def decayed(params):
        # Decay would pull every KL divergence of an IsoKL posterior to 1 nat.
        return {name: name != "log_kappa" for name in params}

    adamw = optax.adamw(schedule, weight_decay=config.weight_decay, mask=decayed)
    return optax.chain(optax.clip_by_global_norm(5.0), adamw)


def initial_state(
    vae_config: vae.VAEConfig, config: TrainConfig, optimiser: optax.GradientTransformation
) -> TrainState:
    """The state before the first epoch."""
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
    """`count` epochs and their mean losses in bits per dimension.

    Order and noise come from the run's key and the epoch's number, so that runs resume exactly. sampled: see
    `training.data.DataSet`; the pixels of every batch are drawn anew. Weights, likelihood and KL are float32 in any
    precision; "bfloat16" is that of the networks' products.
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
    """Binary pixels, each 1 with probability grey / 255 to within 2^-16."""
    ones_of_65536 = (grey.astype(jnp.int32) * 65536 + 127) // 255
    return (jax.random.bits(key, grey.shape, jnp.uint16).astype(jnp.int32) < ones_of_65536).astype(jnp.uint8)


def in_precision(params: vae.Params, precision: str) -> vae.Params:
    """The weights as the networks multiply them; the derivative of the cast leads back to the float32 ones."""
    if precision == "float32":
        return params
    narrow = jax.tree.map(lambda leaf: leaf.astype(precision), params)
    # What is no network's weight stays as it is.
    return narrow | {name: value for name, value in params.items() if name == "log_kappa"}
