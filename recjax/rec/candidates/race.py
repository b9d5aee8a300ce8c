"""Scores runs of candidates in their order of arrival, and finds the index that each has for the decoder.

The coders that race candidates (PFR, ORC and MRC) score them here, a short run of arrivals at a time.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, UInt32

from recjax import randomness
from recjax.distributions.base import CodingDistribution, Distribution
from recjax.distributions.normal_ratio import NormalRatio
from recjax.distributions.pairs import density_ratio
from recjax.distributions.ratio import BlockRatio
from recjax.numerics import unit_exponential
from recjax.rec.base import Bins, Code
from recjax.rec.candidates import fused_bins, fused_scores, partition
from recjax.rec.candidates.partition import BinWeights

_SUMMED = 16
"""Number of elements that `running_sum` sums by one product."""

WeightRule: TypeAlias = Callable[[BlockRatio, Bins], BinWeights]
"""How bins are weighed: `partition.weights_by_supremum` or `partition.weights_by_mass`."""


class Race(NamedTuple):
    """Holds what is fixed during the search for one block.

    Attributes:
        ratio: The density ratio.
        weights: Weights of the bins; None without a partition.
        log_best_nats: Upper bound of log r', on the scale of `Chunk.log_ratio`.
        known_bins: Whether the intervals of the bins lie in 1 ... their capacity.
    """

    ratio: BlockRatio
    weights: BinWeights | None
    log_best_nats: Float[Array, ""]
    known_bins: Bool[Array, ""]


class Chunk(NamedTuple):
    """Holds the scores of a run of candidates.

    Attributes:
        log_ratio: log r' of each candidate, in nats, up to a constant.
        index: Its index within its bin, from 1.
        seen: Number of candidates in each slot of bins, this run included.
    """

    log_ratio: Float[Array, " chunk"]
    index: UInt32[Array, " chunk"]
    seen: UInt32[Array, " slots"]


def prepare(
    q: Distribution, p: CodingDistribution, bins: Bins | None, weigh: WeightRule, slots: int
) -> tuple[Race, UInt32[Array, " slots"]]:
    """Prepares the search for one block.

    The candidates of a bin are counted in one of several slots, by a hash of the bin. Two bins in one slot skip indices
    of each other, which makes the indices a little longer; the search remains exact, as no index of a bin repeats.

    Args:
        q: The target.
        p: The coding distribution.
        bins: The partition, with intervals [dim]; None for none.
        weigh: How bins are weighed.
        slots: Number of slots, a power of two.

    Returns:
        What is fixed during the search, and the counts of candidates in each slot, all 0 (an empty array without bins).
    """
    ratio = density_ratio(q, p)
    if bins is None:
        return Race(ratio, None, ratio.block_log_best, jnp.array(True)), jnp.zeros((0,), jnp.uint32)
    weights = weigh(ratio, bins)
    known = jnp.all((bins.intervals >= 1) & (bins.intervals <= bins.capacity))
    return Race(ratio, weights, weights.log_best_nats, known), jnp.zeros((slots,), jnp.uint32)


def score(
    key: randomness.Key,
    private_key: randomness.Key,
    race: Race,
    seen: UInt32[Array, " slots"],
    steps: UInt32[Array, " chunk"],
    active: Bool[Array, ""],
) -> Chunk:
    """Scores the candidates that arrive at consecutive steps.

    Args:
        key: Shared randomness.
        private_key: Randomness of the encoder.
        race: What is fixed during the search.
        seen: Number of candidates in each slot so far.
        steps: The steps, from 0.
        active: Whether the search goes on; otherwise the candidates are not counted.

    Returns:
        Scores, indices and new counts.
    """
    if race.weights is None:
        if fused_scores.supports(race.ratio):
            return Chunk(fused_scores.anywhere(key, race.ratio, steps + 1), steps + 1, seen)
        words = partition.words_anywhere(key, race.ratio.valid.shape[0], steps + 1)
        return Chunk(race.ratio.block_log_ratio(words), steps + 1, seen)
    if fused_scores.supports(race.ratio) and fused_bins.supports(race.weights):
        return _score_quickly(key, private_key, race.ratio, race.weights, seen, steps, active)
    interval = partition.draw_intervals(private_key, steps, race.weights)
    stream = partition.bin_stream(key, interval)
    # Once the search is over, 0 is added here. To choose between old and new counts afterwards would copy both tables
    # at each step.
    seen, earlier = _count(seen, stream.first & jnp.uint32(seen.shape[0] - 1), active.astype(jnp.uint32))
    words = partition.words_in_bin(stream, interval, race.weights.intervals, earlier + 1)
    gain = jnp.take_along_axis(race.weights.log_gain, interval.astype(jnp.int32), axis=1)
    return Chunk(race.ratio.block_log_ratio(words) - jnp.sum(gain, axis=0), earlier + 1, seen)


def _score_quickly(
    key, private_key, ratio: NormalRatio, weights: BinWeights, seen, steps: UInt32[Array, " chunk"], active
) -> Chunk:
    """Scores as `score` does, for a normal target in bins of few intervals."""
    packed, gain = fused_bins.draw(private_key, steps, weights)
    stream = fused_bins.streams(key, packed, ratio.valid.shape[0])
    seen, earlier = _count(seen, stream.first & jnp.uint32(seen.shape[0] - 1), active.astype(jnp.uint32))
    log_ratio = fused_bins.log_ratios(stream, packed, ratio, weights.intervals, earlier + 1)
    return Chunk(log_ratio - gain, earlier + 1, seen)


def winner(
    key: randomness.Key, private_key: randomness.Key, race: Race, step: UInt32[Array, ""], index: UInt32[Array, ""]
) -> tuple[Code, UInt32[Array, " dim"], Float[Array, ""], Float[Array, ""]]:
    """Returns the code of the candidate that won, and what describes it.

    Args:
        key: Shared randomness.
        private_key: Randomness of the encoder.
        race: What is fixed during the search.
        step: Step at which the candidate arrived, from 0.
        index: Its index within its bin, from 1.

    Returns:
        Its code; its words; log2 of the number of bins; and its log r in nats, less an upper bound of it.
    """
    dim = race.ratio.valid.shape[0]
    if race.weights is None:
        interval, log2_bins = jnp.zeros((dim,), jnp.uint32), jnp.float32(0.0)
        words = partition.words_anywhere(key, dim, index)
    else:
        interval = partition.draw_intervals(private_key, step[None], race.weights)[:, 0]
        words = partition.words_in_bin(partition.bin_stream(key, interval), interval, race.weights.intervals, index)
        log2_bins = jnp.sum(jnp.log2(race.weights.intervals.astype(jnp.float32)))
    return Code(interval, index), words, log2_bins, race.ratio.block_log_ratio(words[:, None])[0]


def decode(key: randomness.Key, bins: Bins | None, code: Code, dim: int) -> UInt32[Array, " dim"]:
    """Returns the words that a code names, in one draw.

    Any code decodes: an interval beyond the last of its dimension is taken as the last.

    Args:
        key: Shared randomness.
        bins: The partition, with intervals [dim]; None for none.
        code: The code of one block.
        dim: Number of dimensions.

    Returns:
        Words of the grid, in [0, 2^24).
    """
    if bins is None:
        return partition.words_anywhere(key, dim, code.index)
    interval = jnp.minimum(code.interval, bins.intervals - 1)
    return partition.words_in_bin(partition.bin_stream(key, interval), interval, bins.intervals, code.index)


def _count(
    seen: UInt32[Array, " slots"], slot: UInt32[Array, " chunk"], amount: UInt32[Array, ""]
) -> tuple[UInt32[Array, " slots"], UInt32[Array, " chunk"]]:
    """Adds each candidate to its slot, and returns how many were there before it."""

    def one_by_one(seen, slot, amount):
        def one(table, place):
            before = table[place]
            return table.at[place].set(before + amount), before

        return jax.lax.scan(one, seen, slot)

    def all_pairs(seen, slot, amount):
        order = jnp.arange(slot.shape[0])
        same = (slot[:, None] == slot[None, :]) & (order[:, None] > order[None, :])
        return seen.at[slot].add(amount), seen[slot] + jnp.sum(same, axis=1, dtype=jnp.uint32)

    # On CPUs, the batch of lanes fills the vector units while candidates go one by one. Accelerators are faster if all
    # pairs of candidates are compared at once.
    return jax.lax.platform_dependent(seen, slot, amount, cpu=one_by_one, default=all_pairs)


def waiting_times(private_key: randomness.Key, steps: UInt32[Array, " n"]) -> Float[Array, " n"]:
    """Draws the waiting times before arrivals of a Poisson process of rate 1, which the decoder need not know.

    Args:
        private_key: Randomness of the encoder.
        steps: Steps of the arrivals, from 0.

    Returns:
        Variables of Exp(1).
    """
    return unit_exponential(randomness.draw(randomness.stream(private_key, randomness.ARRIVAL), steps, 1)[0])


def running_sum(x: Float[Array, " n"]) -> Float[Array, " n"]:
    """Returns cumulative sums, in levels of 16 elements by products with a triangular matrix.

    As exact as pairwise summation, and far faster on CPUs than `jnp.cumsum`.

    Args:
        x: Numbers.

    Returns:
        Their cumulative sums.
    """
    size = x.shape[0]
    width = min(size, _SUMMED)
    rows = jnp.pad(x, (0, -size % width)).reshape(-1, width)
    sums = jax.lax.dot(rows, np.triu(np.ones((width, width), np.float32)), precision=jax.lax.Precision.HIGHEST)
    if len(rows) > 1:
        totals = sums[:, -1]
        sums = sums + (running_sum(totals) - totals)[:, None]
    return sums.reshape(-1)[:size]
