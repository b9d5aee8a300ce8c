"""What learned codes win back: the same searches under zeta laws or learned ones, in equal or in learned bins.

The laws are learned on training images, and stand in the model file; where the model has none for a setting they are
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
"""Codes of bins and of indices that are compared, each with one more learned than the last."""


@dataclass(frozen=True)
class Codes:
    """The setting: partitioned ORC in so many blocks, at most, of so many candidates.

    learn_images: training images that are searched to learn the law of the indices; the bins' takes no search, and is
    learned on all.
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
    """The codes that need no learning, also for a model that has learned ones."""
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
    """A row as of `partition_rows.measure` for each of the KINDS; all code the same samples, of all images."""
    model, learned = _with_codes(codes, one)
    most_candidates = codes.blocks * codes.candidates * len(images)
    rows = []
    for bins, index in KINDS:
        options = codes.options | {"bin_code": bins, "index_code": index}
        row = partition_rows.measure(options, seeds, most_candidates, images, bound_bits, model, folder)
        rows.append({"bin_code": bins, "index_code": index, "learned_here": learned, **row})
    return rows


def _with_codes(codes: Codes, one: Obtained) -> tuple[Model, bool]:
    """The model with learned codes for the setting, and whether some were learned here."""
    model, learned = one.model, False
    train = data.load(one.source.data, "train").coded
    settings = make_settings(model, **codes.options, **plain(codes.options))
    assert settings is not None
    if settings.histogram not in model.index_counts:
        model, learned = learn_index_counts(model, train[: codes.learn_images], [settings], seed=LEARNING_SEED), True
    if model.interval_masses is None:
        model, learned = learn_interval_masses(model, train), True
    return model, learned
