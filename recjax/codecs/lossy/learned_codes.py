"""Learned codes of the indices of representations, which go into the model file before it is released."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

import numpy as np
from jaxtyping import UInt8

from recjax.codecs.lossy import encode as inr
from recjax.codecs.lossy.encode import Effort, Facts
from recjax.codecs.lossy.plan import ZETA, INRSettings
from recjax.coding import integers
from recjax.models.inr.model import INRModel, with_index_counts

LEARNING_SEED = 1 << 32
"""Of the streams that codes are learned on; no file is measured with it."""


def learn_index_counts(
    model: INRModel,
    pictures: UInt8[np.ndarray, "picture y x channel"],
    settings: Iterable[tuple[INRSettings, Effort]],
    *,
    batch: int = 64,
    progress: Callable[[str, int, Facts], None] | None = None,
) -> INRModel:
    """The model with a histogram of index classes for each of the settings, from searches for training pictures.

    Blocks of all priors and levels are filled alike, so that one histogram serves them: it is of searches at every
    prior. `progress` hears the histogram's name, the number of the prior, and how far its search is.
    """
    counts = dict(model.index_counts)
    for one, effort in settings:
        classes = integers.num_classes(one.candidates_log2)
        seen = np.zeros(classes, np.int64)
        for prior in range(len(model.means)):
            zeta = replace(one, index_code=ZETA, prior=prior)
            for start in range(0, len(pictures), batch):
                part = pictures[start : start + batch]
                told = partial(progress, one.histogram, prior) if progress else None
                # Streams of their own for each batch: the histogram should not tell of one.
                sent = inr.search(
                    part, model, zeta, effort, weight=model.weights[prior], seed=LEARNING_SEED + start, progress=told
                )
                for found in sent.found:
                    index = np.asarray(integers.index_class(found.index)).ravel()
                    seen += np.bincount(index, minlength=classes)[:classes]
        counts[one.histogram] = seen.astype(np.int32)
    return with_index_counts(model, counts)
