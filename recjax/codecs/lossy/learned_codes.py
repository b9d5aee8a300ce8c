"""Learns the codes of the indices of lossy files from training pictures; they become a part of the model file."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

import numpy as np
from jaxtyping import UInt8

from recjax.codecs.lossy import encode as inr
from recjax.codecs.lossy.encode import Effort, EncoderProgress
from recjax.codecs.lossy.plan import ZETA, INRSettings
from recjax.coding import integers
from recjax.models.inr.model import INRModel, with_index_counts

LEARNING_SEED = 1 << 32
"""Seed of the first batch's streams on which codes are learned; no rate is measured with these streams."""


def learn_index_counts(
    model: INRModel,
    pictures: UInt8[np.ndarray, "picture y x channel"],
    settings: Iterable[tuple[INRSettings, Effort]],
    *,
    batch: int = 64,
    progress: Callable[[str, int, EncoderProgress], None] | None = None,
) -> INRModel:
    """Learns histograms of the classes of indices from searches for training pictures.

    Blocks of all priors and levels are filled alike, so one histogram serves them all: it counts searches with every
    prior.

    Args:
        model: The model.
        pictures: Training pictures.
        settings: The settings to learn a code for, each with the effort of its searches.
        batch: Number of pictures that are searched for together, with streams of their own.
        progress: Called with the name of the histogram, the number of the prior, and an `EncoderProgress`; None
            reports nothing.

    Returns:
        The model with a histogram for each of the settings.
    """
    counts = dict(model.index_counts)
    for setting, effort in settings:
        classes = integers.num_classes(setting.candidates_log2)
        seen = np.zeros(classes, np.int64)
        for prior in range(len(model.means)):
            zeta = replace(setting, index_code=ZETA, prior=prior)
            for start in range(0, len(pictures), batch):
                part = pictures[start : start + batch]
                report = partial(progress, setting.histogram, prior) if progress else None
                # Each batch has streams of its own, so that the histogram does not describe those of one seed.
                sent = inr.search(
                    part, model, zeta, effort, weight=model.weights[prior], seed=LEARNING_SEED + start, progress=report
                )
                for level in sent.found:
                    index = np.asarray(integers.index_class(level.index)).ravel()
                    seen += np.bincount(index, minlength=classes)[:classes]
        counts[setting.histogram] = seen.astype(np.int32)
    return with_index_counts(model, counts)
