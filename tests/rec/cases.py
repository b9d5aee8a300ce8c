"""One row for each algorithm, which buys every general test of `test_laws.py`."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import recjax
from recjax import rec

ROWS, DIM = 24, 3
# A coding distribution that is not the standard normal.
P_LOC, P_SCALE = np.float32([0.3, -2.0, 10.0]), np.float32([1.0, 2.7, 0.1])


class Case(NamedTuple):
    """An algorithm with its sizes, the intervals of a partition, and sizes that are too small for most targets."""

    name: str
    sizes: dict
    bins: list[int] | None = None
    short: dict | None = None

    @property
    def algorithm(self) -> rec.RECAlgorithm:
        return rec.ALGORITHMS[self.name](**self.sizes)

    def __str__(self) -> str:
        return " ".join([self.name, *map(str, self.sizes.values()), *(["in bins"] if self.bins else [])])


CASES = [
    Case("pfr", {"max_candidates": 1 << 14, "chunk_size": 32}, short={"max_candidates": 2, "chunk_size": 32}),
    Case("pfr", {"max_candidates": 1 << 14, "chunk_size": 32}, [3, 7, 5], {"max_candidates": 1, "chunk_size": 32}),
    Case("orc", {"num_candidates": 200, "chunk_size": 32}),
    Case("orc", {"num_candidates": 200, "chunk_size": 32}, [4, 8, 1]),
    Case("mrc", {"num_candidates": 200, "chunk_size": 32}),
    Case("as_star", {}, short={"max_depth": 0}),
    Case("ad_star", {}, short={"max_depth": 0}),
    Case("dad_star", {"max_depth": 6}),
    Case("gprs", {}, short={"max_depth": 0}),
    Case("gprs_global", {"max_candidates": 1 << 14, "chunk_size": 16}, short={"max_candidates": 1, "chunk_size": 16}),
    Case("grc", {"split": "sample"}, short={"split": "sample", "max_depth": 0}),
    Case("grc", {"split": "dyadic"}, short={"split": "dyadic", "max_depth": 0}),
]


def targets(seed: int = 0, narrower: float = 1.0) -> tuple[recjax.Normal, recjax.Normal]:
    """Targets [ROWS, DIM] and their coding distributions [DIM], of about 1 bit of KL per dimension."""
    rng = np.random.default_rng(seed)
    mean = rng.uniform(-1.2, 1.2, (ROWS, DIM)).astype(np.float32)
    scale = rng.uniform(0.2, 0.85, (ROWS, DIM)).astype(np.float32) * np.float32(narrower)
    return recjax.Normal(P_LOC + P_SCALE * mean, P_SCALE * scale), recjax.Normal(P_LOC, P_SCALE)


def random_code(case: Case, like, seed: int = 0):
    """A code of the same kind and shape that no search made, with every bit at random."""
    rng = np.random.default_rng(seed)

    def random(leaf):
        return jnp.asarray(rng.integers(0, 1 << 32, leaf.shape), jnp.uint32)

    code = jax.tree.map(random, like)
    if isinstance(code, rec.Path):
        return code._replace(depth=code.depth % 100)
    return code
