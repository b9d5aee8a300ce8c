"""Bits above the mutual information: every exact coder on Gaussian channels, in one dimension and in many.

Run:     python -m experiments configs/synthetic_overhead.toml
X -> Z as in `synthetic`: the mean KL of the targets is the mutual information I of the channel, and their mixture is
the prior, so that theorems on channels apply: I <= E[D_CS] <= mean codelength, and I + log2(I + 1) + c bits suffice.
The same I is put into one dimension, or spread evenly over dimensions that carry few bits each, as latents do.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rich.console

from experiments import codelength, synthetic
from experiments.coder_styles import CODED
from experiments.record import mean, standard_error
from experiments.synthetic_channels import Family, make_family
from experiments.synthetic_coders import AT_SAMPLES, BY_CANDIDATES, EXACT, check_coders, encode_scalars
from recjax import randomness, rec
from recjax.rec.base import RECAlgorithm, Status

BLOCKS = ("pfr", "pfr_split", "orc_split")
"""Coders of blocks: over the whole space, and in the bins of a partition, exact and with a fixed budget."""


@dataclass(frozen=True)
class Config:
    """information: I in bits. per_dim_bits: of each dimension where I is spread. coders, block_coders: which are run.

    candidates_to, wide_candidates_to: largest I of coders that examine 2^D_inf candidates, in one dimension and spread,
    where D_inf is larger. intervals_log2: most for one dimension.
    budget_log2: of the candidates of exact coders; orc_log2: of those of ORC.
    """

    experiment: str
    seed: int = 0
    information: tuple[int, ...] = (2, 4, 6, 8, 10, 12, 14, 16, 18, 20)
    per_dim_bits: int = 2
    runs: int = 2000
    coders: tuple[str, ...] = tuple(EXACT)
    block_coders: tuple[str, ...] = BLOCKS
    candidates_to: int = 10
    wide_candidates_to: int = 8
    intervals_log2: int = 12
    budget_log2: int = 19
    orc_log2: int = 12

    def __post_init__(self) -> None:
        check_coders(self.coders, EXACT)
        check_coders(self.block_coders, BLOCKS)
        if not self.information or not 1 <= min(self.information) <= max(self.information) <= 22:
            raise ValueError(f"information must lie in 1 ... 22 bits, got {list(self.information)}; change it.")
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
    """Search with every coder. Figures are returned, no files are written."""
    start = time.perf_counter()
    sizes = (config.runs, config.seed, config.intervals_log2)
    narrow = [make_family(i, 1, *sizes) for i in config.information]
    wide = [make_family(i, i // config.per_dim_bits, *sizes) for i in config.information]
    one = []
    for name in config.coders:
        one += _scalars(config, name, narrow)
        console.print(f"{name}, one dimension: done")
    if "pfr_split" in config.block_coders:
        one += _blocks(config, "pfr_split", narrow)
    middle = time.perf_counter()
    many = [_spread(row, family) for family in wide for row in one if _can_spread(config, row)]
    for name in config.block_coders:
        many += _blocks(config, name, wide)
        console.print(f"{name}, many dimensions: done")
    seconds = {"one_dimension": middle - start, "many_dimensions": time.perf_counter() - middle}
    return {"one": one, "many": many, "seconds": seconds}


def _figures(
    name: str, family: Family, bits: dict[str, np.ndarray], steps: np.ndarray, status: np.ndarray, sample: np.ndarray
) -> dict[str, Any]:
    """A row: overheads over each target's own KL, so that their noise is out of the mean; and steps and bias."""
    row = {"coder": name} | family.known() | {"runs": len(steps)}
    kl = family.kl_bits
    for law, values in bits.items():
        row |= {f"{law}_overhead": mean(values - kl), f"{law}_overhead_se": standard_error(values - kl)}
    row |= {"steps": mean(steps), "steps_se": standard_error(steps)}
    row |= {"exhausted": int((status == Status.BUDGET).sum()), "unsuited": int((status == Status.UNSUITED).sum())}
    return row | synthetic.bias_figures(synthetic.evidence(family.targets, sample, 0))


def _scalars(config: Config, name: str, families: list[Family]) -> list[dict[str, Any]]:
    chosen = [f for f in families if name not in BY_CANDIDATES or f.information <= config.candidates_to]
    targets = synthetic.Targets(
        *(np.concatenate(part, axis=1) for part in zip(*(f.targets for f in chosen), strict=True))
    )
    key = randomness.key(config.seed + list(EXACT).index(name))
    found = encode_scalars(EXACT[name](1 << config.budget_log2), key, targets)
    shape = targets.mean.shape
    codes = {name: codelength.code_bits(found.code, shape, config.budget_log2)}
    if name in AT_SAMPLES:
        branches = rec.branch_bits(rec.stream_keys(key, found.code.shape), found.code)
        codes[name + CODED] = codelength.code_bits(found.code, shape, config.budget_log2, branch_bits=branches)
    steps, status, sample = (np.asarray(x).reshape(shape) for x in (found.info.steps, found.info.status, found.sample))
    return [
        _figures(own, f, _column(bits, i), steps[:, i], status[:, i], sample[:, i, None])
        for own, bits in codes.items()
        for i, f in enumerate(chosen)
    ]


def _column(bits: codelength.Bits, column: int) -> dict[str, np.ndarray]:
    return {law: values[:, column] for law, values in bits._asdict().items()}


def _blocks(config: Config, name: str, families: list[Family]) -> list[dict[str, Any]]:
    """One search of all families: to the others' number of dimensions, they get some that carry nothing."""
    split = name.endswith("_split")
    chosen = [f for f in families if split or f.information <= config.wide_candidates_to]
    most = max(f.dims for f in chosen)
    parts, cuts = zip(*(f.widened(most) for f in chosen), strict=True)
    targets = synthetic.Targets(*map(np.concatenate, zip(*parts, strict=True)))
    key = randomness.fold_in(randomness.key(config.seed), 50 + BLOCKS.index(name))
    found = synthetic.search(
        _algorithm(config, name), key, targets, np.concatenate(cuts) if split else None, int(np.max(cuts))
    )
    shape = (len(chosen), config.runs)
    by_column = found.code._replace(index=found.code.index.reshape(shape).T)
    log2_bins = np.array([f.intervals_log2 * f.dims if split else 0.0 for f in chosen])
    largest = config.orc_log2 if name == "orc_split" else config.budget_log2
    bits = codelength.code_bits(by_column, shape[::-1], largest, log2_bins)
    steps, status = (np.asarray(x).reshape(shape) for x in (found.info.steps, found.info.status))
    sample = np.asarray(found.sample).reshape(*shape, most)
    rows = []
    for i, f in enumerate(chosen):
        row = _figures(name, f, _column(bits, i), steps[i], status[i], sample[i, :, : f.dims])
        rows.append(row | {"log2_bins": float(log2_bins[i])})
    return rows


def _algorithm(config: Config, name: str) -> RECAlgorithm:
    if name == "orc_split":
        return rec.orc(num_candidates=1 << config.orc_log2)
    return rec.pfr(max_candidates=1 << config.budget_log2, chunk_size=64 if name == "pfr_split" else 256)


def _can_spread(config: Config, row: dict[str, Any]) -> bool:
    name = row["coder"].removesuffix(CODED)
    return row["information"] == config.per_dim_bits and name in EXACT and name not in BY_CANDIDATES


def _spread(row: dict[str, Any], family: Family) -> dict[str, Any]:
    """A scalar coder's row for dimensions that it codes one by one: so many times that of one dimension."""
    dims = family.dims
    made = {"coder": row["coder"]} | family.known() | {"runs": row["runs"]}
    for figure in ("zeta_overhead", "delta_overhead", "steps"):
        made |= {figure: dims * row[figure], f"{figure}_se": dims**0.5 * row[f"{figure}_se"]}
    return made | {"exhausted": row["exhausted"], "unsuited": row["unsuited"]}
