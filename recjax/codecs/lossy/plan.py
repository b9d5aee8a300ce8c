"""Makes the plans of lossy files from integers alone: the blocks and codes of each level that settings stand for.

The bins of a block send most of its KL divergence, and the index of a candidate the rest. Blocks are filled by that
rest, which grows more slowly than the divergence: a latent of 4 bits leaves three quarters of a bit to the index.
"""

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from recjax import randomness, rec
from recjax.codecs.checks import MAX_CANDIDATES_LOG2
from recjax.codecs.lossy.options import INDEX_CODES
from recjax.codecs.plan import LatentPlan
from recjax.coding import integers
from recjax.models.inr import hierarchy as levels
from recjax.models.inr.model import INRModel
from recjax.rec import blocks as blocking
from recjax.rec import engine, index_codes

ZETA, LEARNED, UNIFORM = range(len(INDEX_CODES))
"""Numbers of the codes of indices in a file's header, in the order of INDEX_CODES."""

PARTITIONS = ("none", "information", "random", "uninformative")
"""How the numbers of intervals are assigned to latents: not at all; as the divergence of each latent requires; or, for
comparison, the same numbers at random, or the largest to the latents of the least divergence. The position is the
number in a file."""

CODE_BITS = 3.0
"""Approximate bits that the code of a block takes beyond its KL divergence."""

SHIFT_ZERO = 1 << 12
"""Number in a header that stands for a shift of 0: each latent is taken to have its mean divergence of training."""

MAX_INTERVALS_LOG2 = 8
"""log2 of the largest number of intervals of a latent."""

_RANDOM_SEED = 1 << 16
"""Seed of the permutations of the partition "random", one for each level."""

# The part of a normal latent's mean divergence that the best partition into 2^k intervals does not send, at some values
# of that divergence; both in units of 1/1024 bit. By simulation, with posterior means so distributed that the mean of
# the posteriors is the prior.
_DIVERGENCES_Q10 = (0, 256, 512, 1024, 2048, 4096, 8192)
_RESIDUALS_Q10 = (0, 215, 350, 530, 690, 765, 800)


@dataclass(frozen=True)
class INRSettings:
    """Holds how the latents of lossy files are sent; the header states all of it.

    Attributes:
        partition: How the numbers of intervals are assigned to latents, one of PARTITIONS.
        candidates_log2: log2 of the number of candidates of a block.
        block_bits_q10: Budget of a block in units of 1/1024 bit, by training means: of the divergence that bins do not
            send with a partition, of the whole divergence without one.
        index_code: Number of the code of indices: ZETA, UNIFORM, or LEARNED, by a histogram in the model file.
        prior: Number of the model's prior.
        shift_q10: Divergence that each latent is taken to have beyond its training mean, in units of 1/1024 bit; other
            than 0 in files of another rate than the prior's.
    """

    partition: str = "information"
    candidates_log2: int = 16
    block_bits_q10: int = 13 << 10
    index_code: int = ZETA
    prior: int = 0
    shift_q10: int = 0

    @property
    def parameters(self) -> dict[str, int]:
        """Parameters of the header by name."""
        return {
            "partition": PARTITIONS.index(self.partition),
            "candidates_log2": self.candidates_log2,
            "block_budget_bits_q10": self.block_bits_q10,
            "index_code": self.index_code,
            "prior": self.prior,
            "shift_bits_q10": self.shift_q10 + SHIFT_ZERO,
        }

    @property
    def histogram(self) -> str:
        """Name of the histogram of indices in the model file that LEARNED uses."""
        return f"{self.partition}-{self.candidates_log2}-{self.block_bits_q10}"


class Filling(NamedTuple):
    """Describes the blocks of a level in arrays of constant size, so that fitting is compiled once for all plans.

    Attributes:
        block: Number of the block of each variable; 0 for variables that are not sent.
        bin_bits: Bits that the bins of blocks 0, 1, ... send, then zeros.
    """

    block: Int[np.ndarray, "variable"]
    bin_bits: Int[np.ndarray, "variable"]


class Level(NamedTuple):
    """Holds how the latents of a level are sent.

    Attributes:
        plan: Blocks and codes of the latents that are sent.
        latents: Numbers of these latents among the variables of a square.
        filling: The same blocks in the form that fitting takes.
    """

    plan: LatentPlan
    latents: Int[np.ndarray, "latent"]
    filling: Filling


@functools.lru_cache(maxsize=64)
def make_levels(model: INRModel, settings: INRSettings, *, decoding: bool = False) -> tuple[Level, ...]:
    """Makes what encoder and decoder of each level share.

    Args:
        model: The model.
        settings: The settings that the file states.
        decoding: Whether this is for decoding alone, in which case the size of the search does not matter and compiled
            functions are shared by files of any.

    Returns:
        The levels, cached for each model and settings.
    """
    return tuple(_level(model, settings, number, decoding) for number in range(len(model.spans)))


class ExpectedSize(NamedTuple):
    """Holds what a picture like the training pictures is expected to take.

    Attributes:
        divergence_bits: KL divergence, in bits.
        code_bits: Approximate length of its codes, in bits.
    """

    divergence_bits: float
    code_bits: float


def expected(model: INRModel, settings: INRSettings, tall: int, wide: int) -> ExpectedSize:
    """Estimates what the latents of a picture like the training pictures take.

    Args:
        model: The model.
        settings: How the latents are sent.
        tall: Rows of patches of the picture.
        wide: Columns of patches of the picture.

    Returns:
        The divergence and the codelength of the picture.
    """
    divergence, code = 0.0, 0.0
    for number, span in enumerate(model.spans):
        latents = _latents(model, settings, number)
        of_blocks, bins = (latents.blocks.split(x, 0).sum(axis=1) / 1024 for x in (latents.kl, latents.bins << 10))
        squares = levels.count(span, tall, wide)
        divergence += squares * float(of_blocks.sum())
        if settings.partition == "none":
            code += squares * len(of_blocks) * settings.candidates_log2
        else:
            code += squares * float((np.maximum(of_blocks, bins) + CODE_BITS).sum())
    return ExpectedSize(divergence, code)


class _Latents(NamedTuple):
    """Holds the latents of a level that are sent, with divergences in units of 1/1024 bit.

    Attributes:
        trained: Mean divergences of all variables in training.
        places: Numbers of the latents among these variables.
        kl: Divergences that the latents are taken to have.
        bins: log2 of their numbers of intervals.
        residual: What the bins do not send of the divergences.
        blocks: Which latents lie in which block.
    """

    trained: np.ndarray
    places: np.ndarray
    kl: np.ndarray
    bins: np.ndarray
    residual: np.ndarray
    blocks: blocking.Blocks


def _latents(model: INRModel, settings: INRSettings, number: int) -> _Latents:
    trained = np.asarray(model.kl_bits[settings.prior, number], np.int64)
    places = np.flatnonzero(trained)
    kl = np.maximum(trained[places] + settings.shift_q10, 0)
    bins = _intervals_log2(settings.partition, kl, number)
    residual = kl if settings.partition == "none" else residual_bits(kl)
    order = blocking.permutation(randomness.key(number), len(places))
    blocks = blocking.split_by_budget(residual, settings.block_bits_q10, order)
    return _Latents(trained, places, kl, bins, residual, blocks)


def _level(model: INRModel, settings: INRSettings, number: int, decoding: bool) -> Level:
    trained, places, _, intervals_log2, residual, blocks = _latents(model, settings, number)
    algorithm = rec.orc(num_candidates=1 << (MAX_CANDIDATES_LOG2 if decoding else settings.candidates_log2))
    masses = _index_masses(model, settings, blocks.split(residual, 0).sum(axis=1), decoding)
    counts = blocks.split(1 << intervals_log2, 1)
    bins = None if settings.partition == "none" else engine.as_bins(algorithm, counts)
    block = np.zeros(len(trained), np.int64)
    block[places] = np.argwhere(blocks.used)[np.argsort(blocks.place[blocks.used]), 0]
    bin_bits = np.zeros_like(trained)
    bin_bits[: len(masses)] = blocks.split(intervals_log2, 0).sum(axis=1)
    return Level(LatentPlan(algorithm, blocks, bins, None, masses), places, Filling(block, bin_bits))


def _intervals_log2(partition: str, kl_q10: np.ndarray, number: int) -> np.ndarray:
    """Returns log2 of the number of intervals of each latent."""
    if partition == "none":
        return np.zeros_like(kl_q10)
    intervals_log2 = np.clip((kl_q10 + 512) >> 10, 0, MAX_INTERVALS_LOG2)
    if partition == "random":
        return intervals_log2[blocking.permutation(randomness.key(_RANDOM_SEED + number), len(kl_q10))]
    if partition == "uninformative":
        least = np.argsort(kl_q10, kind="stable")
        intervals_log2[least] = np.sort(intervals_log2)[::-1]
    return intervals_log2


def residual_bits(kl_q10: Int[np.ndarray, "latent"]) -> Int[np.ndarray, "latent"]:
    """Computes what bins do not send of divergences, by integers, as decoders compute it too.

    Args:
        kl_q10: Divergences in units of 1/1024 bit.

    Returns:
        The rest of each divergence, in units of 1/1024 bit.
    """
    points, values = np.asarray(_DIVERGENCES_Q10), np.asarray(_RESIDUALS_Q10)
    kl = np.minimum(kl_q10, points[-1])
    k = np.minimum(np.searchsorted(points, kl, side="right"), len(points) - 1)
    inner = values[k - 1] + (kl - points[k - 1]) * (values[k] - values[k - 1]) // (points[k] - points[k - 1])
    return inner + np.maximum(kl_q10 - (MAX_INTERVALS_LOG2 << 10), 0)


def _index_masses(model: INRModel, settings: INRSettings, residual_q10: np.ndarray, decoding: bool) -> np.ndarray:
    if settings.index_code == LEARNED:
        rows = [integers.learned_masses(model.index_counts[settings.histogram].tolist())] * len(residual_q10)
    elif settings.index_code == UNIFORM:
        rows = [integers.uniform_masses(settings.candidates_log2)] * len(residual_q10)
    else:
        expected = index_codes.expected_log2_index(residual_q10[:, None], None, 1 << settings.candidates_log2)
        rows = [integers.zeta_masses(int(q), settings.candidates_log2) for q in expected]
    masses = np.stack(rows)
    # Classes without mass, which are never popped, give the codes of all files the same shape.
    missing = max(integers.num_classes(MAX_CANDIDATES_LOG2) + 1 - masses.shape[1], 0) if decoding else 0
    return np.concatenate([masses[:, :-1], np.zeros((len(masses), missing), np.int64), masses[:, -1:]], axis=1)
