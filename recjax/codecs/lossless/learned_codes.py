"""Learns the codes of indices, depths and intervals from training images; they become a part of the model file.

The cost of a code is a cross entropy: it exceeds the entropy by the divergence of the coded distribution from the true
one. For indices and depths, the distribution is counted on training images that were encoded. For intervals, it is
their mass under the aggregate posterior, the mean of the training images' posteriors: the intervals have equal masses
only under the prior.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, UInt8

from recjax import randomness, rec
from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless import relative_entropy
from recjax.codecs.lossless.plan import make_plan, targets
from recjax.codecs.lossless.relative_entropy import Progress
from recjax.codecs.lossless.settings import ZETA, Settings
from recjax.coding import integers
from recjax.coding.rans import TOTAL_MASS
from recjax.distributions.normal import Normal
from recjax.models.vae import evaluate as models
from recjax.models.vae.evaluate import Model, with_index_counts, with_interval_masses
from recjax.rec import Code, Path

LEARNING_SEED = 1 << 32
"""Seed of the streams on which the codes of released models are learned; no rate is measured with it."""

_UNITS, _ZETA_IMAGES = 64, 32


def learn_index_counts(
    model: Model,
    images: UInt8[np.ndarray, "count height width"],
    settings: Iterable[Settings],
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Model:
    """Learns histograms of the classes of indices or depths from searches for training images.

    Every image has streams of its own here. In a file all images share streams, and a histogram of such a file would
    describe these streams. A histogram has a row for each block, or for each latent where latents go one by one, and
    counts in units of 1/64 image. To the training images it adds 32 that follow the zeta distribution, so that a code
    learned from few images is hardly worse than the zeta code. Encoders use the histogram that the model has for their
    settings; a file made with it can only be decoded with this very model.

    Args:
        model: The model.
        images: Training images.
        settings: The settings to learn a code for.
        seed: The seed of the streams.
        progress: Called with the number of images searched for and the number of all, from 0 again for each of the
            settings.

    Returns:
        The model with a histogram for each of the settings.
    """
    flat = lossless.check_images(images, model).reshape(len(images), model.pixels)
    counts = dict(model.index_counts)
    for setting in settings:
        # The settings may ask for a learned code, which is only made here.
        zeta = replace(setting, index_code=ZETA)
        # The last class is the escape, for which nothing is counted.
        prior = make_plan(model, zeta).masses[:, :-1] / TOTAL_MASS
        seen = sum(count_classes(code, prior.shape[1]) for code in _codes(model, zeta, flat, seed, progress))
        counts[setting.histogram] = np.rint(_UNITS * (seen + _ZETA_IMAGES * prior))
    return with_index_counts(model, counts)


def _codes(
    model: Model, settings: Settings, flat: np.ndarray, seed: int, progress: Progress | None
) -> Iterator[Code | Path]:
    """Yields the codes of images [image, pixels], batch by batch."""
    plan, key = make_plan(model, settings), randomness.key(seed)
    for start in range(0, len(flat), relative_entropy.BATCH):
        batch = flat[start : start + relative_entropy.BATCH]
        q = targets(model, plan, relative_entropy.pad(batch))
        key_of_batch = randomness.fold_in(key, randomness.MEASUREMENT, start)
        code = rec.encode(plan.algorithm, key_of_batch, q, Normal(0.0, 1.0), bins=plan.bins).code
        yield type(code)(*(np.asarray(leaf)[: len(batch)] for leaf in code))
        if progress:
            progress(start + len(batch), len(flat))


def count_classes(code: Code | Path, classes: int) -> Int[np.ndarray, "blocks classes"]:
    """Counts the images whose index of a block, or depth plus 1, lies in each class.

    Args:
        code: Codes with an image axis in front: [image, block] of indices, or [image, latent] of paths.
        classes: The number of classes, without the escape.

    Returns:
        The counts, with a row for each block or latent.
    """
    index = code.depth + 1 if isinstance(code, Path) else code.index
    # An index beyond the last class is sent by the escape, and is not counted.
    index_classes = np.minimum(np.asarray(integers.index_class(index)), classes)
    return np.stack([np.bincount(block, minlength=classes)[:classes] for block in index_classes.T])


def learn_interval_masses(model: Model, images: UInt8[np.ndarray, "count height width"]) -> Model:
    """Learns the masses of the latents' intervals under the aggregate posterior of training images.

    One table serves all settings, since the intervals do not depend on how latents are cut into blocks. No search is
    needed: an image counts in an interval by the mass that its posterior has there.

    Args:
        model: The model.
        images: Training images.

    Returns:
        The model with masses [latent, interval].
    """
    flat = lossless.check_images(images, model).reshape(len(images), model.pixels)
    capacity = int(model.intervals.max())
    edges = _edges(model.intervals, capacity)
    batches = range(0, len(flat), relative_entropy.BATCH)
    counts = np.zeros((model.latents, capacity))
    for start in batches:
        counts += np.asarray(_masses(model, edges, flat[start : start + relative_entropy.BATCH]))
    masses = np.zeros((model.latents, capacity), np.int32)
    for latent, intervals in enumerate(model.intervals.tolist()):
        # Half an image more for each interval, so that none is without mass.
        masses[latent, :intervals] = integers.quantise((counts[latent, :intervals] + 0.5).tolist())
    return with_interval_masses(model, masses)


def _edges(intervals: np.ndarray, capacity: int) -> Float[np.ndarray, "latents capacity+1"]:
    """Returns the prior's quantiles at the ends of each latent's intervals; infinite after its last interval."""
    share = np.minimum(np.arange(capacity + 1) / intervals[:, None], 1.0)
    return np.asarray(jax.scipy.special.ndtri(share.astype(np.float32)))


@jax.jit
def _masses(model: Model, edges: jax.Array, images: jax.Array) -> jax.Array:
    """Sums the masses of the images' posteriors in the intervals, [latents, capacity]."""
    mean, scale = models.posterior_floats(model, images)
    below = jax.scipy.special.ndtr((edges - mean[..., None]) / scale[..., None])
    return jnp.sum(jnp.maximum(jnp.diff(below, axis=-1), 0.0), axis=0)
