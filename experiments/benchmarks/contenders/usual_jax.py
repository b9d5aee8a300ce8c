"""Ordered random coding as one writes it with `jax.random` under jit, for a batch of blocks by `lax.map`."""

import jax
import jax.numpy as jnp

from experiments.benchmarks.cases import Case
from experiments.benchmarks.task import Task


def prepare(case: Case, blocks: int) -> Task:
    """Code for so many blocks; ValueError for a partition, which nobody writes so."""
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
