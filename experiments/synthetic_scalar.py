"""Every coder on one-dimensional Gaussian targets: steps and codelength against divergence, and bias at equal bits.

Run:     python -m experiments configs/synthetic_scalar.toml
After the experiments of Flamich, Markou and Hernandez-Lobato 2022 (arXiv:2201.12857) on A* coding.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import jax.numpy as jnp
import numpy as np
import rich.console

from experiments import synthetic
from experiments.record import mean, standard_error
from recjax import randomness, rec
from recjax.coding import integers
from recjax.rec.base import RECAlgorithm, Status

# Candidate coders examine 2^D_inf candidates, which bounds the divergences they are asked for.
EXACT: dict[str, Callable[[int], RECAlgorithm]] = {
    "pfr": lambda budget: rec.pfr(max_candidates=budget, chunk_size=64),
    "gprs_global": lambda budget: rec.gprs_global(max_candidates=budget),
    "as_star": lambda budget: rec.as_star(),
    "ad_star": lambda budget: rec.ad_star(),
    "gprs": lambda budget: rec.gprs(),
    "grc": lambda budget: rec.grc(split="dyadic"),
}
BY_CANDIDATES = ("pfr", "gprs_global")
APPROXIMATE: dict[str, Callable[[int], RECAlgorithm]] = {
    "dad_star": lambda bits: rec.dad_star(max_depth=bits - 1),
    "orc": lambda bits: rec.orc(num_candidates=1 << bits),
    "mrc": lambda bits: rec.mrc(num_candidates=1 << bits),
}
_MAX_PATH_LOG2 = 6


@dataclass(frozen=True)
class Config:
    """divergences: Renyi-infinity, in bits, of the targets of the exact coders. budget_log2: of the candidates of the
    coders that examine 2^D_inf. bits: of the codes of the approximate coders, for the target (bias_mean, bias_scale).
    """

    experiment: str
    seed: int = 0
    divergences: tuple[float, ...] = (1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0)
    runs: int = 4000
    candidate_runs: int = 1000
    budget_log2: int = 17
    bits: tuple[int, ...] = (4, 6, 8, 10, 12)
    bias_runs: int = 4000
    bias_mean: float = 1.5
    bias_scale: float = 0.02

    def __post_init__(self) -> None:
        if not self.divergences or not 0.5 <= min(self.divergences) <= max(self.divergences) <= 18:
            raise ValueError(f"divergences must lie in 0.5 ... 18 bits, got {list(self.divergences)}; change them.")
        if min(self.runs, self.candidate_runs, self.bias_runs) < 2:
            raise ValueError("runs, candidate_runs and bias_runs must be at least 2, for a mean with an error.")
        if not self.bits or not 1 <= min(self.bits) <= max(self.bits) <= 17:
            raise ValueError(f"bits must lie in 1 ... 17, got {list(self.bits)}; change them.")


def target(divergence: float) -> tuple[float, float]:
    """Mean and scale of the target of a Renyi-infinity divergence in bits; its mean moves out to 1."""
    centre = min(1.0, divergence / 4)
    low, high = 1e-9, 1 - 1e-9
    for _ in range(200):
        scale = (low + high) / 2
        found = (-math.log(scale) + centre**2 / (2 * (1 - scale**2))) / math.log(2)
        # For scales up to the best one, more scale is less divergence.
        low, high = (scale, high) if found > divergence and scale**2 < 1 - centre**2 / 2 else (low, scale)
    return centre, scale


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Search with every coder. Figures are returned, no files are written."""
    start = time.perf_counter()
    exact = []
    for name in EXACT:
        exact += _exact(config, name)
        console.print(f"{name}: {len(config.divergences)} divergences")
    middle = time.perf_counter()
    approximate = []
    for name in APPROXIMATE:
        approximate += [_approximate(config, name, bits) for bits in config.bits]
        console.print(f"{name}: {len(config.bits)} sizes")
    seconds = {"exact": middle - start, "approximate": time.perf_counter() - middle}
    return {"exact": exact, "fits": _fits(exact), "approximate": approximate, "seconds": seconds}


def _exact(config: Config, name: str) -> list[dict[str, Any]]:
    algorithm = EXACT[name](1 << config.budget_log2)
    chosen = [d for d in config.divergences if name not in BY_CANDIDATES or d <= config.budget_log2 - 1]
    runs = config.candidate_runs if name in BY_CANDIDATES else config.runs
    means, scales = np.array([target(divergence) for divergence in chosen]).T
    targets = synthetic.Targets(np.tile(means, (runs, 1)), np.tile(scales, (runs, 1)))
    normal = targets.normal
    if not algorithm.scalar:
        normal = type(normal)(jnp.asarray(normal.loc)[..., None], jnp.asarray(normal.scale)[..., None])
    key = randomness.key(config.seed + list(EXACT).index(name))
    found = rec.encode(algorithm, key, normal, synthetic.PRIOR)
    sample = np.asarray(found.sample, np.float64).reshape(runs, len(chosen))
    bits = code_bits(found.code, config.budget_log2).reshape(runs, len(chosen))
    steps = np.asarray(found.info.steps, np.float64).reshape(runs, len(chosen))
    status = np.asarray(found.info.status).reshape(runs, len(chosen))
    rows = []
    for column, divergence in enumerate(chosen):
        uniforms = np.vectorize(NormalDist(means[column], scales[column]).cdf)(sample[:, column])
        kl_bits = float(targets.kl_bits[0, column])
        rows.append(
            {
                "coder": name, "divergence": divergence, "kl_bits": kl_bits, "runs": runs,
                "mean": means[column], "scale": scales[column],
                "channel_bits": channel_simulation_bits(means[column], scales[column]),
                "steps": mean(steps[:, column]), "steps_se": standard_error(steps[:, column]),
                "code_bits": mean(bits[:, column]), "code_bits_se": standard_error(bits[:, column]),
                "exhausted": int((status[:, column] == Status.BUDGET).sum()),
                "unsuited": int((status[:, column] == Status.UNSUITED).sum()),
                "ks": _ks(uniforms),
            }
        )  # fmt: skip
    return rows


def code_bits(code: Any, budget_log2: int) -> np.ndarray:
    """Codelength of codes [run, target ...] in bits, under zeta laws that know each target's mean log2 index."""
    number = np.asarray(code.index if isinstance(code, rec.Code) else code.depth + 1)
    raw = 0.0 if isinstance(code, rec.Code) else np.asarray(code.depth, np.float64)
    largest = budget_log2 if isinstance(code, rec.Code) else _MAX_PATH_LOG2
    flat = number.reshape(len(number), -1)
    columns = [
        integers.index_bits(integers.zeta_masses(math.ceil(256 * np.log2(column).mean()), largest), column)
        for column in flat.T
    ]
    return np.stack(columns, axis=1).reshape(number.shape) + raw


def channel_simulation_bits(centre: float, scale: float) -> float:
    """D_CS = - integral of w log2 w for w(h) = P[r >= h]: no code of the chosen index is shorter (arXiv:2401.16579)."""
    narrowing = 1 - scale**2
    width = scale / math.sqrt(narrowing)
    mode = centre / narrowing
    log_top = -math.log(scale) + centre**2 / (2 * narrowing)
    # h falls as exp(-d^2 / (2 width^2)) with the distance d from the mode.
    distance = np.linspace(0, 12 * max(width, 1.0), 60_001)[1:]
    fine = np.linspace(0, 12 * width, 60_001)[1:]
    distance = np.unique(np.concatenate([distance, fine]))
    cdf = np.vectorize(NormalDist().cdf)
    mass = np.maximum(cdf(mode + distance) - cdf(mode - distance), 1e-300)
    slope = np.exp(log_top - distance**2 / (2 * width**2)) * distance / width**2
    return float(np.trapezoid(-mass * np.log2(mass) * slope, distance))


def _fits(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Straight lines through the mean steps of the tree coders, over the divergence."""
    fits = []
    for name in EXACT:
        own = [row for row in rows if row["coder"] == name]
        if name in BY_CANDIDATES or len(own) < 3:
            continue
        x, y = np.array([row["divergence"] for row in own]), np.array([row["steps"] for row in own])
        slope, offset = np.polyfit(x, y, 1)
        left = np.sum(np.square(y - slope * x - offset)) / np.sum(np.square(y - y.mean()))
        fits.append({"coder": name, "slope": float(slope), "offset": float(offset), "r_squared": float(1 - left)})
    return fits


def _approximate(config: Config, name: str, bits: int) -> dict[str, Any]:
    algorithm = APPROXIMATE[name](bits)
    shape = (config.bias_runs, 1)
    targets = synthetic.Targets(np.full(shape, config.bias_mean), np.full(shape, config.bias_scale))
    found = rec.encode(algorithm, randomness.key(config.seed + 100 + bits), targets.normal, synthetic.PRIOR)
    figures = synthetic.bias_figures(synthetic.evidence(targets, found.sample, config.seed))
    return {"coder": name, "bits": bits, "kl_bits": float(targets.kl_bits[0, 0])} | figures


def _ks(uniforms: np.ndarray) -> float:
    ordered, step = np.sort(uniforms), np.arange(len(uniforms)) / len(uniforms)
    return float(np.maximum(step + 1 / len(uniforms) - ordered, ordered - step).max())
