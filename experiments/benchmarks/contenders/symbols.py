"""Symbols to code, each under its own distribution: the same [steps, LANES], in the same order, for every coder."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

from recjax.coding.rans import TOTAL_MASS

LANES = 256
CELLS = 256


class Symbols(NamedTuple):
    """Holds symbols and their distributions.

    Attributes:
        symbol: Symbols in [0, number of symbols).
        distributions: Parameters of each symbol's distribution by name: "one" (the probability of 1), "edges" and
            "mass"
            (tables), or "mean" in units of 2^-9 and "log2_scale" in units of 2^-8 (normals).
        ideal_bits: Bits of all symbols under their distributions.
    """

    symbol: Int64[np.ndarray, "steps lanes"]
    distributions: dict[str, np.ndarray]
    ideal_bits: float


def draw(name: str, steps: int) -> Symbols:
    """Draws symbols of a kind.

    Args:
        name: "binary" (a probability each), "tables" (masses of 256 symbols each) or "normals" (a quantised normal on
            256 integers each).
        steps: Number of steps of `LANES` symbols.

    Returns:
        The symbols, the same at every call.
    """
    rng = np.random.default_rng(0)
    return {"binary": _binary, "tables": _tables, "normals": _normals}[name](rng, (steps, LANES))


def _binary(rng: np.random.Generator, shape: tuple[int, int]) -> Symbols:
    one = np.round(rng.uniform(0.01, 0.99, shape) * 2**16) / 2**16
    symbol = (rng.random(shape) < one).astype(np.int64)
    return Symbols(symbol, {"one": one}, _bits(np.where(symbol == 1, one, 1 - one)))


def _tables(rng: np.random.Generator, shape: tuple[int, int]) -> Symbols:
    """Draws symbols under normal bumps of random place and width on a floor.

    The distributions are given as probabilities ("mass") and as cumulative masses out of `TOTAL_MASS` ("edges").
    """
    centre, width = rng.uniform(0, CELLS, shape), np.exp2(rng.uniform(0, 5, shape))
    bumps = np.exp(-0.5 * ((np.arange(CELLS) - centre[..., None]) / width[..., None]) ** 2) + 1e-3
    below = np.cumsum(bumps, axis=-1) / np.sum(bumps, axis=-1, keepdims=True)
    inner = np.round(below * (TOTAL_MASS - CELLS)).astype(np.uint32) + np.arange(1, CELLS + 1, dtype=np.uint32)
    edges = np.concatenate([np.zeros((*shape, 1), np.uint32), inner], axis=-1)
    symbol = np.sum(edges[..., 1:] <= rng.integers(0, TOTAL_MASS, (*shape, 1)), axis=-1)
    mass = np.diff(edges, axis=-1) / TOTAL_MASS
    chosen = np.take_along_axis(mass, symbol[..., None], -1)[..., 0]
    return Symbols(symbol, {"edges": edges, "mass": mass}, _bits(chosen))


def _normals(rng: np.random.Generator, shape: tuple[int, int]) -> Symbols:
    from scipy.special import ndtr

    # Integers, as an exact coder needs them: means in units of 2^-9, and log2 of scales in units of 1/256.
    mean, log2_scale = rng.integers(-(60 << 9), 60 << 9, shape), rng.integers(-256, 4 << 8, shape)
    centre, scale = mean / 2**9, np.exp2(log2_scale / 2**8)
    drawn = np.clip(np.round(rng.normal(centre, scale)), -CELLS // 2, CELLS // 2 - 1)
    mass = ndtr((drawn + 0.5 - centre) / scale) - ndtr((drawn - 0.5 - centre) / scale)
    return Symbols((drawn + CELLS // 2).astype(np.int64), {"mean": mean, "log2_scale": log2_scale}, _bits(mass))


def _bits(mass: Float64[np.ndarray, "steps lanes"]) -> float:
    return float(-np.log2(np.maximum(mass, 2.0**-16)).sum())
