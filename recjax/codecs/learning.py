"""Learned codes of indices: histograms over training images, which go into the model file before it is released."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import UInt8

from recjax.codecs import lossless, relative_entropy
from recjax.codecs.plan import ZETA, Settings
from recjax.coding import integers
from recjax.models.model import Model, with_index_counts


def learn_index_counts(
    model: Model, images: UInt8[np.ndarray, "count height width"], settings: Iterable[Settings], *, seed: int = 0
) -> Model:
    """The model with a histogram of index classes for each of the settings, from encoding these training images.

    Encoders use a histogram that the model has for their settings; a file made with it needs this very model. `seed` is
    of the streams, which must not be those of the files that are measured later.
    """
    images = lossless.check_images(images, model)
    counts = dict(model.index_counts)
    for one in settings:
        # By name, as with a histogram already there the settings would ask for it.
        zeta = Settings(one.method, one.partition, one.candidates_log2, one.block_bits_q10, ZETA)
        index = relative_entropy.encode(images, model, zeta, seed=seed).code.index
        classes = np.asarray(integers.index_class(index)).reshape(-1)
        counts[one.histogram] = np.bincount(classes, minlength=integers.num_classes(one.candidates_log2))
    return with_index_counts(model, counts)
