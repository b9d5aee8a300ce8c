"""Codes blocks by ordered random coding with this package."""

import jax
import jax.numpy as jnp

from experiments.benchmarks.cases import Case
from experiments.benchmarks.task import Task
from recjax import Normal, key, rec


def prepare(case: Case, blocks: int) -> Task:
    """Prepares the coding of blocks.

    Args:
        case: The blocks; they share their candidates if the case allows it.
        blocks: Number of blocks.

    Returns:
        The code, whose amount is the number of candidates of all blocks.
    """
    mean, scale = map(jnp.asarray, case.targets(blocks))
    algorithm = rec.orc(num_candidates=case.candidates)
    prior, bins = Normal(jnp.zeros(case.dim), jnp.ones(case.dim)), list(case.intervals) or None
    axes = (0,) if case.shared else ()

    def code() -> None:
        jax.block_until_ready(
            rec.encode(algorithm, key(0), Normal(mean, scale), prior, bins=bins, shared_axes=axes).code
        )

    return Task({"candidates": (code, blocks * case.candidates)})
