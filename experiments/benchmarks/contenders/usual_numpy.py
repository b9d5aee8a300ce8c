"""Codes blocks by ordered random coding as one would with NumPy: block by block, with arrays of all candidates."""

import numpy as np
import scipy.special

from experiments.benchmarks.cases import Case
from experiments.benchmarks.task import Task


def prepare(case: Case, blocks: int) -> Task:
    """Prepares the coding of blocks.

    Args:
        case: The blocks.
        blocks: Number of blocks.

    Returns:
        The code, whose amount is the number of candidates of all blocks.
    """
    mean, scale = case.targets(blocks)
    rng = np.random.default_rng(1)

    def code() -> None:
        for m, s in zip(mean, scale, strict=True):
            _partitioned(rng, m, s, case) if case.intervals else _plain(rng, m, s, case.candidates)

    return Task({"candidates": (code, blocks * case.candidates)})


def _plain(rng: np.random.Generator, mean: np.ndarray, scale: np.ndarray, candidates: int) -> int:
    z = rng.standard_normal((candidates, len(mean)), dtype=np.float32)
    return int(np.argmin(np.log(_arrivals(rng, candidates)) - _log_ratio(z, mean, scale)))


def _arrivals(rng: np.random.Generator, candidates: int) -> np.ndarray:
    waits = rng.standard_exponential(candidates, dtype=np.float32)
    return np.cumsum(waits * np.float32(candidates) / np.arange(candidates, 0, -1, dtype=np.float32))


def _log_ratio(z: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return (0.5 * (z**2 - ((z - mean) / scale) ** 2)).sum(axis=1)


def _partitioned(rng: np.random.Generator, mean: np.ndarray, scale: np.ndarray, case: Case) -> tuple[np.ndarray, int]:
    """Returns the interval of each dimension, and the rank of the winner among the candidates of its bin."""
    n = case.candidates
    intervals = np.empty((n, case.dim), np.int32)
    gain = np.zeros(n, np.float32)
    for d, count in enumerate(case.intervals):
        edges = scipy.special.ndtri(np.linspace(0, 1, count + 1))
        weight = np.diff(scipy.special.ndtr((edges - mean[d]) / scale[d]))
        weight = (weight + 1e-5) / (weight + 1e-5).sum()
        intervals[:, d] = np.searchsorted(np.cumsum(weight)[:-1], rng.random(n, dtype=np.float32))
        gain += np.log(count * weight).astype(np.float32)[intervals[:, d]]
    uniform = (intervals + rng.random((n, case.dim), dtype=np.float32)) / np.asarray(case.intervals, np.float32)
    z = scipy.special.ndtri(np.clip(uniform, np.float32(6e-8), np.float32(1 - 6e-8)))
    winner = int(np.argmin(np.log(_arrivals(rng, n)) - _log_ratio(z, mean, scale) + gain))
    rank = int((intervals[: winner + 1] == intervals[winner]).all(axis=1).sum())
    return intervals[winner], rank
