"""What settings come to for a model of representations: the blocks of each level and the codes, made of integers.

Bins send most of a block, the index of a candidate what they leave. Blocks are filled by that residual, which grows
slower than the divergence: a latent of 4 bits leaves three quarters of one.
"""

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from recjax import randomness, rec
from recjax.codecs.checks import MAX_CANDIDATES_LOG2
from recjax.codecs.lossy.options import INDEX_CODES
from recjax.codecs.plan import Plan
from recjax.coding import integers
from recjax.models.inr import hierarchy as levels
from recjax.models.inr.model import INRModel
from recjax.rec import blocks as blocking
from recjax.rec import engine, index_codes

ZETA, LEARNED, UNIFORM = range(len(INDEX_CODES))
PARTITIONS = ("none", "information", "random", "uninformative")
"""How intervals are assigned to latents: as many as their divergence asks for; the same numbers at random, or the most
to those that carry least, for comparison. Position is the number in a file."""

CODE_BITS = 3.0
"""What a block's code takes beyond its divergence, about."""

SHIFT_ZERO = 1 << 12
"""What a file states if latents are taken to have the divergences of the training pictures."""

MAX_INTERVALS_LOG2 = 8
_RANDOM_SEED = 1 << 16

# Bits that the best partition into 2^k intervals leaves of a normal latent's divergence (training means; by simulation,
# for means that follow what the prior leaves to them), against that divergence; all in 1/1024 bit.
_DIVERGENCES_Q10 = (0, 256, 512, 1024, 2048, 4096, 8192)
_RESIDUALS_Q10 = (0, 215, 350, 530, 690, 765, 800)


@dataclass(frozen=True)
class INRSettings:
    """How the latents of representations are sent; all of it stands in the header.

    partition: one of PARTITIONS. candidates_log2: log2 of the candidates of a block. block_bits_q10: budget of a
    block, in 1/1024 bit, of the residual with a partition, else of divergence, by training means. index_code: ZETA,
    LEARNED or UNIFORM. prior: number of the model's. shift_q10: bits that each latent is taken to have beside its
    training mean, in 1/1024, of a file at another rate than the prior's.
    """

    partition: str = "information"
    candidates_log2: int = 16
    block_bits_q10: int = 13 << 10
    index_code: int = ZETA
    prior: int = 0
    shift_q10: int = 0

    @property
    def parameters(self) -> dict[str, int]:
        """As the header states them."""
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
    """Blocks in arrays whose sizes do not depend on them, so that fitting is compiled once for all plans.

    block: of each variable, 0 of those that are not sent. bin_bits: log2 of the bins of block 0, 1, ..., then zeros.
    """

    block: Int[np.ndarray, "variable"]
    bin_bits: Int[np.ndarray, "variable"]


class Level(NamedTuple):
    """How a level's latents are sent. plan: blocks and codes of those that are. latents: their numbers among the
    variables. filling: what fitting needs to know of the blocks."""

    plan: Plan
    latents: Int[np.ndarray, "latent"]
    filling: Filling


@functools.lru_cache(maxsize=64)
def make_levels(model: INRModel, settings: INRSettings, *, decoding: bool = False) -> tuple[Level, ...]:
    """The levels that encoder and decoder share; for decoding alone the sizes of the search do not matter."""
    return tuple(_level(model, settings, number, decoding) for number in range(len(model.spans)))


class Expected(NamedTuple):
    """Of a picture like those of training: bits of divergence, and about those of its codes."""

    divergence_bits: float
    code_bits: float


def expected(model: INRModel, settings: INRSettings, tall: int, wide: int) -> Expected:
    """What the latents of a picture of tall x wide patches come to."""
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
    return Expected(divergence, code)


class _Latents(NamedTuple):
    """Those of a level that are sent. trained: mean divergences of all variables. places: of these latents among them.
    kl: their divergences, as they are taken to be; residual: what the bins leave; bins: log2 of their intervals. All
    divergences in 1/1024 bit."""

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
    algorithm = rec.orc(num_candidates=1 if decoding else 1 << settings.candidates_log2)
    masses = _index_masses(model, settings, blocks.split(residual, 0).sum(axis=1), decoding)
    counts = blocks.split(1 << intervals_log2, 1)
    bins = None if settings.partition == "none" else engine.as_bins(algorithm, counts)
    block = np.zeros(len(trained), np.int64)
    block[places] = np.argwhere(blocks.used)[np.argsort(blocks.place[blocks.used]), 0]
    bin_bits = np.zeros_like(trained)
    bin_bits[: len(masses)] = blocks.split(intervals_log2, 0).sum(axis=1)
    return Level(Plan(algorithm, blocks, bins, None, masses), places, Filling(block, bin_bits))


def _intervals_log2(partition: str, kl_q10: np.ndarray, number: int) -> np.ndarray:
    """log2 of the intervals of each latent."""
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
    """What bins leave of divergences, both in 1/1024 bit; integers, as a decoder computes it too."""
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
    # Classes that have no mass are never popped, and all files share what is compiled.
    missing = max(integers.num_classes(MAX_CANDIDATES_LOG2) + 1 - masses.shape[1], 0) if decoding else 0
    return np.concatenate([masses[:, :-1], np.zeros((len(masses), missing), np.int64), masses[:, -1:]], axis=1)
