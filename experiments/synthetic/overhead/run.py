"""Measures the bits above the mutual information of every coder on Gaussian channels, in one dimension and in many.

Run:     python -m experiments configs/synthetic_overhead.toml
Channels X -> Z are as in `experiments.synthetic.targets`: the mean KL of the targets is the mutual information I, and
their mixture is the prior. Theorems on channels therefore apply: I <= E[D_CS] <= mean codelength, and
I + log2(I + 1) + c bits suffice. The same I is put into one dimension, or spread evenly over dimensions that carry few
bits each, as the latents of trained models do.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rich.console

from experiments.progress import searches
from experiments.reporting.ranges import check, check_each
from experiments.synthetic.channels import Family, make_family
from experiments.synthetic.coder_styles import LABELS
from experiments.synthetic.coders import APPROXIMATE, BY_CANDIDATES, EXACT, check_coders
from experiments.synthetic.overhead.rows import BLOCKS, block_rows, exact_rows, fixed_rows
from recjax import rec
from recjax.rec.base import RECAlgorithm

# Sizes of approximate coders to try, in bits above the mutual information.
_SPARE = range(2, 8)


@dataclass(frozen=True)
class Config:
    """Configures the experiment.

    Attributes:
        experiment: Name of the experiment in the registry.
        seed: Seed of everything that is drawn.
        information: Mutual information I of the channels, in bits; multiples of `per_dim_bits`.
        per_dim_bits: Bits of each dimension where I is spread over dimensions.
        runs: Targets of each channel.
        coders: Exact scalar coders to run, keys of `EXACT`.
        approximate: Approximate scalar coders to run, keys of `APPROXIMATE`.
        block_coders: Coders of blocks to run, some of `BLOCKS`.
        candidates_to: Largest I in one dimension of scalar coders that examine 2^D_inf candidates.
        wide_candidates_to: Largest I over many dimensions, where D_inf is larger, of coders that examine 2^D_inf
            candidates.
        approximate_to: Largest I of the approximate coders.
        intervals_log2: Logarithm (base 2) of the most intervals that a dimension is cut into.
        budget_log2: Logarithm (base 2) of the largest number of candidates of PFR (also partitioned) and global GPRS.
        orc_log2: Logarithm (base 2) of the candidates of partitioned ORC.

    Raises:
        ValueError: If a value is out of its range, or a coder is not known.
    """

    experiment: str
    seed: int = 0
    information: tuple[int, ...] = (2, 4, 6, 8, 10, 12, 14, 16, 18, 20)
    per_dim_bits: int = 2
    runs: int = 2000
    coders: tuple[str, ...] = tuple(EXACT)
    approximate: tuple[str, ...] = tuple(APPROXIMATE)
    block_coders: tuple[str, ...] = BLOCKS
    candidates_to: int = 10
    wide_candidates_to: int = 8
    approximate_to: int = 8
    intervals_log2: int = 12
    budget_log2: int = 19
    orc_log2: int = 12

    def __post_init__(self) -> None:
        check_coders(self.coders, EXACT)
        check_coders(self.block_coders, BLOCKS)
        check_coders(self.approximate, APPROXIMATE)
        check_each("information", self.information, 1, 22)
        for name, most in (("budget_log2", 24), ("orc_log2", 20), ("intervals_log2", 16), ("per_dim_bits", 22)):
            check(name, getattr(self, name), 1, most)
        check("approximate_to", self.approximate_to, 0, 10)
        if self.per_dim_bits not in self.information or any(i % self.per_dim_bits for i in self.information):
            raise ValueError(
                f"information must hold per_dim_bits={self.per_dim_bits} and multiples of it, got "
                f"{list(self.information)}; change either."
            )
        if min(self.candidates_to, self.wide_candidates_to) < min(self.information):
            raise ValueError("candidates_to and wide_candidates_to must reach the smallest information; raise them.")
        if self.runs < 2:
            raise ValueError("runs must be at least 2, for a mean with an error; raise them.")


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Runs every coder on every channel that it can afford.

    Args:
        config: What to run.
        folder: Unused, as no files are written.
        console: Where progress is shown.

    Returns:
        Rows in one dimension ("one") and in many ("many"), and wall times in seconds.
    """
    start = time.perf_counter()
    sizes = (config.runs, config.seed, config.intervals_log2)
    narrow = [make_family(i, 1, *sizes) for i in config.information]
    wide = [make_family(i, i // config.per_dim_bits, *sizes) for i in config.information]
    few = [f for f in narrow if f.information <= config.approximate_to]
    tried = len({f.information + more for f in few for more in _SPARE}) * len(config.approximate)
    one, many = [], []
    total = 2 * len(config.coders) + ("pfr_split" in config.block_coders) + tried + len(config.block_coders)
    with searches(console, total) as begin:
        for name in config.coders:
            begin(f"{LABELS[name]}, one dimension")
            own = _affordable(narrow, name, config.candidates_to)
            one += exact_rows(name, own, config.seed, config.budget_log2)
        if "pfr_split" in config.block_coders:
            begin(f"{LABELS['pfr_split']}, one dimension")
            one += _blocks(config, "pfr_split", narrow)
        for name in config.approximate if few else ():
            one += fixed_rows(name, few, config.seed, _SPARE, begin)
        middle = time.perf_counter()
        for name in config.coders:
            # PFR codes many dimensions as one block, in the next loop.
            if name != "pfr":
                begin(f"{LABELS[name]}, dimension by dimension")
                own = _affordable(wide, name, config.wide_candidates_to)
                many += exact_rows(name, own, config.seed, config.budget_log2)
        for name in config.block_coders:
            begin(f"{LABELS[name]}, many dimensions")
            many += _blocks(config, name, wide)
    seconds = {"one_dimension": middle - start, "many_dimensions": time.perf_counter() - middle}
    return {"one": one, "many": many, "seconds": seconds}


def _affordable(families: list[Family], name: str, most: int) -> list[Family]:
    return [f for f in families if name not in BY_CANDIDATES or f.information <= most]


def _blocks(config: Config, name: str, families: list[Family]) -> list[dict[str, Any]]:
    chosen = _affordable(families, name, config.wide_candidates_to)
    largest = config.orc_log2 if name == "orc_split" else config.budget_log2
    return block_rows(name, _algorithm(config, name), chosen, config.seed, largest)


def _algorithm(config: Config, name: str) -> RECAlgorithm:
    if name == "orc_split":
        return rec.orc(num_candidates=1 << config.orc_log2)
    return rec.pfr(max_candidates=1 << config.budget_log2, chunk_size=64 if name == "pfr_split" else 256)
