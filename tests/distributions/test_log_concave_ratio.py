"""Ratios of pairs of distributions against brute force over the words of the grid."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax import grid
from recjax.distributions import (
    Laplace,
    Logistic,
    Normal,
    Triangular,
    TruncatedNormal,
    Uniform,
    density_ratio,
)

ROWS, INTERVALS = 60, 60
LAST = (1 << grid.BITS) - 1
# Every distribution as a target and as a coding distribution, and pairs with peaks apart.
PAIRS = [
    (Uniform, Laplace),
    (Logistic, Triangular),
    (Normal, Logistic),
    (TruncatedNormal, Normal),
]
OTHERS = [
    (q, p)
    for p in (Uniform, Laplace, Logistic, Triangular, Normal)
    for q in (Uniform, Laplace, Logistic, Triangular, Normal, TruncatedNormal)
    if (q, p) not in PAIRS and not q is p is Normal
]
pairs = pytest.mark.parametrize(
    "pair", [*PAIRS, *(pytest.param(pair, marks=pytest.mark.slow) for pair in OTHERS)], ids=lambda kind: None
)


def targets(q, p):
    rng = np.random.default_rng(0)
    bounded = p in (Uniform, Triangular)
    loc = rng.uniform(-1, 1, ROWS).astype(np.float32) * (1 if bounded else 2)
    scale = np.exp(rng.uniform(np.log(1e-3), np.log(3), ROWS)).astype(np.float32)
    if q is not TruncatedNormal:
        return q(loc, scale)
    low, high = loc - scale * rng.uniform(-0.5, 2, ROWS), loc + scale * rng.uniform(1, 3, ROWS)
    # And some that are the far tails of normals beyond the grid.
    far = np.arange(ROWS) % 3 == 0
    loc, scale = np.where(far, 10 * loc, loc), np.where(far, rng.uniform(5, 30, ROWS), scale)
    return q(*map(np.float32, (loc, scale, np.where(far, rng.uniform(-4, -1, ROWS), low), np.where(far, 0.7, high))))


@functools.cache
def ratio_of(pair):
    q, p = pair
    return jax.jit(density_ratio)(targets(q, p), p(np.zeros(ROWS, np.float32), np.ones(ROWS, np.float32)))


def words_of(pair):
    """Words everywhere, dense in the tails and around each kink of the target, in rising order."""
    q, p = pair
    moved = targets(q, p).moved(0.0, p.form.unit)
    at = jnp.stack([moved.loc + offset for offset in moved.kinks()], axis=1)
    centres = np.asarray(grid.cell_of_fixed(grid.to_fixed(at), form=p.form), np.int64)
    tail = np.unique((2 ** np.linspace(0, 23, 2000)).astype(np.int64))
    shared = np.concatenate([tail - 1, LAST + 1 - tail, np.linspace(0, LAST, 2000).astype(np.int64)])
    near = np.concatenate([-tail, np.arange(-500, 500), tail])
    around = (centres[:, :, None] + near).reshape(ROWS, -1)
    rows = np.concatenate([np.broadcast_to(shared, (ROWS, len(shared))), around], axis=1)
    return np.sort(np.clip(rows, 0, LAST), axis=1).astype(np.uint32)


@pairs
def test_suprema_are_nowhere_exceeded_and_reached(pair):
    ratio, words = ratio_of(pair), words_of(pair)
    values = np.asarray(jax.jit(lambda r, w: r.over_words().log_ratio(w))(ratio, words), np.float64)
    assert not np.isnan(values).any() and values.max() < 1e-5
    rng = np.random.default_rng(1)
    first = words[np.arange(ROWS)[:, None], rng.integers(0, words.shape[1], (ROWS, INTERVALS))].astype(np.int64)
    last = np.minimum(first + (2 ** rng.uniform(0, 24, first.shape)).astype(np.int64), LAST)
    first, last = first.astype(np.uint32), last.astype(np.uint32)
    found = np.asarray(jax.jit(lambda r, a, b: r.over_words().log_supremum(a, b))(ratio, first, last), np.float64)
    for row in range(ROWS):
        for k in range(INTERVALS):
            low, high = np.searchsorted(words[row], first[row, k]), np.searchsorted(words[row], last[row, k], "right")
            most = values[row, low:high].max(initial=-np.inf)
            assert most <= found[row, k] + 1e-5
    # The best word has the largest ratio, which is 1.
    assert np.abs(np.asarray(ratio.log_ratio(ratio.best_word))[np.asarray(ratio.valid)]).max() < 1e-5


@pairs
def test_unimodal_ratios_are_told_from_others(pair):
    ratio, words = ratio_of(pair), words_of(pair)
    values = np.asarray(jax.jit(lambda r, w: r.over_words().log_ratio(w))(ratio, words), np.float64)
    upper = np.maximum.accumulate(values, axis=1)
    lower = np.maximum.accumulate(values[:, ::-1], axis=1)[:, ::-1]
    # How far the deepest valley lies below the lower of the peaks on its sides.
    finite = np.where(np.isfinite(values), values, -1e9)
    valley = np.max(np.minimum(np.maximum(upper, -1e9), np.maximum(lower, -1e9)) - finite, axis=1)
    seen = np.asarray(ratio.unimodal)
    # Of normals in a logistic distribution, shallow valleys may be missed.
    assert not seen[valley > 0.01].any()
    assert seen[valley < 1e-5].sum() >= 0.9 * (valley < 1e-5).sum()


def test_a_target_beyond_the_support_is_told():
    p = Uniform(np.zeros(4, np.float32), np.ones(4, np.float32))
    ratio = jax.jit(density_ratio)(Uniform(np.float32([0, 0.8, 5, 0]), np.float32([0.5, 0.5, 1, 1.0])), p)
    assert ratio.covered.tolist() == [True, False, False, True]
    assert ratio.valid.all()
    word = jnp.asarray([[0], [5], [1 << 23], [LAST]], jnp.uint32)
    values = np.asarray(ratio.over_words().log_ratio(word))
    # What no word has any of is the word nearest to it.
    assert values[:, 0].tolist()[0] == -np.inf and ratio.best_word[2] == LAST
    assert values[2, 0] == -np.inf and np.asarray(ratio.over_words().log_ratio(word.at[2].set(LAST)))[2, 0] == 0


def test_numbers_that_are_none_give_a_ratio_of_one():
    bad = Laplace(np.float32([np.nan, 0, np.inf, 0]), np.float32([1, -1, 1, np.inf]))
    ratio = jax.jit(density_ratio)(bad, Logistic(np.zeros(4, np.float32), np.ones(4, np.float32)))
    words = jnp.asarray([[0, 7, 1 << 23, LAST]] * 4, jnp.uint32)
    whole = ratio.over_words()
    assert not ratio.valid.any()
    assert (np.asarray(whole.log_ratio(words)) == 0).all()
    assert (np.asarray(whole.log_supremum(words, words)) == 0).all()
    assert np.isfinite(whole.mass_to(words)).all()
