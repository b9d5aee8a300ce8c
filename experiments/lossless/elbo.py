"""Measures -ELBO of an exact model from its integers, which is the rate that an endless bits-back chain approaches."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from experiments.provenance import mean, standard_error
from recjax.codecs.lossless.report import ideal_bits_of_chain
from recjax.models.vae.evaluate import Model

FIRST_SEED = 1 << 33
"""The seed of the first draw of latents; the next draws have the next seeds. No file is coded with these."""


class ExactBound(NamedTuple):
    """Holds -ELBO as a bits-back chain codes: integer posteriors on its grid, and integer mass functions of pixels.

    Attributes:
        bits: Bits of each image, a mean over `samples` draws of the latents.
        bits_per_dim: Mean over the images, in bits per pixel.
        standard_error: Standard error of bits_per_dim over the images; None for a single image.
        sampling_error: The part of the error that more draws would remove; None for a single draw.
        samples: The number of draws of the latents of each image.
    """

    bits: Float[np.ndarray, "images"]
    bits_per_dim: float
    standard_error: float | None
    sampling_error: float | None
    samples: int

    def facts(self) -> dict[str, float | int | None]:
        """Returns the figures for a result's JSON, with the prefix `exact_` and without those of single images."""
        return {f"exact_{name}": value for name, value in self._asdict().items() if name != "bits"}


def exact_bound(model: Model, images: UInt8[np.ndarray, "images height width"], samples: int) -> ExactBound:
    """Measures -ELBO of an exact model on images.

    Args:
        model: The model.
        images: The images, at least one.
        samples: The number of draws of the latents of each image.

    Returns:
        The bound.
    """
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
