"""Measures what learned codes save: the same searches under zeta or learned index codes, in equal or learned bins.

The mass functions are learned on training images and stored in the model file; what a model lacks for a setting is
learned here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from experiments.lossless.model_sources import Obtained
from experiments.mnist.partition import rows as partition_rows
from recjax.codecs.lossless.learned_codes import LEARNING_SEED, learn_index_counts, learn_interval_masses
from recjax.codecs.lossless.resolve import check_settings, make_settings
from recjax.models.vae.evaluate import Model
from training import data

KINDS = (("uniform", "zeta"), ("uniform", "learned"), ("learned", "learned"))
"""The codes of bins and of indices that are compared; each entry has one learned code more than the last."""


@dataclass(frozen=True)
class Codes:
    """Describes the setting for which codes are compared: partitioned ORC.

    Attributes:
        blocks: The largest number of blocks that the latents are split into.
        candidates: The number of candidates of a block, a power of two.
        learn_images: The number of training images that are searched to learn the mass functions of the indices; those
            of the bins need no search and are learned on all training images.

    Raises:
        ValueError: A value is out of range.
    """

    blocks: int = 2
    candidates: int = 1 << 12
    learn_images: int = 1000

    def __post_init__(self) -> None:
        check_settings(**self.options)
        if self.learn_images < 1:
            raise ValueError(f"learn_images must be at least 1, got {self.learn_images}; raise it.")

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments of the codec."""
        return {"method": "orc", "partition": True, "blocks": self.blocks, "candidates": self.candidates}


def plain(options: dict[str, Any]) -> dict[str, Any]:
    """Returns the options that select codes without learning, also for a model that has learned ones.

    Args:
        options: Keyword arguments of the codec.

    Returns:
        The additional keyword arguments: zeta index codes, and uniform bins if the search is partitioned.
    """
    bins = {"bin_code": "uniform"} if options.get("partition") else {}
    return {"index_code": "zeta", **bins}


def measure(
    codes: Codes,
    seeds: int,
    one: Obtained,
    images: UInt8[np.ndarray, "images height width"],
    bound_bits: Float[np.ndarray, "images"],
    folder: Path,
) -> list[dict[str, Any]]:
    """Measures the codes of KINDS on the same samples.

    Args:
        codes: The setting.
        seeds: The number of seeds, each of which codes its own images.
        one: The model with its data.
        images: The test images.
        bound_bits: -ELBO of each image, in bits.
        folder: The output folder.

    Returns:
        A row for each of KINDS, as of `rows.measure`, with the names of its codes and `learned_here`, which tells
        whether some of them were learned in this run.
    """
    model, learned = _with_codes(codes, one)
    most_candidates = codes.blocks * codes.candidates * len(images)
    rows = []
    for bins, index in KINDS:
        options = codes.options | {"bin_code": bins, "index_code": index}
        row = partition_rows.measure(options, seeds, most_candidates, images, bound_bits, model, folder)
        rows.append({"bin_code": bins, "index_code": index, "learned_here": learned, **row})
    return rows


def _with_codes(codes: Codes, one: Obtained) -> tuple[Model, bool]:
    """Returns the model with learned codes for the setting, and whether some were learned here."""
    model, learned = one.model, False
    train = data.load(one.source.data, "train").coded
    settings = make_settings(model, **codes.options, **plain(codes.options))
    assert settings is not None
    if settings.histogram not in model.index_counts:
        model, learned = learn_index_counts(model, train[: codes.learn_images], [settings], seed=LEARNING_SEED), True
    if model.interval_masses is None:
        model, learned = learn_interval_masses(model, train), True
    return model, learned
