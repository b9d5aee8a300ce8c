"""Types of relative entropy coding: algorithms, the codes they send, and what encoding returns.

An algorithm is a frozen bundle of pure functions, written for one block of one image; the engine owns the loop and the
batch. `key` always means randomness that encoder and decoder share. The decoder never sees the target q.
"""

import enum
import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32, UInt32

from recjax.coding.codec import Codec
from recjax.distributions.base import CodingDistribution, Distribution
from recjax.distributions.ratio import BlockRatio
from recjax.randomness import Key


class Status(enum.IntEnum):
    """Tells how the search for one block ended.

    INVALID takes precedence over UNSUITED, and UNSUITED over BUDGET. Whatever the status, the code decodes to the
    sample.

    Attributes:
        OK: The search ended as the algorithm promises. For an exact algorithm, the cdf of the samples then differs from
            that of the target by at most 0.002; algorithms that are not exact are biased in addition.
        BUDGET: The candidates ran out before the stopping rule applied, and the best so far is sent; or no candidate of
            an approximate algorithm could be a sample of the target.
        INVALID: The target or the coding distribution had a scale that is not positive or a number that is not finite,
            and such a coordinate was coded as if the target were the coding distribution; or traced bins had more
            intervals than the algorithm's `max_intervals`, in which case the sample lies in one of the first
            `max_intervals`.
        UNSUITED: The sample need not follow the target: its density ratio is not of the kind that the algorithm
            requires (see there), or the coding distribution's grid cannot represent the target. The latter holds if
            more than 0.1% of the target lies beyond the outermost words or one word would hold more than 2^-9 of it, as
            for a target much narrower than the spacing of words (see `recjax.distributions.ratio.is_on_grid`).

    Example:
        >>> from recjax import rec
        >>> rec.Status(0) is rec.Status.OK, int(rec.Status.BUDGET)
        (True, 1)
    """

    OK = 0
    BUDGET = 1
    INVALID = 2
    UNSUITED = 3


class Info(NamedTuple):
    """Describes how each block was coded, for people: nothing here reaches the decoder.

    Attributes:
        steps: Number of candidates or tree nodes examined.
        log2_index: log2 of the index sent, in bits (for `mrc`, log2 of the number of candidates); the depth of a
            `Path`.
        log2_bins: log2 of the number of bins, in bits; 0 without bins.
        log_ratio_nats: Log density ratio of the sample less an upper bound of it: the largest log ratio of any words,
            for independent coordinates. In nats, at most 0 but for rounding.
        status: A value of `Status`.

    Example:
        >>> import numpy as np, recjax
        >>> from recjax import rec
        >>> algorithm, p = rec.orc(num_candidates=64), recjax.Normal(0.0, 1.0)
        >>> info = rec.encode(algorithm, recjax.key(0), recjax.Normal(np.array([[0.5], [1.0]]), 0.5), p).info
        >>> info.steps.tolist(), info.status.tolist()
        ([64, 64], [0, 0])
    """

    steps: UInt32[Array, "*batch"]
    log2_index: Float[Array, "*batch"]
    log2_bins: Float[Array, "*batch"]
    log_ratio_nats: Float[Array, "*batch"]
    status: Int32[Array, "*batch"]


def outcome(ratio: BlockRatio, finished: Any = True, suited: Any = True, valid: Any = True) -> Int32[Array, ""]:
    """Returns the status of a search.

    Args:
        ratio: Density ratio of the block, which knows whether its numbers are valid and whether the grid represents it.
        finished: Whether the search ended by its own rule; otherwise it was cut off.
        suited: Whether the ratio is of the kind that the algorithm requires.
        valid: Whether the other arguments of the search are valid.

    Returns:
        A value of `Status`, int32 [].
    """
    suited = jnp.all(ratio.covered & suited)
    status = jnp.where(suited, jnp.where(finished, Status.OK, Status.BUDGET), Status.UNSUITED)
    return jnp.where(jnp.all(ratio.valid & valid), status, Status.INVALID).astype(jnp.int32)


@dataclass(frozen=True)
class Sweep:
    """Describes an algorithm without bins to the search that serves many blocks of one stream of candidates at once.

    Attributes:
        budget: Number of candidates, a multiple of `recjax.rec.candidates.matmul_scores.SPAN`.
        ordered: Whether arrival times are the order statistics of `budget` exponentials (ORC); otherwise they are those
            of a Poisson process (PFR).
    """

    budget: int
    ordered: bool


class Code(NamedTuple):
    """Names a candidate: the bin that it lies in, and its index within that bin.

    Attributes:
        interval: The bin, as the number of its interval in each dimension, from 0; all 0 without bins.
        index: Number of the candidate within its bin, from 1. A scalar algorithm sends one for every coordinate, so
            that it has the shape of `interval`.

    Example:
        >>> import numpy as np
        >>> from recjax import rec
        >>> rec.Code(interval=np.zeros((3, 2), np.uint32), index=np.ones(3, np.uint32)).shape
        (3, 2)
    """

    interval: UInt32[Array, "*batch dim"]
    index: UInt32[Array, "*batch"]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape [*batch, dim] of the samples that are named."""
        return self.interval.shape


PATH_WORDS = 2
"""Number of 32-bit words that hold the branches of a path."""


class Path(NamedTuple):
    """Names a node of a binary tree of intervals by the way to it from the root.

    Attributes:
        depth: Number of branches taken, from 0 (the root) to 64.
        branches: Branch i is bit i mod 32 of word i // 32: 1 for the upper interval, 0 for the lower. Bits from `depth`
            on are 0.

    Example:
        >>> import numpy as np
        >>> from recjax import rec
        >>> path = rec.Path(depth=np.uint32([2]), branches=np.uint32([[0b10, 0]]))  # lower, then upper
        >>> path.shape
        (1,)
    """

    depth: UInt32[Array, "*batch"]
    branches: UInt32[Array, "*batch words"]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the samples that are named, one for each path."""
        return self.depth.shape


class Encoded(NamedTuple):
    """Holds the result of encoding: the code, the sample that it names, and diagnostics.

    Attributes:
        code: A `Code` or a `Path`, as the algorithm sends.
        words: Words of the coding distribution's grid that the sample consists of, in [0, 2^24).
        sample: Values of these words, float32, which `decode` returns bit for bit.
        info: Diagnostics of each block. Look at `info.status`.

    Example:
        >>> import numpy as np, recjax
        >>> from recjax import rec
        >>> algorithm, p = rec.orc(num_candidates=64), recjax.Normal(0.0, 1.0)
        >>> encoded = rec.encode(algorithm, recjax.key(0), recjax.Normal(np.array([[0.5, -0.5]]), 0.5), p)
        >>> encoded.code.index.shape, encoded.words.shape, encoded.sample.shape
        ((1,), (1, 2), (1, 2))
    """

    code: Any
    words: UInt32[Array, "*batch dim"]
    sample: Float[Array, "*batch dim"]
    info: Info


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Bins:
    """Describes a partition of space into bins of equal prior mass: an axis-aligned grid of equal-mass intervals.

    Attributes:
        intervals: Number of intervals of each dimension, at least 1.
        capacity: A static upper bound of `intervals`, which is the size of the tables of a search.

    Example:
        >>> import numpy as np
        >>> from recjax import rec
        >>> bins = rec.Bins(np.uint32([4, 1]), capacity=4)  # 4 bins, along the first dimension
        >>> int(bins.intervals.prod())
        4
    """

    intervals: UInt32[Array | np.ndarray, "*batch dim"]
    capacity: int = field(default=1, metadata={"static": True})


@dataclass(frozen=True)
class RECAlgorithm:
    """Bundles a relative entropy coding algorithm as pure functions of one block of `dim` coordinates.

    For a coder of your own, write a function of its sizes that returns one of these; `rec.encode`, `rec.decode` and
    `rec.plan` take it from any file. Its functions are traced by JAX, and the engine owns the loop and the batch:
    `init`, `step`, `done` and `result` see one block, with q and p of shape [dim] and keys [2], and their state is any
    pytree of arrays. A step of several candidates is quicker than one of a single candidate. Programs are kept by
    object, so a factory should return the same object for the same sizes (`functools.lru_cache`), or all is compiled
    again. Most such coders need `distributions.density_ratio` for the log ratios of words, `candidates.partition` for
    the words of candidates, `randomness.draw` for random numbers of `private_key` with the purpose
    `randomness.ARRIVAL`, and `index_codes.code_codec` for the codec. A complete one is
    `experiments/tutorials/d_a_new_coder_in_one_file.py`.

    `bins` is None for an algorithm without a partition of space. A pickle or copy keeps `make` alone and calls it.

    Attributes:
        name: Name of the factory.
        init: (key, private_key, q, p, bins) -> state, at the start of a search.
        step: (key, private_key, state) -> state, after more candidates; leaves a finished state as it is, as rows of a
            batch end at different steps.
        done: (state) -> bool [], whether the search has ended.
        result: (key, private_key, state) -> (code, words, Info).
        decode: (key, bins, code, dim) -> words [dim] that a code names.
        code_codec: (masses, bins, dim) -> Codec of the codes of several blocks, with a row of index masses for each.
        exact: Whether the sample follows the target as long as the budget lasts.
        sends: The kind of its codes.
        largest: Largest index of a `Code` or depth of a `Path`.
        make: Called without arguments, makes the algorithm again.
        max_intervals: Bound of the intervals per dimension of bins that are traced arrays; 0 if it takes no bins.
        scalar: Whether every coordinate is coded alone. Blocks then have one coordinate, and the last axis of q is a
            batch axis like the others.
        sweep: How blocks that share candidates can be searched together; None if they cannot.

    Example:
        >>> import pickle
        >>> from recjax import rec
        >>> algorithm = rec.pfr(max_candidates=1024)
        >>> algorithm.exact, algorithm.scalar, algorithm.largest
        (True, False, 1024)
        >>> pickle.loads(pickle.dumps(algorithm)).largest
        1024
    """

    name: str
    init: Callable[[Key, Key, Distribution, CodingDistribution, Bins | None], Any]
    step: Callable[[Key, Key, Any], Any]
    done: Callable[[Any], Any]
    result: Callable[[Key, Key, Any], tuple[Any, Any, Info]]
    decode: Callable[[Key, Bins | None, Any, int], UInt32[Array, " dim"]]
    code_codec: Callable[..., Codec]
    exact: bool
    sends: type[Code] | type[Path]
    largest: int
    make: functools.partial
    max_intervals: int = 0
    scalar: bool = False
    sweep: Sweep | None = None

    def __reduce__(self):
        return self.make, ()
