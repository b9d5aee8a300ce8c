"""-ELBO of an exact model, from its own integers alone: what a chain of its files comes to without an end."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from experiments.provenance import mean, standard_error
from recjax.codecs.lossless.report import ideal_bits_of_chain
from recjax.models.vae.evaluate import Model

FIRST_SEED = 1 << 33
"""Of the streams of the draws; no file is measured with these."""


class ExactBound(NamedTuple):
    """-ELBO under the integer posteriors, on the grid of the chain, and the integer masses of pixels.

    bits: per image, a mean over `samples` draws of the latents. standard_error: of bits_per_dim, over the images.
    sampling_error: the part of it that more draws would take away; None for a single draw.
    """

    bits: Float[np.ndarray, "images"]
    bits_per_dim: float
    standard_error: float | None
    sampling_error: float | None
    samples: int

    def facts(self) -> dict[str, float | int | None]:
        """For a result's JSON, without the single images."""
        return {f"exact_{name}": value for name, value in self._asdict().items() if name != "bits"}


def exact_bound(model: Model, images: UInt8[np.ndarray, "images height width"], samples: int) -> ExactBound:
    """Measure it on these images."""
    draws = np.stack([np.sum(ideal_bits_of_chain(images, model, seed=FIRST_SEED + k), axis=0) for k in range(samples)])
    bits = draws.mean(axis=0)
    return ExactBound(
        bits,
        mean(bits) / model.pixels,
        _scaled(standard_error(bits), model.pixels),
        _scaled(standard_error(draws.mean(axis=1)), model.pixels),
        samples,
    )


def _scaled(error: float | None, pixels: int) -> float | None:
    return None if error is None else error / pixels
