"""Codes blocks by ordered random coding as one would with `jax.random` under jit, with `lax.map` over blocks."""

import jax
import jax.numpy as jnp

from experiments.benchmarks.cases import Case
from experiments.benchmarks.task import Task


def prepare(case: Case, blocks: int) -> Task:
    """Prepares the coding of blocks.

    Args:
        case: The blocks, which must have no partition.
        blocks: Number of blocks.

    Returns:
        The code, whose amount is the number of candidates of all blocks.

    Raises:
        ValueError: If the blocks have a partition, which this code does not support.
    """
    if case.intervals:
        raise ValueError(f"{case.name!r} has a partition, which this contender does not code; leave it out.")
    mean, scale = case.targets(blocks)
    n = case.candidates

    def plain(block):
        key, m, s = block
        own, arrival = jax.random.split(key)
        z = jax.random.normal(own, (n, case.dim))
        waits = jax.random.exponential(arrival, (n,)) * n / jnp.arange(n, 0, -1)
        log_ratio = (0.5 * (z**2 - ((z - m) / s) ** 2)).sum(1)
        return jnp.argmin(jnp.log(jnp.cumsum(waits)) - log_ratio)

    coded = jax.jit(lambda keys: jax.lax.map(plain, (keys, jnp.asarray(mean), jnp.asarray(scale))))
    keys = jax.random.split(jax.random.key(0), blocks)
    return Task({"candidates": (lambda: jax.block_until_ready(coded(keys)), blocks * case.candidates)})
