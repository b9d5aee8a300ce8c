"""The options of lossless methods, in Python and on the command line. Nothing here imports JAX.

The strings below the fields are the help of the command line. An option that is None is left to the method and the
model: see `recjax.codecs.lossless.resolve`.
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
INDEX_CODES = ("zeta", "learned", "delta")
"""Codes of indices and depths. Position is the number in a file: append only."""

BIN_CODES = ("uniform", "learned")
BRANCH_CODES = ("raw", "arithmetic")
MAX_BLOCKS = 1 << 20


@dataclass(frozen=True)
class LosslessOptions:
    """The options that all lossless methods have."""

    arithmetic: Literal["exact", "float"] = "exact"
    """Arithmetic of the networks: float is for research; such a file decodes only where floats come out the same."""

    def __post_init__(self) -> None:
        require_choice("arithmetic", self.arithmetic, ARITHMETICS)


@dataclass(frozen=True)
class BlockOptions(LosslessOptions):
    """The options of methods that send blocks of latents by the index of a candidate."""

    partition: bool = True
    """Search within bins of equal prior mass (space partitioning), which needs far fewer candidates."""
    candidates: int | None = None
    """Candidates per block, a power of two, by default 65536 for pfr and 4096 for orc; more is slower and closer to the
    posterior."""
    block_bits: float | None = None
    """KL divergence of a block of latents, in bits; by default as much as the default number of candidates can
    carry."""
    blocks: int | None = None
    """Blocks of latents, in place of the bits of a block; fewer are smaller, if there are candidates enough."""
    index_code: Literal["zeta", "learned", "delta"] | None = None
    """Code of the indices of candidates; by default the one that the model has learned, else zeta."""
    bin_code: Literal["uniform", "learned"] | None = None
    """Code of the bins; by default the one that the model has learned, else uniform."""

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
    """The options of methods that send latents one by one, by a path down a tree of intervals."""

    index_code: Literal["zeta", "learned", "delta"] | None = None
    """Code of the depths of paths; by default the one that the model has learned, else zeta."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("index_code", self.index_code, INDEX_CODES)


@dataclass(frozen=True)
class BranchOptions(PathOptions):
    """The options of methods whose paths branch unevenly."""

    branch_code: Literal["raw", "arithmetic"] | None = None
    """How branches are coded, by default arithmetic; raw is quicker and larger."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("branch_code", self.branch_code, BRANCH_CODES)


@dataclass(frozen=True)
class DepthOptions(PathOptions):
    """The options of methods whose trees have a limited depth."""

    max_depth: int | None = None
    """Depth of the tree, by default 10, of which all nodes are examined; 2 more than the bits of a latent."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_depth is not None:
            whole_number("max_depth", self.max_depth, *METHODS["dad-star"].parameters["max_depth"])
