"""Trains a pixel network on crops of pictures: one plain loop, which resumes from its checkpoint.

The direct path from inputs to locations starts at the weighted least-squares predictor; hidden layers are trained with
Muon (arXiv:2502.16982), everything else with Adam, and the weights are averaged over the last steps.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from recjax.models.pixel_network.context import MARGIN_LEFT, Context, context_of, neighbours_in
from recjax.models.pixel_network.floats import Parameters, initial_parameters, picture_bits, real_inputs
from recjax.models.pixel_network.mixture import COMPONENTS
from recjax.models.pixel_network.picture import coding_order
from training import checkpoint
from training.pixel_network.crops import Crops, Picture, draw, whole_tile

_LEAST_SQUARES_BATCHES = 64
_RESIDUAL_BOUND = 6.0
_TEST_TILE = 128


@dataclass(frozen=True)
class PixelTraining:
    """Holds the settings of training.

    Attributes:
        hidden: The number of units of each hidden layer.
        steps: The number of steps.
        batch: The number of crops of each step.
        side: The side of a crop in pixels.
        rate: The largest learning rate of Adam; that of Muon is 20 / 3 times as large.
        average: How much of the averaged weights each step keeps.
        seed: The seed of the start and of the crops.
    """

    hidden: tuple[int, ...] = (64, 64)
    steps: int = 20_000
    batch: int = 4
    side: int = 32
    rate: float = 3e-3
    average: float = 0.998
    seed: int = 0


class State(NamedTuple):
    """Holds what a step of training changes.

    Attributes:
        parameters: The weights.
        optimiser: The state of the optimisers.
        average: The averaged weights, which are the result.
        step: How many steps were taken.
    """

    parameters: Parameters
    optimiser: Any
    average: Parameters
    step: Array


Report = Callable[[int, float, float], None]
"""Called with the number of steps taken, the mean training loss since the last call, and that of the pictures held out,
both in bits per channel and pixel."""


def train(
    groups: Sequence[Sequence[Picture]],
    tests: Sequence[Picture],
    config: PixelTraining,
    report: Report,
    *,
    every: int = 1000,
    directory: Path | None = None,
) -> Parameters:
    """Trains a network.

    Args:
        groups: The pictures of each group, uint8 [height, width, channels].
        tests: Pictures to measure on while training.
        config: The settings.
        report: Called after every `every` steps.
        every: How many steps lie between two reports and two checkpoints.
        directory: The folder of the checkpoint, from which a run resumes; None for no checkpoints.

    Returns:
        The averaged weights.

    Raises:
        FloatingPointError: The loss is no longer finite.
    """
    channels = groups[0][0].shape[-1]
    parameters = initial_parameters(jax.random.key(config.seed), channels, config.hidden)
    optimiser = _optimiser(config, parameters)
    state = State(parameters, optimiser.init(parameters), parameters, jnp.zeros((), jnp.int32))
    path = None if directory is None else directory / "checkpoint.safetensors"
    if path is not None and path.exists():
        state, _ = checkpoint.restore(path, state)
    else:
        parameters = least_squares(parameters, groups, config)
        state = State(parameters, optimiser.init(parameters), parameters, state.step)
    step = jax.jit(partial(_step, optimiser, config.average))
    losses, start = [], int(state.step)
    for number, crops in zip(range(start, config.steps), _stream(groups, config, start), strict=False):
        state, loss = step(state, crops)
        losses.append(loss)
        if (number + 1) % every == 0 or number + 1 == config.steps:
            mean = float(np.mean(jax.device_get(losses)))
            if not np.isfinite(mean):
                raise FloatingPointError(f"the loss is {mean} after {number + 1} steps; lower the learning rate.")
            report(number + 1, mean, measure(state.average, tests))
            losses = []
            if path is not None:
                checkpoint.save(path, state, {})
    return state.average


def measure(parameters: Parameters, tests: Sequence[Picture]) -> float:
    """Measures the rate of a network on tiles from the middles of pictures.

    Args:
        parameters: The weights.
        tests: The pictures.

    Returns:
        The mean codelength in bits per channel and pixel.
    """
    side = min(_TEST_TILE, *(size for picture in tests for size in picture.shape[:2]))
    return float(np.mean([_bits(parameters, whole_tile(picture, side)) for picture in tests]))


def least_squares(parameters: Parameters, groups: Sequence[Sequence[Picture]], config: PixelTraining) -> Parameters:
    """Starts the direct paths to the locations at the least-squares predictors.

    Residuals count in units of the local activity, so that flat and busy places weigh alike.

    Args:
        parameters: The weights.
        groups: The pictures of each group.
        config: The settings.

    Returns:
        The weights with these paths.
    """
    sums: list[Any] = [(0.0, 0.0)] * len(parameters)
    for _, crops in zip(range(_LEAST_SQUARES_BATCHES), _stream(groups, config, 0), strict=False):
        for channel, pair in enumerate(_moments(crops)):
            own = zip(sums[channel], pair, strict=True)
            sums[channel] = tuple(total + np.asarray(part, np.float64) for total, part in own)
    result = {}
    for channel, (squares, products) in enumerate(sums):
        ridge = 1e-5 * np.trace(squares) / len(squares) * np.eye(len(squares))
        weights = np.linalg.solve(squares + ridge, products).astype(np.float32)
        own = parameters[f"channel{channel}"]
        result[f"channel{channel}"] = own | {
            "skip": own["skip"].at[:, :COMPONENTS].set(weights[:-1, None]),
            "bias_out": own["bias_out"].at[:COMPONENTS].add(weights[-1]),
        }
    return result


@jax.jit
def _moments(crops: Crops) -> list[tuple[Array, Array]]:
    """Sums the products of inputs with each other and with what they are to predict."""
    context, values = pixels_of(crops)
    unit = context.activity.astype(jnp.float32) / 64
    result = []
    for channel in range(values.shape[-1]):
        inputs = real_inputs(context, values[:, :channel])
        inputs = jnp.concatenate([inputs, jnp.ones_like(inputs[:, :1])], -1)
        target = (values[:, channel] - context.base[:, channel] / 4) / unit
        target = jnp.clip(target, -_RESIDUAL_BOUND, _RESIDUAL_BOUND)
        result.append((inputs.T @ inputs, inputs.T @ target))
    return result


def pixels_of(crops: Crops) -> tuple[Context, Array]:
    """Computes the contexts of all pixels of crops.

    Args:
        crops: The crops.

    Returns:
        The contexts, and the pixels with their channels in the order of coding, both with all pixels along one axis.
    """
    padded = coding_order(jnp.asarray(crops.padded))
    neighbours = neighbours_in(padded)
    shape = neighbours[0].shape[:-1]
    row, column = (jnp.arange(size, dtype=jnp.int32) for size in shape[1:])
    row = jnp.broadcast_to(crops.row[:, None, None] + row[:, None], shape)
    column = jnp.broadcast_to(crops.column[:, None, None] + column, shape)
    width = jnp.broadcast_to(crops.width[:, None, None], shape)
    context = context_of(neighbours, row, column, width)
    values = padded[:, -shape[1] :, MARGIN_LEFT : MARGIN_LEFT + shape[2]]
    return jax.tree.map(lambda part: part.reshape(-1, *part.shape[3:]), (context, values))


def _mean_bits(parameters: Parameters, crops: Crops) -> Float[Array, ""]:
    context, values = pixels_of(crops)
    return picture_bits(parameters, context, values).mean()


_bits = jax.jit(_mean_bits)


def _step(optimiser: optax.GradientTransformation, average: float, state: State, crops: Crops) -> tuple[State, Array]:
    loss, gradient = jax.value_and_grad(_mean_bits)(state.parameters, crops)
    updates, optimiser_state = optimiser.update(gradient, state.optimiser, state.parameters)
    parameters: Any = optax.apply_updates(state.parameters, updates)
    # Early averages are short, so that the start is soon forgotten.
    keep = jnp.minimum(average, (state.step + 1) / (state.step + 10))
    averaged = jax.tree.map(lambda old, new: keep * old + (1 - keep) * new, state.average, parameters)
    return State(parameters, optimiser_state, averaged, state.step + 1), loss


def _optimiser(config: PixelTraining, parameters: Parameters) -> optax.GradientTransformation:
    def schedule(peak: float):
        warm = min(100, config.steps // 10 + 1)
        return optax.warmup_cosine_decay_schedule(0.1 * peak, peak, warm, max(config.steps, warm + 1), 0.01 * peak)

    labels = {
        channel: {name: "muon" if name.startswith("hidden") else "adam" for name in own}
        for channel, own in parameters.items()
    }
    adam = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(schedule(config.rate), b2=0.99))
    muon = optax.contrib.muon(schedule(config.rate * 20 / 3), weight_decay=0.0)
    return optax.multi_transform({"muon": muon, "adam": adam}, labels)


def _stream(groups: Sequence[Sequence[Picture]], config: PixelTraining, start: int) -> Iterator[Crops]:
    """Draws the crops of each step in a thread of its own; those of a step depend on its number alone."""
    queue: Queue[Crops] = Queue(8)

    def feed() -> None:
        for number in range(start, config.steps):
            queue.put(draw(np.random.default_rng((config.seed, number)), groups, config.batch, config.side))

    Thread(target=feed, daemon=True).start()
    for _ in range(start, config.steps):
        yield queue.get()
