"""The face of a relative entropy coding algorithm, and what travels through it.

An algorithm is a frozen bundle of pure functions, written for one block of one image; the engine owns the loop and the
batch. `key` always means randomness that the decoder shares. The decoder never sees the target q.
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
    """How a search ended.

    OK: as the algorithm promises. BUDGET: the candidates ran out before the stopping rule, and the best so far is sent;
    or none of an approximate algorithm's could be a sample of the target.
    UNSUITED: the sample need not follow the target, as the density ratio is not of the kind that the algorithm asks for
    (see its docstring), or the coding distribution's grid cannot represent the target: more than 0.1% of it lies beyond
    the outermost words, or more than 2^-9 of it would be on one word, as where it is much narrower than a word's place
    (see `recjax.distributions.ratio.is_on_grid`). Samples of all other targets differ from them, by way of the grid, by
    at most 0.002 in their cdfs.
    INVALID: the target or the coding distribution had a scale that is not positive or a number that is not finite, and
    such a coordinate was coded as if the target were the coding distribution; or traced bins had more intervals than
    the algorithm's `max_intervals`, of which the sample lies in the first. Either way the code decodes to the sample.
    """

    OK = 0
    BUDGET = 1
    INVALID = 2
    UNSUITED = 3


class Info(NamedTuple):
    """How one block was coded, for people: nothing here reaches the decoder.

    steps: candidates examined. log2_index: log2 of the local index, in bits, or the
    depth of a path. log2_bins: log2 of the number of bins, in
    bits. log_ratio_nats: log r of the chosen words less its maximum. status: a value of Status.
    """

    steps: UInt32[Array, "*batch"]
    log2_index: Float[Array, "*batch"]
    log2_bins: Float[Array, "*batch"]
    log_ratio_nats: Float[Array, "*batch"]
    status: Int32[Array, "*batch"]


def outcome(ratio: BlockRatio, finished: Any = True, suited: Any = True, valid: Any = True) -> Int32[Array, ""]:
    """The status of a search that `finished` by its own rule or was cut off; on a ratio that is `suited` to the
    algorithm or not; with the rest of its arguments `valid` or not."""
    suited = jnp.all(ratio.covered & suited)
    status = jnp.where(suited, jnp.where(finished, Status.OK, Status.BUDGET), Status.UNSUITED)
    return jnp.where(jnp.all(ratio.valid & valid), status, Status.INVALID).astype(jnp.int32)


@dataclass(frozen=True)
class Sweep:
    """What a sweep must know of an algorithm without bins. budget: candidates, a multiple of a sweep's spans.

    ordered: whether times are the order statistics of `budget` exponentials; otherwise a Poisson process's.
    """

    budget: int
    ordered: bool


class Code(NamedTuple):
    """What is sent: the interval of each dimension, and the index (from 1) of a candidate within that bin."""

    interval: UInt32[Array, "*batch dim"]
    index: UInt32[Array, "*batch"]

    @property
    def shape(self) -> tuple[int, ...]:
        """[*batch, dim] of the sample that is named."""
        return self.interval.shape


PATH_WORDS = 2


class Path(NamedTuple):
    """What a coder that descends a tree of intervals sends: how deep, and where it turned.

    depth: number of branches taken. branches: branch i is bit i mod 32 of word i // 32, 1 for the upper interval; bits
    from `depth` on are 0.
    """

    depth: UInt32[Array, "*batch"]
    branches: UInt32[Array, "*batch words"]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the samples that are named, one for each path."""
        return self.depth.shape


class Encoded(NamedTuple):
    """The result of encoding: the code, the sample that it names (as words and as values), and diagnostics."""

    code: Any
    words: UInt32[Array, "*batch dim"]
    sample: Float[Array, "*batch dim"]
    info: Info


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Bins:
    """A partition of space into bins of equal prior mass: `intervals` equal-mass intervals per dimension.

    capacity: a static bound on the intervals of any dimension, the size of the tables.
    """

    intervals: UInt32[Array | np.ndarray, "*batch dim"]
    capacity: int = field(default=1, metadata={"static": True})


@dataclass(frozen=True)
class RECAlgorithm:
    """A relative entropy coding algorithm as pure functions of one block of `dim` coordinates.

    A `scalar` algorithm codes every coordinate by itself: its blocks have one coordinate, and the last axis of q is a
    batch axis like the others.

    init(key, private_key, q, p, bins) -> state
    step(key, private_key, state) -> state, which leaves a finished state as it is
    done(state) -> Bool
    result(key, private_key, state) -> (code, words, Info)
    decode(key, bins, code, dim) -> words
    code_codec(masses, bins, dim) -> Codec of the codes of blocks, from a row of index masses for each
    bins is None for the unpartitioned algorithm. `exact` says whether the sample follows the target while the budget
    lasts; `sends`, the kind of its codes, and `largest`, the largest index of a Code or depth of a Path;
    `max_intervals` is the capacity assumed of bins that are traced arrays, whose number it must not exceed, and
    0 where there are no bins; `sweep`, how blocks that share candidates can be searched together. `make`, called,
    makes it again: what pickles and copies keep of it.
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
