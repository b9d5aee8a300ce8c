"""Converts a trained pixel network to the integers that codecs evaluate."""

from collections.abc import Sequence

import jax
import numpy as np

from recjax.models.pixel_network.convert import convert as convert_channels
from recjax.models.pixel_network.exact import ExactChannel
from recjax.models.pixel_network.floats import Parameters, real_inputs
from training.pixel_network.crops import Picture, draw
from training.pixel_network.loop import pixels_of

_BATCHES, _CROPS, _SIDE = 16, 16, 32


def convert(parameters: Parameters, groups: Sequence[Sequence[Picture]]) -> tuple[ExactChannel, ...]:
    """Converts trained weights, with the scales of activations taken from crops of the training pictures.

    Args:
        parameters: The trained weights.
        groups: The pictures of each group.

    Returns:
        The networks of the channels in fixed point.

    Raises:
        ValueError: Weights are too large to be represented.
    """
    inputs: list[list[np.ndarray]] = [[] for _ in parameters]
    rng = np.random.default_rng(0)
    for _ in range(_BATCHES):
        context, values = jax.jit(pixels_of)(draw(rng, groups, _CROPS, _SIDE))
        for channel, own in enumerate(inputs):
            own.append(np.asarray(real_inputs(context, values[:, :channel])))
    return convert_channels(parameters, [np.concatenate(own) for own in inputs])
