"""Every coder on one-dimensional Gaussian targets: steps and codelength against divergence, and bias at equal bits.

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

from experiments import codelength, synthetic
from experiments.channel_bound import mean_channel_bits
from experiments.record import mean, standard_error
from experiments.synthetic_coders import APPROXIMATE, BY_CANDIDATES, EXACT, check_coders, encode_scalars
from recjax import grid, randomness, rec
from recjax.rec.base import Status

# 2^D_inf candidates are a mean, and 1 in e^8 searches of PFR needs 8 times as many; global GPRS has a longer tail.
_BUDGET_OVER_MEAN_LOG2 = 5

# Near 0 bits a search has its one first step, and the line is bent.
_BENT_BELOW = 4


@dataclass(frozen=True)
class Config:
    """divergences: Renyi-infinity, in bits, of the targets of the exact coders. grid_divergences: of targets so narrow
    that the grid's words show. budget_log2: of the candidates of the coders that examine 2^D_inf. bits: of the codes of
    the approximate coders, for the target (bias_mean, bias_scale). coders, approximate: which are run.
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
        every = self.divergences + self.grid_divergences
        if not self.divergences or not 0.5 <= min(every) <= max(every) <= grid.BITS:
            raise ValueError(f"divergences must lie in 0.5 ... {grid.BITS} bits, got {list(every)}; change them.")
        if set(self.divergences) & set(self.grid_divergences):
            raise ValueError(
                "divergences and grid_divergences must differ, as their targets do; take out the common ones."
            )
        if min(self.runs, self.candidate_runs, self.bias_runs) < 2:
            raise ValueError("runs, candidate_runs and bias_runs must be at least 2, for a mean with an error.")
        if not self.bits or not 1 <= min(self.bits) <= max(self.bits) <= 17:
            raise ValueError(f"bits must lie in 1 ... 17, got {list(self.bits)}; change them.")
        check_coders(self.coders, EXACT)
        check_coders(self.approximate, APPROXIMATE)


def make_targets(config: Config, divergence: float, runs: int) -> synthetic.Targets:
    """Targets [run, 1] of exactly this Renyi-infinity divergence in bits, with means anywhere in +- min(1, D_inf / 4).

    Anywhere, as the steps of a search depend on where a target lies among the halves and quarters of its tree. Those of
    `grid_divergences` are all one, of the largest mean: the words of the grid average out over many.
    """
    most = min(1.0, divergence / 4)
    rng = np.random.default_rng((config.seed, 3, round(1000 * divergence)))
    lowest = most if divergence in config.grid_divergences else -most
    mean = rng.uniform(lowest, most, (runs, 1))
    # The divergence falls with the scale up to here, where its derivative is 0: 1 - scale^2 = |mean| scale.
    low, high = np.full_like(mean, 1e-12), (np.sqrt(mean**2 + 4) - np.abs(mean)) / 2
    for _ in range(60):
        scale = (low + high) / 2
        above = -np.log(scale) + mean**2 / (2 * (1 - scale**2)) > divergence * math.log(2)
        low, high = np.where(above, scale, low), np.where(above, high, scale)
    return synthetic.Targets(mean, (low + high) / 2)


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Search with every coder. Figures are returned, no files are written."""
    start = time.perf_counter()
    exact, beyond = [], []
    for name in config.coders:
        rows = _exact(config, name)
        exact += [row for row in rows if row["divergence"] in config.divergences]
        beyond += [row for row in rows if row["divergence"] in config.grid_divergences]
        console.print(f"{name}: {len(rows)} targets")
    middle = time.perf_counter()
    approximate = []
    for name in config.approximate:
        approximate += [_approximate(config, name, bits) for bits in config.bits]
        console.print(f"{name}: {len(config.bits)} sizes")
    seconds = {"exact": middle - start, "approximate": time.perf_counter() - middle}
    trees = [name for name in config.coders if name not in BY_CANDIDATES]
    fits = [fit for start in (0, _BENT_BELOW) for name in trees for fit in fit_line(exact, name, start)]
    return {"exact": exact, "fits": fits, "grid": beyond, "approximate": approximate, "seconds": seconds}


def _exact(config: Config, name: str) -> list[dict[str, Any]]:
    chosen, runs = sorted({*config.divergences, *config.grid_divergences}), config.runs
    if name in BY_CANDIDATES:
        most = config.budget_log2 - _BUDGET_OVER_MEAN_LOG2
        chosen, runs = [d for d in config.divergences if d <= most], config.candidate_runs
    parts = [make_targets(config, divergence, runs) for divergence in chosen]
    targets = synthetic.Targets(*(np.concatenate(part, axis=1) for part in zip(*parts, strict=True)))
    key = randomness.key(config.seed + list(EXACT).index(name))
    found = encode_scalars(EXACT[name](1 << config.budget_log2), key, targets)
    residuals = (np.asarray(found.sample, np.float64) - targets.mean) / targets.scale
    ks = synthetic.ks_per_dimension(np.asarray(ndtr(jnp.asarray(residuals, jnp.float32))))
    bits = codelength.code_bits(found.code, (runs, len(chosen)), config.budget_log2)
    steps, status = np.asarray(found.info.steps).reshape(runs, -1), np.asarray(found.info.status).reshape(runs, -1)
    words = targets.scale * np.exp(-(targets.mean**2) / 2) / math.sqrt(2 * math.pi) * 2**grid.BITS
    rows = []
    for i, divergence in enumerate(chosen):
        row = {"coder": name, "divergence": divergence, "runs": runs, "kl_bits": mean(targets.kl_bits[:, i])}
        row |= {"channel_bits": mean_channel_bits(parts[i]), "words_per_scale": mean(words[:, i])}
        for figure, values in (("steps", steps), ("code_bits", bits.zeta), ("delta_bits", bits.delta)):
            row |= {figure: mean(values[:, i]), f"{figure}_se": standard_error(values[:, i])}
        row |= {"depth": None if isinstance(found.code, rec.Code) else mean(np.asarray(found.code.depth)[:, i])}
        row |= {"exhausted": int((status[:, i] == Status.BUDGET).sum())}
        row |= {"unsuited": int((status[:, i] == Status.UNSUITED).sum()), "ks": float(ks[i])}
        rows.append(row)
    return rows


def fit_line(rows: list[dict[str, Any]], name: str, start: float = 0) -> list[dict[str, Any]]:
    """The straight line through a coder's mean steps over divergences from `start` on, by weighted least squares.

    No line through fewer than three means.
    """
    own = [row for row in rows if row["coder"] == name and row["divergence"] >= start]
    if len(own) < 3:
        return []
    x, y, error = (np.array([row[key] for row in own]) for key in ("divergence", "steps", "steps_se"))
    error = np.maximum(error, 1e-6)
    (slope, offset), covariance = np.polyfit(x, y, 1, w=1 / error, cov="unscaled")
    misses = y - slope * x - offset
    centre = np.average(y, weights=error**-2)
    r_squared = 1 - np.sum(np.square(misses / error)) / np.sum(np.square((y - centre) / error))
    fit = {"coder": name, "slope": float(slope), "offset": float(offset), "r_squared": float(r_squared)}
    fit |= dict(zip(("slope_se", "offset_se"), np.sqrt(np.diag(covariance)).tolist(), strict=True))
    return [fit | {"largest_miss": float(np.abs(misses).max()), "from": float(x.min()), "to": float(x.max())}]


def _approximate(config: Config, name: str, bits: int) -> dict[str, Any]:
    shape = (config.bias_runs, 1)
    targets = synthetic.Targets(np.full(shape, config.bias_mean), np.full(shape, config.bias_scale))
    found = encode_scalars(APPROXIMATE[name](bits), randomness.key(config.seed + 100 + bits), targets)
    figures = synthetic.bias_figures(synthetic.evidence(targets, found.sample, config.seed))
    return {"coder": name, "bits": bits, "kl_bits": float(targets.kl_bits[0, 0])} | figures
