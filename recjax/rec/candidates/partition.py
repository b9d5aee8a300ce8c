"""Space partitioning: bins, and candidates drawn bin by bin (He, Flamich, Hernandez-Lobato 2024, arXiv:2405.12203).

Space is cut into J bins of equal prior mass by an axis-aligned grid. The encoder draws bins from weights pi of its own
choice and takes the next candidate of the bin drawn, so that candidates follow P' = sum_j pi_j P(. | bin j), which lies
closer to the target than P: r' = dQ/dP' = r / (J pi_j) on bin j. The decoder needs the bin and the index in it, never
pi.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, UInt32

from recjax import grid, randomness
from recjax.distributions.ratio import BlockRatio, DensityRatio
from recjax.rec.base import Bins

_WEIGHT_LOG2 = 16
WEIGHT_SUM = 1 << _WEIGHT_LOG2
"""Sum of the integer weights of a dimension's intervals."""
# Up to this number of intervals, comparing with all of them is faster than a bisection.
_COUNTED_CAPACITY = 32


class BinWeights(NamedTuple):
    """Holds the weights of each dimension's intervals, quantised as drawn: integers of sum 2^16, none of them 0.

    Attributes:
        intervals: Number of intervals of each dimension.
        upper: Cumulative weights; 2^16 from the last interval on.
        log_gain: log(J pi) of each interval, in nats; 0 in a dimension of one interval.
        log_best_nats: Upper bound of log r' over all bins, for the stopping rule; without dependent coordinates the
            largest.
    """

    intervals: UInt32[Array, " dim"]
    upper: UInt32[Array, "dim capacity"]
    log_gain: Float[Array, "dim capacity"]
    log_best_nats: Float[Array, ""]


def _interval_table(bins: Bins) -> tuple[UInt32[Array, "dim capacity"], UInt32[Array, "dim 1"]]:
    counts = jnp.asarray(bins.intervals, jnp.uint32)[:, None]
    return jnp.minimum(jnp.arange(bins.capacity, dtype=jnp.uint32), counts - 1), counts


def _suprema(ratio: BlockRatio, bins: Bins) -> Float[Array, "dim capacity"]:
    k, counts = _interval_table(bins)
    return ratio.bound.over_words().log_supremum(*grid.interval_words(k, counts))


def _weigh(cumulative: Float[Array, "dim capacity"], log_sup: Float[Array, "dim capacity"], bins: Bins) -> BinWeights:
    """Quantises cumulative weights in [0, 1] to integers: each interval gets one unit, the rest goes by weight."""
    index = jnp.arange(1, bins.capacity + 1, dtype=jnp.uint32)
    counts = jnp.asarray(bins.intervals, jnp.uint32)[:, None]
    free = (WEIGHT_SUM - counts).astype(jnp.float32)
    increasing = jax.lax.cummax(jnp.clip(cumulative, 0.0, 1.0), axis=1)
    upper = index + jnp.floor(increasing * free).astype(jnp.uint32)
    upper = jnp.where(index >= counts, jnp.uint32(WEIGHT_SUM), jnp.minimum(upper, WEIGHT_SUM - counts + index))
    weight = jnp.diff(upper, axis=1, prepend=jnp.uint32(0)).astype(jnp.float32)
    log_gain = jnp.log(jnp.maximum(weight, 1.0)) + jnp.log(counts.astype(jnp.float32) / WEIGHT_SUM)
    used = index <= counts
    best = jnp.max(jnp.where(used, log_sup - log_gain, -jnp.inf), axis=1)
    return BinWeights(counts[:, 0], upper, jnp.where(used, log_gain, 0.0), jnp.sum(best))


def weights_by_supremum(ratio: BlockRatio, bins: Bins) -> BinWeights:
    """Weighs bins by the largest ratio in each, the choice for exact coders.

    pi_j is proportional to the largest r in bin j, which makes 2^Dinf[Q || P'] small, the mean number of steps.

    Args:
        ratio: The density ratio of the block.
        bins: The partition, with intervals [dim].

    Returns:
        The weights.
    """
    log_sup = _suprema(ratio, bins)
    used = jnp.arange(bins.capacity) < bins.intervals[:, None]
    if not isinstance(ratio, DensityRatio):
        log_sup = _tempered(log_sup, used, ratio.block_log_best)
    weight = jnp.where(used, jnp.exp(log_sup - jnp.max(log_sup, axis=1, keepdims=True)), 0.0)
    cumulative = jnp.cumsum(weight, axis=1)
    return _weigh(cumulative / jnp.maximum(cumulative[:, -1:], 1e-30), log_sup, bins)


def _tempered(
    log_sup: Float[Array, "dim capacity"], used: Bool[Array, "dim capacity"], log_best: Float[Array, ""]
) -> Float[Array, "dim capacity"]:
    """Returns suprema per dimension whose sum is an upper bound of log r in a bin, for dependent coordinates.

    Both the sum of `log_sup` and `log_best` are such bounds, hence so is every weighted mean of the two; the one with
    the least Dinf[Q || P'] is taken. If it had no part of `log_sup`, the search would be the unpartitioned one.
    """
    share = jnp.linspace(0.0, 1.0, 9)
    means = jnp.mean(jnp.exp(share[:, None, None] * log_sup), axis=2, where=used)
    best = share[jnp.argmin(jnp.sum(jnp.log(means), axis=1) + (1 - share) * log_best)]
    return best * log_sup + (1 - best) * log_best / log_sup.shape[0]


def weights_by_mass(ratio: BlockRatio, bins: Bins) -> BinWeights:
    """Weighs bins by the target's mass in each, the choice for coders with a fixed number of candidates.

    pi_j = Q(bin j), which minimises KL[Q || P']. If coordinates depend on each other, the product of their marginal
    masses stands for Q(bin j).

    Args:
        ratio: The density ratio of the block.
        bins: The partition, with intervals [dim].

    Returns:
        The weights.
    """
    k, counts = _interval_table(bins)
    mass = ratio.marginal.over_words().mass_to(grid.interval_words(k, counts)[1])
    return _weigh(jnp.where(k + 1 >= counts, 1.0, mass), _suprema(ratio, bins), bins)


def draw_intervals(
    private_key: randomness.Key, step: UInt32[Array, " n"], weights: BinWeights
) -> UInt32[Array, "dim n"]:
    """Draws a bin at each step, from the weights.

    Args:
        private_key: Randomness of the encoder.
        step: Steps of the search, from 0.
        weights: Weights of the bins.

    Returns:
        The interval of each dimension.
    """
    dim, capacity = weights.upper.shape
    words = randomness.draw(randomness.stream(private_key, randomness.BIN), step, (dim + 1) // 2)
    halves = jnp.stack([words & jnp.uint32(0xFFFF), words >> 16], axis=1).reshape(-1, *words.shape[1:])[:dim]

    # The interval is the number of cumulative weights that are at most the 16 bits drawn.
    if capacity <= _COUNTED_CAPACITY:
        return jnp.sum(weights.upper[:, :, None] <= halves[:, None, :], axis=1, dtype=jnp.uint32)

    # By bisection. The last cumulative weight exceeds whatever is drawn, and stands for those beyond the table.
    levels = (capacity - 1).bit_length()

    def refine(level, k):
        above = k + (jnp.uint32(1 << levels) >> (level.astype(jnp.uint32) + 1))
        probed = jnp.take_along_axis(weights.upper, jnp.minimum(above, capacity).astype(jnp.int32) - 1, axis=1)
        return jnp.where(probed <= halves, above, k)

    return jax.lax.fori_loop(0, levels, refine, jnp.zeros(halves.shape, jnp.uint32))


def bin_stream(key: randomness.Key, interval: UInt32[Array, "dim *n"]) -> randomness.Stream:
    """Returns the stream of candidates of a bin, whose address has the interval of every dimension.

    Args:
        key: Shared randomness.
        interval: The interval of each dimension.

    Returns:
        The stream.
    """
    return randomness.stream(key, randomness.CANDIDATE, tuple(interval))


def words_in_bin(
    stream: randomness.Stream,
    interval: UInt32[Array, "dim *n"],
    intervals: UInt32[Array | np.ndarray, " dim"],
    index: UInt32[Array, "*n"],
) -> UInt32[Array, "dim *n"]:
    """Draws candidates of a bin by their index; the decoder calls this.

    Args:
        stream: The stream of the bin.
        interval: The interval of each dimension.
        intervals: Number of intervals of each dimension.
        index: Index of the candidate within its bin, from 1.

    Returns:
        Words of the grid, in [0, 2^24).
    """
    uniform = randomness.draw(stream, index, interval.shape[0]) >> (32 - grid.BITS)
    counts = intervals.reshape(-1, *(1,) * (interval.ndim - 1))
    return grid.word_in_interval(interval, uniform, jnp.broadcast_to(counts, interval.shape))


def words_anywhere(key: randomness.Key, dim: int, index: UInt32[Array, "*n"]) -> UInt32[Array, "dim *n"]:
    """Draws candidates of the unpartitioned space by their index.

    Args:
        key: Shared randomness.
        dim: Number of dimensions.
        index: Index of each candidate, from 1.

    Returns:
        Words of the grid, in [0, 2^24): those of a candidate lie along the first axis.

    Example:
        >>> import jax.numpy as jnp, recjax
        >>> from recjax.rec.candidates import partition
        >>> partition.words_anywhere(recjax.key(0), 2, jnp.uint32([1, 2, 3])).shape  # three candidates in 2 dimensions
        (2, 3)
    """
    return randomness.draw(randomness.stream(key, randomness.CANDIDATE), index, dim) >> (32 - grid.BITS)
