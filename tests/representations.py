"""Tiny representations: their sizes, their pictures, and how the models of the golden files were learned.

    python -m tests.representations

makes these models anew; files that they decode would change with them.
"""

from pathlib import Path

import numpy as np
import rich.console
from jaxtyping import UInt8

from recjax.models.inr import model as inr_model
from recjax.models.inr.model import INRModel
from recjax.models.inr.network import INRShape
from training.inr import command as representations
from training.inr.loop import INRTraining

GOLDEN = Path(__file__).parent / "golden"

TINY_SHAPE = INRShape(
    height=8, width=8, hidden=(8, 8), fourier=4, latents=(6, 6, 6), grid=(2, 2), encodings=6,
    upsampling=((6, 2), (4, 2)),
)  # fmt: skip


def waves(count: int, size: int) -> UInt8[np.ndarray, "count size size 3"]:
    """Pictures of a few waves along the axes in each colour."""
    y, x = np.mgrid[:size, :size] / size
    rng = np.random.default_rng(0)
    found = [np.sin(rng.uniform(1, 6) * along + rng.uniform(0, 6)) for _ in range(6 * count) for along in (x, y)]
    light = 0.5 + np.stack(found).reshape(count, 3, 4, size, size).sum(axis=2) / 8
    return np.moveaxis(np.rint(255 * np.clip(light, 0, 1)), 1, -1).astype(np.uint8)


def learn(spans: tuple[int, ...], count: int, size: int) -> INRModel:
    """A model of such pictures, with two priors."""
    config = INRTraining(200.0, 60, max(count // 2, 1), 1e-2, (0.1, 0.05), turns=(20,), spans=spans)
    effort = representations.Effort(count, (3.0, 6.0), (60, 20), 2)
    console = rich.console.Console(quiet=True)
    return representations.learn("tiny", "waves", waves(count, size), TINY_SHAPE, config, effort, console)


if __name__ == "__main__":
    inr_model.save_model(GOLDEN / "tiny.safetensors", learn((1,), 24, 8))
    inr_model.save_model(GOLDEN / "tiny-photo.safetensors", learn((2, 1), 6, 16))
