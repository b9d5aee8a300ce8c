"""How latents are sent by relative entropy coding: what a file's header states.

There are two families. Blocks of latents are sent by an index among candidates (pfr, orc); single latents by a path
down a tree of intervals (as-star, ad-star, dad-star, gprs).
"""

from dataclasses import dataclass
from typing import TypeAlias

from recjax import grid, rec
from recjax.codecs.lossless.options import INDEX_CODES
from recjax.container.file import Header
from recjax.container.methods import METHODS
from recjax.errors import FormatError
from recjax.models.vae.evaluate import Model
from recjax.rec.trees import tree

BLOCK_METHODS = ("pfr", "orc")
SCALAR_METHODS = ("as-star", "ad-star", "dad-star", "gprs")
REC_METHODS = (*BLOCK_METHODS, *SCALAR_METHODS)
CHAIN_METHOD, START_METHOD = "bb-ans-rec", "orc"
"""A chain that starts on images sent by relative entropy coding, and how those are sent."""

ZETA, LEARNED, DELTA = range(len(INDEX_CODES))
_LEARNED_BINS = 16
"""Added to the number of the index code in a file whose intervals have learned masses."""


@dataclass(frozen=True)
class BlockSettings:
    """How blocks of latents are sent; all of it stands in the header.

    candidates_log2: log2 of the candidates of a block (a limit for the PFR, the number for ORC). block_bits_q10: budget
    of training-mean KL of a block, in 1/1024 bit. index_code: ZETA, DELTA, or LEARNED from training histograms in the
    model file. learned_bins: intervals have the model's masses and not equal ones.
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
        """As the header states them."""
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
        """One that decodes the same, whatever the sizes of the search."""
        return self._algorithm(1)

    def _algorithm(self, candidates: int) -> rec.RECAlgorithm:
        size = {"pfr": "max_candidates", "orc": "num_candidates"}[self.method]
        return rec.ALGORITHMS[self.method](**{size: candidates})


@dataclass(frozen=True)
class ScalarSettings:
    """How latents are sent one by one; all of it stands in the header.

    index_code: of depths plus 1; ZETA, DELTA, or LEARNED from training histograms in the model file. arithmetic:
    branches are coded by the shares of their intervals (as-star and gprs), not as raw bits. max_depth: of dad-star.
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
        """As the header states them."""
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
        """One that decodes the same: there are two kinds of trees."""
        return rec.ad_star() if self.method in ("ad-star", "dad-star") else rec.as_star()


Settings: TypeAlias = BlockSettings | ScalarSettings


def settings_of(header: Header, model: Model) -> Settings:
    """The settings that a header states; FormatError if the model does not have what they need."""
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
