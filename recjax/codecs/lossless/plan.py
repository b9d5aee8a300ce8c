"""Makes the plans of lossless files: the algorithm, blocks and codes that settings stand for with a given model."""

import functools
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from recjax import randomness
from recjax.codecs.checks import MAX_CANDIDATES_LOG2
from recjax.codecs.lossless.settings import DELTA, LEARNED, BlockSettings, Settings
from recjax.codecs.plan import LatentPlan
from recjax.coding import integers
from recjax.coding.rans import MASS_BITS
from recjax.distributions.normal import Normal
from recjax.models.vae import evaluate as models
from recjax.models.vae.evaluate import Model
from recjax.rec import blocks as blocking
from recjax.rec import engine, index_codes


@functools.lru_cache(maxsize=32)
def make_plan(model: Model, settings: Settings) -> LatentPlan:
    """Makes the plan that encoder and decoder share, from integers alone.

    Args:
        model: The model.
        settings: The settings that the file states.

    Returns:
        The plan, cached for each model and settings.

    Raises:
        ValueError: A histogram of the model does not fit its blocks.
    """
    kl = np.asarray(model.kl_bits, np.int64)
    if not isinstance(settings, BlockSettings):
        masses = _index_masses(model, settings, index_codes.expected_log2_depth(kl))
        return LatentPlan(settings.encoder, None, None, None, masses, settings.arithmetic)
    order = blocking.permutation(randomness.key(0), model.latents)
    blocks = blocking.split_by_budget(kl, settings.block_bits_q10, order)
    counts = blocks.split(np.asarray(model.intervals, np.int64), 1) if settings.partition else None
    expected = index_codes.expected_log2_index(blocks.split(kl, 0), counts, 1 << settings.index_log2)
    masses = _index_masses(model, settings, expected)
    bins = None if counts is None else engine.as_bins(settings.encoder, counts)
    return LatentPlan(settings.encoder, blocks, bins, _bin_masses(model, settings, blocks), masses)


@functools.lru_cache(maxsize=32)
def make_decoding_plan(model: Model, settings: Settings) -> LatentPlan:
    """Makes a plan for decoding alone, in which the size of the search does not matter.

    Files with any size of search then share compiled functions. However many headers there are, the number of functions
    that they can make a decoder compile is bounded by the ways to cut a model's latents into blocks and the few kinds
    of codes.

    Args:
        model: The model.
        settings: The settings that the file states.

    Returns:
        The plan, cached for each model and settings.
    """
    plan = make_plan(model, settings)
    # Classes without mass, which are never popped, give the codes of all files the same shape.
    missing = max(integers.num_classes(MAX_CANDIDATES_LOG2) + 1 - plan.masses.shape[1], 0)
    masses = np.concatenate(
        [plan.masses[:, :-1], np.zeros((len(plan.masses), missing), np.int64), plan.masses[:, -1:]], axis=1
    )
    return replace(plan, algorithm=settings.decoder, masses=masses)


def _index_masses(model: Model, settings: Settings, expected_q8: np.ndarray) -> np.ndarray:
    """Returns the masses of the index code, a row for each block, given expected log2 indices in units of 1/256 bit."""
    if settings.index_code == LEARNED:
        counts = np.atleast_2d(model.index_counts[settings.histogram])
        if len(counts) not in (1, len(expected_q8)):
            raise ValueError(
                f"the histogram {settings.histogram!r} of model {model.name!r} has {len(counts)} rows for "
                f"{len(expected_q8)} blocks; learn it again."
            )
        rows = [integers.learned_masses(row) for row in counts.tolist()]
        return np.stack([rows[block % len(rows)] for block in range(len(expected_q8))])
    if settings.index_code == DELTA:
        return np.tile(integers.elias_delta_masses(settings.index_log2), (len(expected_q8), 1))
    return np.stack([integers.zeta_masses(int(q), settings.index_log2) for q in expected_q8])


def _bin_masses(model: Model, settings: BlockSettings, blocks: blocking.Blocks) -> np.ndarray | None:
    if not settings.learned_bins or model.interval_masses is None:
        return None
    masses = np.asarray(model.interval_masses, np.int64)
    only = np.eye(1, masses.shape[1], dtype=np.int64)[0] << MASS_BITS
    return np.where(blocks.used[..., None], masses[np.maximum(blocks.place, 0)], only)


@jax.jit
def targets(model: Model, plan: LatentPlan, images: jax.Array) -> Normal:
    """Computes the posteriors of images as the targets of the searches.

    Args:
        model: The model.
        plan: The plan.
        images: Images [image, pixels].

    Returns:
        Normal distributions [image, *plan.shape]; where blocks are padded, the prior, which costs nothing.
    """
    mean, scale = models.posterior_floats(model, images.astype(jnp.uint8))
    return Normal(plan.split(mean, 0.0), plan.split(scale, 1.0))
