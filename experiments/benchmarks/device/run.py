"""Measures candidates per second on a whole device, and its ceilings: copies, matrix products and integer operations.

Run:     python -m experiments configs/bench_device.toml
The device is the one that JAX takes by default, a CPU with all its cores or an accelerator.
"""

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import rich.console

from experiments.benchmarks.cases import Case
from experiments.benchmarks.task import median_seconds
from experiments.progress import searches
from recjax import Normal, compiler, key, rec

_PAIRS, _TURNS = 4, 64


@dataclass(frozen=True)
class Config:
    """Configures the benchmark.

    Attributes:
        experiment: Name of the experiment in the registry.
        independent: Blocks with candidates of their own.
        binned: Blocks with a partition.
        shared: Blocks that share their candidates.
        blocks: Blocks of a call.
        copy_megabytes: Size of the array that is copied, in MiB.
        matrix: Side of the square matrices that are multiplied.
        lanes: Length of the array of integer operations.
        rounds: Rounds, of which the median is taken.

    Raises:
        ValueError: If a number is below 1.
    """

    experiment: str
    independent: Case
    binned: Case
    shared: Case
    blocks: int = 1024
    copy_megabytes: int = 256
    matrix: int = 2048
    lanes: int = 1 << 18
    rounds: int = 5

    def __post_init__(self) -> None:
        for name in ("blocks", "copy_megabytes", "matrix", "lanes", "rounds"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}; raise it.")


def run(config: Config, folder: Path, console: rich.console.Console) -> dict[str, Any]:
    """Measures ceilings and candidates.

    Args:
        config: What to run.
        folder: Unused, as no files are written.
        console: Where progress is shown.

    Returns:
        Amounts per second by name, medians of the rounds, and wall times in seconds.
    """
    start = time.perf_counter()
    codes: dict[str, tuple[Callable[[], Any], float]] = {
        "copied bytes": _copy(config.copy_megabytes << 20),
        "product operations": _product(config.matrix),
        "integer operations": _integers(config.lanes),
    }
    for name in ("independent", "binned", "shared"):
        codes[f"{name} candidates"] = _candidates(getattr(config, name), config.blocks)
    rates = {}
    with searches(console, len(codes)) as begin:
        for name, (code, amount) in codes.items():
            begin(name)
            rates[name] = amount / median_seconds(lambda code=code: jax.block_until_ready(code()), config.rounds)
    return {"rates": rates, "seconds": {"all": time.perf_counter() - start}}


def _copy(size: int) -> tuple[Callable[[], Any], float]:
    """Returns code that copies an array, and the bytes that it reads and writes."""
    x = jnp.zeros(size // 4, jnp.uint32)
    copied = jax.jit(lambda x: x ^ 1)
    return lambda: copied(x), 2.0 * size


def _product(size: int) -> tuple[Callable[[], Any], float]:
    x = jnp.ones((size, size), jnp.float32)
    multiplied = jax.jit(lambda x: jnp.matmul(x, x, precision=jax.lax.Precision.HIGHEST))
    return lambda: multiplied(x), 2.0 * size**3


def _integers(lanes: int) -> tuple[Callable[[], Any], float]:
    """Returns code of additions, rotations and exclusive ors as in Threefry, and the operations (a rotation is one)."""
    x = jnp.arange(lanes, dtype=jnp.uint32)
    return lambda: _chains(_TURNS, x), 3.0 * _TURNS * _PAIRS * lanes


@compiler.wide
def _chains(turns: int, x: jax.Array) -> jax.Array:
    # Several independent chains, as within a chain each operation waits for the last one's result.
    pairs = [(x + jnp.uint32(k), x ^ jnp.uint32(0x9E3779B9 * (k + 1) % 2**32)) for k in range(_PAIRS)]
    for turn in range(turns):
        left = 13 + turn % 7
        pairs = [(a + b, (a + b) ^ ((b << left) | (b >> (32 - left)))) for a, b in pairs]
    return functools.reduce(jnp.bitwise_xor, [a ^ b for a, b in pairs])


def _candidates(case: Case, blocks: int) -> tuple[Callable[[], Any], float]:
    mean, scale = map(jnp.asarray, case.targets(blocks))
    algorithm, prior = rec.orc(num_candidates=case.candidates), Normal(jnp.zeros(case.dim), jnp.ones(case.dim))
    bins, axes = list(case.intervals) or None, (0,) if case.shared else ()

    def code() -> Any:
        return rec.encode(algorithm, key(0), Normal(mean, scale), prior, bins=bins, shared_axes=axes).code

    return code, float(blocks * case.candidates)
