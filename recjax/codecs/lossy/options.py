"""The options of the lossy method, in Python and on the command line. Nothing here imports JAX.

The strings below the fields are the help of the command line. An option that is None is left to the model.
"""

from dataclasses import dataclass
from math import isfinite
from typing import Literal

from recjax.codecs.checks import log2_of_candidates, require_block_bits, require_choice, require_flag, require_number

EFFORT_NAMES = ("quick", "normal", "thorough")
"""Names of efforts, from the shortest to the longest."""

INDEX_CODES = ("zeta", "learned", "uniform")
"""Codes of the indices of candidates. The position is the number in a file, so append only."""


@dataclass(frozen=True)
class LossyOptions:
    """Holds the options of the lossy method."""

    bpp: float | None = None
    """Bits per pixel of the file, approximately; by default those for which the model's middle prior was trained."""
    effort: Literal["quick", "normal", "thorough"] = "normal"
    """How long pictures are fitted before and while they are encoded. Longer gives better pictures at the same size;
    decoding always takes the same time."""
    partition: bool = True
    """Search for candidates within bins of equal prior mass (space partitioning), which needs far fewer candidates."""
    candidates: int | None = None
    """Candidates searched per block of latents, a power of two; by default 16384, or 65536 without partition. With
    more, encoding is slower and samples follow the posterior more closely."""
    block_bits: float | None = None
    """KL divergence of a block of latents, in bits, without the part that its bins send; by default as much as the
    default number of candidates can carry."""
    index_code: Literal["zeta", "learned", "uniform"] | None = None
    """Code of the indices of candidates; by default the one learned from training pictures if the model has it, else
    zeta. uniform takes as many bits for every index."""

    def __post_init__(self) -> None:
        if self.bpp is not None:
            require_bits_per_pixel("bpp", self.bpp)
        require_choice("effort", self.effort, EFFORT_NAMES, optional=False)
        require_flag("partition", self.partition)
        if self.block_bits is not None:
            require_block_bits("block_bits", self.block_bits)
        require_choice("index_code", self.index_code, INDEX_CODES)
        if self.candidates is not None:
            log2_of_candidates(self.candidates)


def require_bits_per_pixel(name: str, value: float) -> None:
    """Checks a rate.

    Args:
        name: The name of the value, for the error message.
        value: The rate, in bits per pixel.

    Raises:
        ValueError: The value is not a number, or not above 0 and at most 24, the rate of raw RGB pictures.
    """
    require_number(name, value)
    if not (isfinite(value) and 0 < value <= 24):
        raise ValueError(f"{name} must lie above 0 and up to 24, got {value}.")
