"""AD*: the distribution of its samples, what it costs, and what it says of searches that were cut short."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import recjax
from recjax import grid, rec
from recjax.rec import Path, Status

DRAWS = 20_000
PRIOR = recjax.Normal(0.0, 1.0)


class Row(NamedTuple):
    """A target, and the mean depth and number of nodes in a simulation of 4,000 runs, if there was one."""

    mean: float
    scale: float
    depth: float | None = None
    nodes: float | None = None

    def __str__(self) -> str:
        return f"{self.mean:g} and {self.scale:g}"


TABLE = [
    Row(0.5, 0.5, 0.55, 1.8),
    Row(1, 0.25, 1.41, 2.8),
    Row(1, 0.1, 2.36, 3.9),
    Row(2, 0.1, 4.2, 5.8),
    Row(1.5, 0.02, 5.2, 7.6),
    Row(3, 0.1, 7.73, 9.4),
]
# Wider than the coding distribution, of a monotone ratio, in the tail, and of a few words; the last is P itself.
OTHERS = [Row(0.5, 3), Row(0, 1e6), Row(0.3, 1), Row(4.9, 0.3), Row(0, 1e-6), Row(0, 1)]
ROWS = TABLE + OTHERS
SHAPE = (DRAWS, len(ROWS))
# All tests of exactness together fail by chance for one choice of keys in a hundred.
LEVEL = 0.01 / len(ROWS)


def encode(key: int, **sizes) -> rec.Encoded:
    loc, scale = np.float32([(row.mean, row.scale) for row in ROWS]).T
    q = recjax.Normal(np.broadcast_to(loc, SHAPE), np.broadcast_to(scale, SHAPE))
    return jax.tree.map(np.asarray, rec.encode(rec.ad_star(**sizes), recjax.key(key), q, PRIOR))


def decode(key: int, code: Path) -> np.ndarray:
    # Under jit, where no path is refused.
    return np.asarray(jax.jit(lambda code: rec.decode_words(rec.ad_star(), recjax.key(key), code, SHAPE))(code))


draws = functools.cache(lambda: encode(0))
words = functools.cache(lambda: decode(0, draws().code))


@pytest.fixture(scope="module")
def grid_values():
    return np.asarray(jax.jit(lambda: grid.value_fixed(jnp.arange(1 << grid.BITS, dtype=jnp.uint32)))()) / 2.0**26


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_depth_and_nodes_are_those_of_the_simulation(row):
    column, info = ROWS.index(row), draws().info
    assert info.log2_index[:, column].mean() == pytest.approx(row.depth, rel=0.05)
    assert info.steps[:, column].mean() == pytest.approx(row.nodes, rel=0.05)
    # The cells of the grid are far narrower than this target.
    residual = (draws().sample[:, column].astype(np.float64) - row.mean) / row.scale
    assert scipy.stats.kstest(residual, "norm").pvalue > LEVEL


@pytest.mark.parametrize("row", OTHERS, ids=str)
def test_any_ratio_follows_the_law_of_the_grid(row, grid_values):
    column = ROWS.index(row)
    log_ratio = -0.5 * ((grid_values - row.mean) / row.scale) ** 2 + 0.5 * grid_values**2
    cdf = np.append(0.0, np.cumsum(np.exp(log_ratio - log_ratio.max())))
    cdf /= cdf[-1]
    # Uniform, whatever the masses of single words.
    low, high = cdf[words()[:, column]], cdf[words()[:, column] + 1]
    place = low + np.random.default_rng(column).random(DRAWS) * (high - low)
    assert scipy.stats.kstest(place, "uniform").pvalue > LEVEL


def test_searches_are_complete_and_short():
    info = draws().info
    # Targets that the grid cannot represent are told as such; none ran out of its budget.
    assert np.isin(info.status, (Status.OK, Status.UNSUITED)).all() and np.array_equal(
        info.log2_index, draws().code.depth
    )
    # The number of nodes is linear in D_inf, which is at most the grid's 24 bits; the target P takes the first sample.
    assert info.steps.max() < 64 and (info.steps[:, -1] == 1).all()


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "cut",
    [
        {"max_steps": 6, "capacity": 1, "max_depth": 4},
        pytest.param({"max_steps": 6}, marks=SLOW),
        pytest.param({"capacity": 1}, marks=SLOW),
        pytest.param({"max_depth": 4}, marks=SLOW),
    ],
    ids=str,
)
def test_a_search_that_was_cut_short_says_so_or_found_the_same(cut):
    enc = encode(0, **cut)
    complete = enc.info.status == Status.OK
    assert np.isin(enc.info.status[~complete], (Status.BUDGET, Status.UNSUITED)).all()
    same = (enc.code.depth == draws().code.depth) & (enc.code.branches == draws().code.branches).all(axis=-1)
    # Both happen: what is called complete is what the whole search finds, and what is not often is something else.
    assert same[complete].all() and complete.any() and not same[~complete].all()
    assert (enc.info.steps <= cut.get("max_steps", 64)).all() and (enc.code.depth <= cut.get("max_depth", 24)).all()


def test_any_path_decodes_to_a_word_of_its_interval():
    """Paths that no encoder sends included: too deep, or with branches beyond their depth."""
    rng = np.random.default_rng(3)
    depth = rng.integers(0, 65, SHAPE).astype(np.uint32)
    depth[-2:] = [[1 << 31], [(1 << 32) - 1]]
    branches = rng.integers(0, 1 << 32, (*SHAPE, 2), dtype=np.uint32)
    got = decode(1, Path(jnp.asarray(depth), jnp.asarray(branches)))[-100:]
    named = zip(got.flat, depth[-100:].flat, branches[-100:, :, 0].flat, strict=True)
    for word, levels, turns in named:
        levels = min(levels, grid.BITS)
        assert 0 <= word < 1 << grid.BITS
        assert f"{word:024b}"[:levels] == f"{turns:032b}"[::-1][:levels]


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ({"max_depth": 25}, "ad_star descends between 0 and 24 branches, got 25"),
        ({"max_steps": 0}, r"ad_star examines between 1 and 2\^30 candidates, got 0"),
        ({"capacity": 0}, "ad_star keeps between 1 and 65536 nodes waiting, got capacity=0"),
    ],
)
def test_sizes_that_make_no_search_are_refused(sizes, sentence):
    with pytest.raises(ValueError, match=sentence):
        rec.ad_star(**sizes)
