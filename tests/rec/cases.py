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
    """An algorithm with its sizes.

    bins: intervals of a partition. short: sizes that are too small for most targets. golden: what the codes of
    `test_golden.py` decode to; where it is missing, the test there prints it.
    """

    name: str
    sizes: dict
    bins: list[int] | None = None
    short: dict | None = None
    golden: list | None = None

    @property
    def algorithm(self) -> rec.RECAlgorithm:
        return rec.ALGORITHMS[self.name](**self.sizes)

    def __str__(self) -> str:
        return " ".join([self.name, *map(str, self.sizes.values()), *(["in bins"] if self.bins else [])])


# Words of candidates from the whole space, of nodes of trees that cut at samples, and of nodes of trees of halves.
FROM_P = [[6864279, 2043867, 12453685], [3861356, 146415, 5939187], [1574711, 1130415, 10993674]]
CUTS = [[8578426, 10265372, 9026340], [9802671, 9194567, 4655225], [8727357, 15002083, 417858]]
HALVES = [[8578426, 12239603, 7022193], [7676788, 4689829, 4478097], [12886640, 6122718, 509469]]
# Of blocks of one coordinate, in bins of 3, 7 and 5 intervals, of 4, 8 and 1, and at depths of at most 6.
ALONE = [[6864279, 2738482, 10167966], [15820719, 15073605, 4428880], [8300257, 1142683, 8515852]]
IN_ODD_BINS = [[1683803, 294405, 70663], [12110378, 16601732, 15536952], [6651769, 7453598, 7155469]]
IN_BINS = [[1262852, 257604, 353316], [11555995, 13376006, 4496083], [8046541, 7949548, 16078900]]
SHALLOW = [*HALVES[:1], [7676788, 4689829, 4619833], [12983960, 6179204, 275420]]

BUDGET = 1 << 20
CASES = [
    Case("pfr", {"max_candidates": BUDGET, "chunk_size": 32}, None, {"max_candidates": 2, "chunk_size": 32}, FROM_P),
    Case(
        "pfr", {"max_candidates": BUDGET, "chunk_size": 32}, [3, 7, 5], {"max_candidates": 1, "chunk_size": 32},
        IN_ODD_BINS,
    ),
    Case("orc", {"num_candidates": 200, "chunk_size": 32}, golden=FROM_P),
    Case("orc", {"num_candidates": 200, "chunk_size": 32}, [4, 8, 1], golden=IN_BINS),
    Case("mrc", {"num_candidates": 200, "chunk_size": 32}, golden=FROM_P),
    Case("as_star", {}, short={"max_depth": 0}, golden=CUTS),
    Case("ad_star", {}, short={"max_depth": 0}, golden=HALVES),
    Case("dad_star", {"max_depth": 6}, golden=SHALLOW),
    Case("gprs", {}, short={"max_depth": 0}, golden=CUTS),
    Case(
        "gprs_global", {"max_candidates": BUDGET, "chunk_size": 16}, None, {"max_candidates": 1, "chunk_size": 16},
        ALONE,
    ),
    Case("grc", {"split": "sample"}, short={"split": "sample", "max_depth": 0}, golden=CUTS),
    Case("grc", {"split": "dyadic"}, short={"split": "dyadic", "max_depth": 0}, golden=HALVES),
]  # fmt: skip


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
