"""A small pixel network with random weights, and pictures for it."""

from functools import cache

import jax
import numpy as np

from recjax.models.pixel_network.context import num_inputs
from recjax.models.pixel_network.convert import convert
from recjax.models.pixel_network.floats import Parameters, initial_parameters
from recjax.models.pixel_network.model import PixelModel

HIDDEN = (8, 8)


@cache
def parameters(channels: int) -> Parameters:
    """Weights whose outputs depend on all inputs."""
    start = initial_parameters(jax.random.key(channels), channels, HIDDEN)
    keys = iter(jax.random.split(jax.random.key(7), 100))

    def shake(leaf):
        return leaf + 0.1 / np.sqrt(leaf.shape[0]) * jax.random.normal(next(keys), leaf.shape)

    return jax.tree.map(shake, start)


@cache
def model(channels: int = 3) -> PixelModel:
    """The network in integers."""
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(500, num_inputs(channels, channel))) for channel in range(channels)]
    return PixelModel(convert(parameters(channels), inputs), f"tiny-{channels}")


def picture(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """A smooth picture with some noise and an edge, uint8 [height, width] or [height, width, 3]."""
    rng = np.random.default_rng((seed, height, width, channels))
    y, x = np.mgrid[:height, :width]
    waves = 90 + 60 * np.sin(x / 5 + seed)[..., None] + 30 * np.cos(y / 7)[..., None] * np.arange(1, channels + 1)
    waves = waves + 80 * (x > width // 2)[..., None] + rng.normal(0, 4, (height, width, channels))
    pixels = np.clip(waves, 0, 255).astype(np.uint8)
    return pixels if channels == 3 else pixels[..., 0]
