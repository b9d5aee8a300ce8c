"""Settings of relative entropy coding, which a file's header states and its decoder reads.

There are two families. In one, blocks of latents are sent by the index of a candidate (pfr, orc); in the other, single
latents are sent by a path down a tree of intervals (as-star, ad-star, dad-star, gprs).
"""

from dataclasses import dataclass
from typing import TypeAlias

from recjax import grid, rec
from recjax.codecs.checks import MAX_CANDIDATES_LOG2
from recjax.codecs.lossless.options import INDEX_CODES
from recjax.container.file import Header
from recjax.container.methods import METHODS
from recjax.errors import FormatError
from recjax.models.vae.evaluate import Model
from recjax.rec.trees import tree

BLOCK_METHODS = ("pfr", "orc")
"""Methods that send blocks of latents."""

SCALAR_METHODS = ("as-star", "ad-star", "dad-star", "gprs")
"""Methods that send latents one by one."""

REC_METHODS = (*BLOCK_METHODS, *SCALAR_METHODS)
"""Methods that send each image alone, by relative entropy coding."""

CHAIN_METHOD, START_METHOD = "bb-ans-rec", "orc"
"""The method whose chain starts on images sent by relative entropy coding, and the method by which those are sent."""

ZETA, LEARNED, DELTA = range(len(INDEX_CODES))
"""Numbers of the codes of indices in a file's header, in the order of INDEX_CODES."""

_LEARNED_BINS = 16
"""Added to the number of the index code in a header if the masses of intervals are learned."""


@dataclass(frozen=True)
class BlockSettings:
    """Holds how blocks of latents are sent; the header states all of it.

    Attributes:
        method: The name of the method: pfr or orc.
        partition: Whether blocks are searched within bins of equal prior mass.
        candidates_log2: log2 of the number of candidates of a block: the most that pfr examines, and all that orc
            examines.
        block_bits_q10: Largest sum of the training means of the KL divergences in a block, in units of 1/1024 bit.
        index_code: Number of the code of indices: ZETA, DELTA, or LEARNED, by a histogram in the model file.
        learned_bins: Whether intervals are coded by the masses in the model file, and not as equally probable.
    """

    method: str
    partition: bool
    candidates_log2: int
    block_bits_q10: int
    index_code: int = ZETA
    learned_bins: bool = False

    @property
    def histogram(self) -> str:
        """Name of the histogram of indices in the model file that LEARNED uses."""
        kind = "partition" if self.partition else "plain"
        return f"{self.method}-{kind}-{self.candidates_log2}-{self.block_bits_q10}"

    @property
    def parameters(self) -> dict[str, int]:
        """Parameters of the header by name."""
        return {
            "partition": int(self.partition),
            "candidates_log2": self.candidates_log2,
            "block_budget_bits_q10": self.block_bits_q10,
            "index_code": self.index_code + _LEARNED_BINS * self.learned_bins,
        }

    @property
    def index_log2(self) -> int:
        """log2 of the largest index that the code of indices is for."""
        return self.candidates_log2

    @property
    def encoder(self) -> rec.RECAlgorithm:
        """The algorithm that searches."""
        return self._algorithm(1 << self.candidates_log2)

    @property
    def decoder(self) -> rec.RECAlgorithm:
        """An algorithm that decodes the same codes, and is the same whatever the size of the search."""
        # Its largest index is that of any file: codes are checked against it where they are not traced.
        return self._algorithm(1 << MAX_CANDIDATES_LOG2)

    def _algorithm(self, candidates: int) -> rec.RECAlgorithm:
        size = {"pfr": "max_candidates", "orc": "num_candidates"}[self.method]
        return rec.ALGORITHMS[self.method](**{size: candidates})


@dataclass(frozen=True)
class ScalarSettings:
    """Holds how latents are sent one by one; the header states all of it.

    Attributes:
        method: The name of the method: as-star, ad-star, dad-star or gprs.
        index_code: Number of the code of depths plus 1: ZETA, DELTA, or LEARNED, by histograms in the model file.
        arithmetic: Whether branches are coded by the relative sizes of their intervals (as-star and gprs only), and not
            as raw bits.
        max_depth: Depth of the tree of dad-star; 0 for other methods.
    """

    method: str
    index_code: int = ZETA
    arithmetic: bool = False
    max_depth: int = 0

    @property
    def histogram(self) -> str:
        """Name of the histograms of depths in the model file that LEARNED uses."""
        return f"dad-star-{self.max_depth}" if self.method == "dad-star" else self.method

    @property
    def parameters(self) -> dict[str, int]:
        """Parameters of the header by name."""
        own = {"branch_code": int(self.arithmetic), "max_depth": self.max_depth, "index_code": self.index_code}
        return {name: value for name, value in own.items() if name in METHODS[self.method].parameters}

    @property
    def index_log2(self) -> int:
        """log2 of the largest depth plus 1 that the code of depths is for, rounded up."""
        deepest = {"dad-star": self.max_depth, "ad-star": grid.BITS}.get(self.method, tree.MAX_DEPTH - 1)
        return deepest.bit_length()

    @property
    def encoder(self) -> rec.RECAlgorithm:
        """The algorithm that searches."""
        make = rec.ALGORITHMS[self.method.replace("-", "_")]
        return make(max_depth=self.max_depth) if self.method == "dad-star" else make()

    @property
    def decoder(self) -> rec.RECAlgorithm:
        """An algorithm that decodes the same codes, one for each of the two kinds of trees."""
        return rec.ad_star() if self.method in ("ad-star", "dad-star") else rec.as_star()


Settings: TypeAlias = BlockSettings | ScalarSettings


def settings_of(header: Header, model: Model) -> Settings:
    """Reads the settings that a header states.

    Args:
        header: The header of a file that relative entropy coding is part of.
        model: The model that made the file.

    Returns:
        The settings.

    Raises:
        FormatError: The model does not have the learned codes that the header asks for.
    """
    stated = header.parameters
    method = START_METHOD if header.method == CHAIN_METHOD else header.method
    bins, index_code = divmod(stated["index_code"], _LEARNED_BINS)
    if method in SCALAR_METHODS:
        arithmetic, depth = bool(stated.get("branch_code", 0)), stated.get("max_depth", 0)
        settings, bins_known = ScalarSettings(method, index_code, arithmetic, depth), bins == 0
    else:
        settings = BlockSettings(
            method,
            bool(stated["partition"]),
            stated["candidates_log2"],
            stated["block_budget_bits_q10"],
            index_code,
            bool(bins),
        )
        bins_known = bins == 0 or (bins == 1 and settings.partition and model.interval_masses is not None)
    unknown = index_code == LEARNED and settings.histogram not in model.index_counts
    if index_code >= len(INDEX_CODES) or unknown or not bins_known:
        raise FormatError(f"the file uses an index code that model {model.name!r} does not have; the file is damaged.")
    return settings
