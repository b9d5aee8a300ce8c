"""Makes plans from training statistics: blocks, bins and the number of candidates for latents of known information."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import ArrayLike

from recjax import compiler, randomness
from recjax.coding.rans import MASS_BITS
from recjax.rec import bias as biases
from recjax.rec import blocks as blocking
from recjax.rec import index_codes
from recjax.rec.algorithms.dad_star import MAX_DEPTH
from recjax.rec.algorithms.table import ALGORITHMS
from recjax.rec.arguments import as_bins
from recjax.rec.base import Code, RECAlgorithm
from recjax.rec.bias import Ratios
from recjax.rec.candidates.interval_counts import intervals_from_kl
from recjax.rec.planned import Plan, index_masses, kl_q10

MAX_CHOSEN_LOG2 = 22
"""log2 of the largest number of candidates that `plan` chooses; more can be asked for."""

_MAX_BLOCK_BITS = 1 << 20
_EXACT_TREES = ("ad_star", "as_star", "gprs", "grc")
_SIZE_NAMES = {
    "pfr": "max_candidates",
    "orc": "num_candidates",
    "mrc": "num_candidates",
    "gprs_global": "max_candidates",
}


@compiler.in_32_bits
def plan(
    kl_bits: ArrayLike | Sequence[Any],
    *,
    algorithm: str | RECAlgorithm = "orc",
    block_bits: float = 8.0,
    partition: bool | None = None,
    candidates: int | None = None,
    max_bias: float = 0.05,
    shared_axes: Sequence[int] = (),
) -> Plan:
    """Plans how latents are sent: which ones together, in which bins, and among how many candidates.

    Everything comes from means over the training set, never from the posterior at hand, which the decoder does not
    know. Expected bits and bias are those of a Gaussian channel with these informations (see `recjax.rec.bias`): bounds
    for such posteriors, and estimates for others; `recjax.rec.diagnostics` measures the bias of samples. For a coder of
    one's own, the expected bits are those of an index as short as that of PFR, and the bias is not a number.

    Args:
        kl_bits: Mean KL divergence of each latent over the training set, in bits, [latent].
        algorithm: The name of a coder in `rec.ALGORITHMS`, or one with its sizes. "orc" sends few bits with a bias;
            "pfr" is exact while its candidates last; scalar ones send each latent alone.
        block_bits: Largest sum of KL divergences of a block, in bits; a latent of more gets a block alone. Larger
            blocks spend fewer bits in all and need more candidates. Scalar algorithms have no blocks.
        partition: Whether each block is searched within bins, which takes far fewer candidates (arXiv:2405.12203).
            None does so where the algorithm takes bins.
        candidates: Number of candidates of a search. None chooses the smallest power of two whose bias is at most
            `max_bias` for every block; give more if the status of your blocks is often `Status.BUDGET`. An algorithm
            with its sizes, and one that counts no candidates, takes none.
        max_bias: Largest bias of a block where this function chooses the size of the search, in (0, 1): a bound of the
            total variation distance between samples and targets.
        shared_axes: Axes of the batch, counted from 0, whose indices share one stream, so that each can be decoded
            alone; none by default, when each index has its own candidates.

    Returns:
        The plan.

    Raises:
        ValueError: An argument is out of range, or no number of candidates up to 2^22 has so small a bias.

    Example:
        >>> import numpy as np, recjax
        >>> from recjax import rec
        >>> plan = rec.plan([2.0, 3.0, 0.5, 4.0], block_bits=6.0)
        >>> plan.candidates, bool((plan.bias <= 0.05).all()), bool((plan.expected_bits > [4, 5.5]).all())
        (128, True, True)
        >>> q = recjax.Normal(np.array([[1.0, -0.5, 0.2, 1.5]]), np.array([0.3, 0.2, 0.7, 0.1]))
        >>> encoded = rec.encode(plan, recjax.key(0), q, recjax.Normal(0.0, 1.0))
        >>> sample = rec.decode(plan, recjax.key(0), recjax.Normal(0.0, 1.0), encoded.code)
        >>> sample.shape, bool((sample == encoded.sample).all())
        ((1, 4), True)
    """
    kl = kl_q10(kl_bits)
    axes = tuple(operator.index(axis) for axis in shared_axes)
    if any(axis < 0 for axis in axes) or len(set(axes)) < len(axes):
        raise ValueError(f"shared_axes of a plan are different axes counted from 0, got {axes}; count from the front")
    if not 0 < block_bits <= _MAX_BLOCK_BITS:
        raise ValueError(f"block_bits must be above 0 and at most {_MAX_BLOCK_BITS}, got {block_bits}; 8 is usual")
    if not 0 < max_bias < 1:
        raise ValueError(f"max_bias is a distance between 0 and 1, got {max_bias}; 0.05 is usual")
    named = _named(algorithm)
    partitioned = named.max_intervals > 0 if partition is None else partition
    counts = intervals_from_kl(kl / 1024).astype(np.int64) if partitioned else None
    blocks = None
    if not named.scalar:
        order = blocking.permutation(randomness.key(0), len(kl))
        blocks = blocking.split_by_budget(kl, max(round(block_bits * 1024), 1), order)
    bins = None if counts is None else as_bins(named, counts if blocks is None else blocks.split(counts, 1))
    ratios = biases.draw_ratios(kl / 1024, counts, by_supremum=named.exact)
    if blocks is not None:
        ratios = Ratios(*(np.where(blocks.used, blocks.split(one, 0.0), 0.0).sum(axis=-1) for one in ratios))
    sized = _sized(algorithm, candidates, max_bias, ratios)
    index_q8 = _index_bits(sized, kl, blocks, bins)
    expected = _expected_bits(sized, index_q8, kl, bins)
    return Plan(blocks, bins, index_q8, expected, _bias(sized, ratios), sized, axes)


def _named(algorithm: Any) -> RECAlgorithm:
    """Returns an algorithm of a name with some sizes, to ask what it takes."""
    if isinstance(algorithm, RECAlgorithm):
        return algorithm
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise ValueError(f"algorithm must be one of {', '.join(ALGORITHMS)}, got {algorithm!r}; choose one")
    sizes = {"max_depth": 1} if algorithm == "dad_star" else {}
    return ALGORITHMS[algorithm](**sizes, **({_SIZE_NAMES[algorithm]: 1} if algorithm in _SIZE_NAMES else {}))


def _sized(algorithm: str | RECAlgorithm, candidates: int | None, max_bias: float, ratios: Ratios) -> RECAlgorithm:
    """Returns the algorithm with the sizes that are given, or chosen by its bias."""
    takes_number = isinstance(algorithm, str) and algorithm in _SIZE_NAMES
    if candidates is not None and not takes_number:
        name = algorithm if isinstance(algorithm, str) else f"the {algorithm.name} that has its sizes"
        raise ValueError(f"{name} takes no number of candidates here, got {candidates}; leave it out")
    if isinstance(algorithm, RECAlgorithm):
        return algorithm
    make = ALGORITHMS[algorithm]
    if takes_number:
        chosen = 1 << _smallest(algorithm, MAX_CHOSEN_LOG2, max_bias, ratios) if candidates is None else candidates
        return make(**{_SIZE_NAMES[algorithm]: chosen})
    return make(max_depth=_smallest(algorithm, MAX_DEPTH, max_bias, ratios)) if algorithm == "dad_star" else make()


def _bias(algorithm: RECAlgorithm, ratios: Ratios) -> np.ndarray:
    """Returns the bias of each block; 0 for exact coders of paths whose tree is as deep as they can make it."""
    given = {name: size for name, size in algorithm.make.keywords.items() if name != "max_depth"}
    deepest = algorithm.name in _EXACT_TREES and algorithm.largest == ALGORITHMS[algorithm.name](**given).largest
    return np.zeros(ratios.sample.shape[1]) if deepest else biases.bound(algorithm.name, algorithm.largest, ratios)


def _smallest(name: str, most: int, max_bias: float, ratios: Ratios) -> int:
    """Returns the smallest log2 of a number of candidates (for DAD*, depth) whose bias is small enough."""
    deep, bias = name == "dad_star", 1.0
    for log2 in range(most + 1):
        bias = biases.bound(name, log2 if deep else 1 << log2, ratios).max()
        if bias <= max_bias:
            return log2
    most_work = f"{most} branches" if deep else f"2^{most} candidates"
    raise ValueError(
        f"a search of {name} has a bias of up to {bias:.3f} even with {most_work}, "
        f"got max_bias={max_bias}; raise it, lower block_bits, or take an exact coder such as as_star"
    )


def _index_bits(algorithm: RECAlgorithm, kl: np.ndarray, blocks: Any, bins: Any) -> np.ndarray:
    if algorithm.sends is not Code:
        return index_codes.expected_log2_depth(kl)
    in_blocks = kl[:, None] if blocks is None else blocks.split(kl, 0)
    counts = None if bins is None else np.asarray(bins.intervals, np.int64)
    return index_codes.expected_log2_index(in_blocks, counts, algorithm.largest)


def _expected_bits(algorithm: RECAlgorithm, index_q8: np.ndarray, kl: np.ndarray, bins: Any) -> np.ndarray:
    """Returns bounds of the mean codelengths.

    A zeta code of exponent 1 + 1/L spends (1 + 1/L) log2 n - log2 P(1) bits on n: L + 1 - log2 P(1) on average.
    """
    if algorithm.name == "mrc":
        return np.full(len(index_q8), np.log2(algorithm.largest))
    index = index_q8 / 256 + 1 + MASS_BITS - np.log2(index_masses(algorithm, index_q8)[:, 0])
    if algorithm.sends is not Code:
        return index + kl / 1024
    return index if bins is None else index + np.log2(bins.intervals).sum(axis=-1)
