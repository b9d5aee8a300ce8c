"""Ordered random coding by this package."""

import jax
import jax.numpy as jnp

from experiments.benchmarks.cases import Case
from experiments.benchmarks.task import Task
from recjax import Normal, key, rec


def prepare(case: Case, blocks: int) -> Task:
    """Code for so many blocks, in one stream if the case says so."""
    mean, scale = map(jnp.asarray, case.targets(blocks))
    algorithm = rec.orc(num_candidates=case.candidates)
    prior, bins = Normal(jnp.zeros(case.dim), jnp.ones(case.dim)), list(case.intervals) or None
    axes = (0,) if case.shared else ()

    def code() -> None:
        jax.block_until_ready(
            rec.encode(algorithm, key(0), Normal(mean, scale), prior, bins=bins, shared_axes=axes).code
        )

    return Task({"candidates": (code, blocks * case.candidates)})
