"""Measures steps and codelength of every coder on one-dimensional Gaussian targets, and bias at equal bits.

Run:     python -m experiments configs/synthetic_scalar.toml
After the experiments of Flamich, Markou and Hernandez-Lobato 2022 (arXiv:2201.12857) on A* coding.
"""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import rich.console
from jax.scipy.special import ndtr

from experiments.progress import searches
from experiments.provenance import mean, standard_error
from experiments.reporting.ranges import check, check_each
from experiments.synthetic import targets as synthetic
from experiments.synthetic.channel_bound import mean_channel_overhead
from experiments.synthetic.coder_styles import CODED, LABELS
from experiments.synthetic.coders import (
    APPROXIMATE,
    BY_CANDIDATES,
    EXACT,
    check_coders,
    codes_of,
    encode_scalars,
    exact_key,
)
from experiments.synthetic.scalar.line_fit import fit_line
from experiments.synthetic.scalar.targets import make_targets
from recjax import grid, randomness, rec
from recjax.rec.base import Status
from recjax.rec.diagnostics import kolmogorov_isf, kolmogorov_sf, ks_distance

# The budget is at least 2^5 times the mean of 2^D_inf candidates: one in e^8 searches of PFR examines more than 8 times
# the mean, and global GPRS has a longer tail.
_BUDGET_OVER_MEAN_LOG2 = 5

# Every search takes at least one step, so that the mean steps bend away from the line near 0 bits.
_BENT_BELOW = 4


@dataclass(frozen=True)
class Config:
    """Configures the experiment.

    Attributes:
        experiment: Name of the experiment in the registry.
        seed: Seed of everything that is drawn.
        coders: Exact coders to run, keys of `EXACT`.
        approximate: Approximate coders to run, keys of `APPROXIMATE`.
        divergences: Renyi-infinity divergences of the targets of the exact coders, in bits.
        grid_divergences: Renyi-infinity divergences, in bits, of targets so narrow that the words of the grid show.
            Coders that examine 2^D_inf candidates are not run on them.
        runs: Targets of each divergence.
        candidate_runs: Targets of each divergence for coders that examine 2^D_inf candidates.
        budget_log2: Logarithm (base 2) of the largest number of candidates of these coders.
        bits: Bits of the code of each approximate coder.
        bias_runs: Samples of each approximate coder and number of bits, all of one target.
        bias_mean: Mean of that target.
        bias_scale: Standard deviation of that target.

    Raises:
        ValueError: If a value is out of its range, or a coder is not known.
    """

    experiment: str
    seed: int = 0
    coders: tuple[str, ...] = tuple(EXACT)
    approximate: tuple[str, ...] = tuple(APPROXIMATE)
    divergences: tuple[float, ...] = (1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0)
    grid_divergences: tuple[float, ...] = (18.0, 20.0, 21.0, 22.0, 23.0, 24.0)
    runs: int = 4000
    candidate_runs: int = 1000
    budget_log2: int = 21
    bits: tuple[int, ...] = (3, 4, 5, 6, 7, 8, 9, 10, 12)
    bias_runs: int = 4000
    bias_mean: float = 1.5
    bias_scale: float = 0.02

    def __post_init__(self) -> None:
        check_coders(self.coders, EXACT)
        check_coders(self.approximate, APPROXIMATE)
        check_each("divergences and grid_divergences", self.divergences + self.grid_divergences, 0.5, grid.BITS)
        check_each("bits", self.bits, 1, 17)
        check("budget_log2", self.budget_log2, 1, 24)
        check("bias_scale", self.bias_scale, 2.0**-20, 1 - 1e-3)
        check("bias_mean", self.bias_mean, -5, 5)
        if not self.divergences:
            raise ValueError("divergences must hold a number of bits at least, got none; add one.")
        if set(self.coders) & set(BY_CANDIDATES) and self.most_by_candidates < min(self.divergences):
            raise ValueError(
                f"budget_log2 must be at least {_BUDGET_OVER_MEAN_LOG2} above the smallest divergence for PFR and "
                f"global GPRS, got {self.budget_log2}; raise it or leave these coders out."
            )
        if min(self.runs, self.candidate_runs, self.bias_runs) < 2:
            raise ValueError("runs, candidate_runs and bias_runs must be at least 2, for a mean with an error.")

    @property
    def most_by_candidates(self) -> float:
        """Largest divergence, in bits, of coders that examine 2^D_inf candidates."""
        return self.budget_log2 - _BUDGET_OVER_MEAN_LOG2


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Runs every coder.

    Args:
        config: What to run.
        folder: Unused, as no files are written.
        console: Where progress is shown.

    Returns:
        What depends on the targets alone ("targets"), rows of exact coders ("exact"), lines fitted to their steps
        ("fits"), their rows on narrow targets ("grid"), rows of approximate coders ("approximate"), and wall times in
        seconds.
    """
    start = time.perf_counter()
    exact, beyond, approximate = [], [], []
    with searches(console, len(config.coders) + len(config.approximate) * len(config.bits)) as begin:
        for name in config.coders:
            begin(LABELS[name])
            rows = _exact(config, name)
            exact += [row for row in rows if row["divergence"] in config.divergences]
            # Rows with coded branches are other codes of the same samples, and add nothing about the grid.
            coded = name + CODED
            beyond += [r for r in rows if r["divergence"] in config.grid_divergences and r["coder"] != coded]
        middle = time.perf_counter()
        for name in config.approximate:
            for bits in config.bits:
                begin(f"{LABELS[name]}, {bits} bits")
                approximate.append(_approximate(config, name, bits))
    seconds = {"exact": middle - start, "approximate": time.perf_counter() - middle}
    trees = [name for name in config.coders if name not in BY_CANDIDATES]
    fits = [fit for lowest in (0, _BENT_BELOW) for name in trees for fit in fit_line(exact, name, lowest)]
    known = [_known(d, make_targets(d, config.runs, config.seed)) for d in config.divergences]
    figures = {"targets": known, "exact": exact, "fits": fits, "grid": beyond, "approximate": approximate}
    return figures | {"seconds": seconds}


def _known(divergence: float, chosen: synthetic.Targets) -> dict[str, Any]:
    """Computes the figures of targets that do not depend on the coder."""
    kl = mean(chosen.kl_bits)
    return {"divergence": divergence, "kl_bits": kl, "channel_bits": kl + mean_channel_overhead(chosen)}


def _exact(config: Config, name: str) -> list[dict[str, Any]]:
    chosen, runs = sorted({*config.divergences, *config.grid_divergences}), config.runs
    if name in BY_CANDIDATES:
        chosen, runs = [d for d in config.divergences if d <= config.most_by_candidates], config.candidate_runs
    parts = [make_targets(d, runs, config.seed, one_mean=d in config.grid_divergences) for d in chosen]
    targets = synthetic.Targets(*(np.concatenate(part, axis=1) for part in zip(*parts, strict=True)))
    key = exact_key(config.seed, name)
    encoded = encode_scalars(EXACT[name](1 << config.budget_log2), key, targets)
    residuals = (np.asarray(encoded.sample, np.float64) - targets.mean) / targets.scale
    ks = ks_distance(np.asarray(ndtr(jnp.asarray(residuals, jnp.float32))))
    shape = targets.mean.shape
    steps, status = (np.asarray(part).reshape(shape) for part in (encoded.info.steps, encoded.info.status))
    words = targets.scale * np.exp(-(targets.mean**2) / 2) / math.sqrt(2 * math.pi) * 2**grid.BITS
    rows = []
    for coder, bits in codes_of(name, key, encoded, shape, config.budget_log2).items():
        for i, divergence in enumerate(chosen):
            row = {"coder": coder, "divergence": divergence, "runs": runs, "kl_bits": mean(targets.kl_bits[:, i])}
            row |= {"words_per_scale": mean(words[:, i]), "steps_median": float(np.median(steps[:, i]))}
            for figure, values in (("steps", steps), ("code_bits", bits.zeta), ("delta_bits", bits.delta)):
                row |= {figure: mean(values[:, i]), f"{figure}_se": standard_error(values[:, i])}
            row |= {"depth": None if isinstance(encoded.code, rec.Code) else mean(np.asarray(encoded.code.depth)[:, i])}
            row |= {"exhausted": int((status[:, i] == Status.BUDGET).sum())}
            row |= {"unsuited": int((status[:, i] == Status.UNSUITED).sum()), "ks": float(ks[i])}
            row |= {"ks_limit": kolmogorov_isf(0.05) / math.sqrt(runs)}
            rows.append(row | {"ks_pvalue": kolmogorov_sf(math.sqrt(runs) * float(ks[i]))})
    return rows


def _approximate(config: Config, name: str, bits: int) -> dict[str, Any]:
    shape = (config.bias_runs, 1)
    targets = synthetic.Targets(np.full(shape, config.bias_mean), np.full(shape, config.bias_scale))
    key = randomness.fold_in(randomness.key(config.seed), 1, list(APPROXIMATE).index(name), bits)
    encoded = encode_scalars(APPROXIMATE[name](bits), key, targets)
    figures = synthetic.bias_figures(synthetic.evidence(targets, encoded.sample, config.seed))
    return {"coder": name, "bits": bits, "kl_bits": float(targets.kl_bits[0, 0])} | figures
