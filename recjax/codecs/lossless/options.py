"""The options of lossless methods, in Python and on the command line. Nothing here imports JAX.

The strings below the fields are the help of the command line. An option that is None is left to the method and the
model; see `recjax.codecs.lossless.resolve`.
"""

from dataclasses import dataclass
from typing import Literal

from recjax.codecs.checks import (
    log2_of_candidates,
    require_block_bits,
    require_choice,
    require_flag,
    whole_number,
)
from recjax.container.methods import METHODS

ARITHMETICS = ("exact", "float")
"""Arithmetics of the networks."""

INDEX_CODES = ("zeta", "learned", "delta")
"""Codes of indices and depths. The position is the number in a file, so append only."""

BIN_CODES = ("uniform", "learned")
"""Codes of the intervals of bins."""

BRANCH_CODES = ("raw", "arithmetic")
"""Codes of the branches of paths."""

MAX_BLOCKS = 1 << 20
"""The largest number of blocks that can be asked for."""


@dataclass(frozen=True)
class LosslessOptions:
    """Holds the options that all lossless methods have."""

    arithmetic: Literal["exact", "float"] = "exact"
    """Arithmetic of the networks. exact uses integers, and its files decode on every machine; float is for research,
    and its files decode only where floats come out the same."""

    def __post_init__(self) -> None:
        require_choice("arithmetic", self.arithmetic, ARITHMETICS)


@dataclass(frozen=True)
class BlockOptions(LosslessOptions):
    """Holds the options of methods that send blocks of latents, each by the index of a candidate."""

    partition: bool = True
    """Search for candidates within bins of equal prior mass (space partitioning), which needs far fewer candidates."""
    candidates: int | None = None
    """Candidates searched per block of latents, a power of two; by default 65536 for pfr and 4096 for orc and
    bb-ans-rec. With more, encoding is slower and samples follow the posterior more closely."""
    block_bits: float | None = None
    """KL divergence of a block of latents, in bits; by default as much as the default number of candidates can carry.
    Larger blocks make smaller files, but need more candidates."""
    blocks: int | None = None
    """Largest number of blocks that the latents of an image are cut into, instead of a number of bits per block. Fewer
    blocks make smaller files, but need more candidates."""
    index_code: Literal["zeta", "learned", "delta"] | None = None
    """Code of the indices of candidates; by default the one learned from training images if the model has it, else
    zeta. delta is Elias's delta code."""
    bin_code: Literal["uniform", "learned"] | None = None
    """Code of the bins of the partition; by default the one learned from training images if the model has it, else
    uniform."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_flag("partition", self.partition)
        if self.block_bits is not None:
            require_block_bits("block_bits", self.block_bits)
        require_choice("index_code", self.index_code, INDEX_CODES)
        require_choice("bin_code", self.bin_code, BIN_CODES)
        if self.bin_code == "learned" and not self.partition:
            raise ValueError("learned bins need a partition; leave out bin_code or partition=False.")
        if self.blocks is not None:
            whole_number("blocks", self.blocks, 1, MAX_BLOCKS)
            if self.block_bits is not None:
                raise ValueError("blocks and block_bits both decide how latents are cut into blocks; give one of them.")
        if self.candidates is not None:
            log2_of_candidates(self.candidates)


@dataclass(frozen=True)
class PathOptions(LosslessOptions):
    """Holds the options of methods that send latents one by one, each by a path down a tree of intervals."""

    index_code: Literal["zeta", "learned", "delta"] | None = None
    """Code of the depths of paths down the tree; by default the one learned from training images if the model has it,
    else zeta. delta is Elias's delta code."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("index_code", self.index_code, INDEX_CODES)


@dataclass(frozen=True)
class BranchOptions(PathOptions):
    """Holds the options of methods whose trees divide intervals unevenly."""

    branch_code: Literal["raw", "arithmetic"] | None = None
    """Code of the branches of paths: arithmetic (the default) codes them by the sizes of their intervals; raw takes a
    bit for each, which is quicker and makes larger files."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("branch_code", self.branch_code, BRANCH_CODES)


@dataclass(frozen=True)
class DepthOptions(PathOptions):
    """Holds the options of methods whose trees have a limited depth."""

    max_depth: int | None = None
    """Depth of the tree for each latent, from 0 to 16, by default 10. All nodes are examined, so one level more takes
    twice the time. It should exceed the KL divergence of a latent in bits by 2."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_depth is not None:
            whole_number("max_depth", self.max_depth, *METHODS["dad-star"].parameters["max_depth"])
