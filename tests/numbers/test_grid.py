"""The grid, over every word: its values, edges, bins and masses in exact integers, and golden digests."""

import dataclasses
import functools
import hashlib
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from recjax import grid, quantiles

WIDTHS = (10, 16, 24)
# SHA-256 of all values and all edges as little-endian int32. A change of one changes what every file decodes to.
DIGESTS = {
    10: (
        "8d0ce1cd9d4274a8db6aa5ad6301fbdb93c4c2e23333a16e98917fe27dcf7ec5",
        "b8bab3c679744c85c92ab9c6be6e04b63de44bcc2a9856363fa0ca8d44a17ade",
    ),
    16: (
        "b0295ce2f7657943110543b1701e2f935d6b8738590266a8b917d92eed2c23ff",
        "143351ad43e89cf56a13c7e66175d79cd4047b733597d41a3c391df730374315",
    ),
    24: (
        "bed23c605fb5b67ab46ff2ec4932a68435c717a81490ab38a62e17dc251c40fe",
        "d09f95654ff3cc104cbae2e3065897a2a55fb08e3fe6cc9a4c6c44931ef75c52",
    ),
}
KNOTS_DIGEST = "0c5d0d25d5084a68a1c531c380447c6e619fb962bf8c8688b15f674f9439f484"
INTERVALS = [1, 2, 3, 5, 7, 8, 1000, 4096, 32767, 32768]


@functools.cache
def values(bits: int) -> np.ndarray:
    """The value of every word."""
    return np.asarray(jax.jit(lambda: grid.value_fixed(jnp.arange(1 << bits, dtype=jnp.uint32), bits))())


@functools.cache
def edges(bits: int) -> np.ndarray:
    """The lower edge of every cell, and the upper one of the last."""
    return np.asarray(jax.jit(lambda: grid.edge_fixed(jnp.arange((1 << bits) + 1, dtype=jnp.uint32), bits))())


def digest(integers: np.ndarray, dtype: str = "<i4") -> str:
    return hashlib.sha256(integers.astype(dtype).tobytes()).hexdigest()


value_fixed = jax.jit(grid.value_fixed, static_argnums=1)
affine = jax.jit(grid.affine)
cell = jax.jit(grid.cell, static_argnums=1)
word_in_interval = jax.jit(grid.word_in_interval, static_argnums=3)


def uint32(*numbers) -> tuple[jax.Array, ...]:
    return tuple(jnp.asarray(n, jnp.uint32) for n in numbers)


def test_golden_table():
    assert digest(quantiles.knots(quantiles.NORMAL), "<i8") == KNOTS_DIGEST


def test_a_machine_with_other_arithmetic_is_refused():
    other = dataclasses.replace(quantiles.NORMAL, checksum=0)
    with pytest.raises(RuntimeError, match="does not reproduce recjax's normal quantile table"):
        quantiles.knots(other)


def test_no_knot_lies_near_a_rounding_boundary():
    """Quantiles within 1e-7 units round to the same integers, whichever libm made them; scipy's are another's."""
    octave, knot = np.divmod(np.arange((24 << 9) + 1), 512)
    exact = -scipy.special.ndtri(np.ldexp(1 + knot / 512, octave - 25)) * 2.0**grid.FRACTION_BITS
    assert np.abs(np.abs(exact - np.floor(exact)) - 0.5).min() > 1e-6
    assert np.array_equal(np.rint(exact).astype(np.int64), quantiles.knots(quantiles.NORMAL))


@pytest.mark.parametrize("bits", WIDTHS)
def test_golden_values_and_edges(bits):
    assert (digest(values(bits)), digest(edges(bits))) == DIGESTS[bits]


@pytest.mark.parametrize("bits", WIDTHS)
def test_values_increase_are_symmetric_and_lie_in_their_cells(bits):
    z, edge = values(bits), edges(bits)
    assert (z[1:] > z[:-1]).all()
    assert np.array_equal(z, -z[::-1])
    assert np.array_equal(edge, -edge[::-1])
    assert (edge[:-1] < z).all() and (z < edge[1:]).all()
    assert edge[-1] == grid.OUTER_EDGE and edge[1 << (bits - 1)] == 0
    assert np.abs(z).max() < 5.5 * 2**grid.FRACTION_BITS


@pytest.mark.parametrize("bits", WIDTHS)
def test_values_and_edges_are_quantiles_within_the_stated_error(bits):
    half = 1 << (bits - 1)
    middle = scipy.special.ndtri((np.arange(half) + 0.5) / (1 << bits))
    assert np.abs(values(bits)[:half] / 2.0**grid.FRACTION_BITS - middle).max() < grid.MAX_ERROR
    edge = scipy.special.ndtri(np.arange(1, half) / (1 << bits))
    assert np.abs(edges(bits)[1:half] / 2.0**grid.FRACTION_BITS - edge).max() < grid.MAX_ERROR


def test_values_do_not_depend_on_jit_or_shape():
    word = np.random.default_rng(0).integers(0, 1 << 24, (3, 7)).astype(np.uint32)
    expected = values(24)[word]
    assert np.array_equal(value_fixed(word), expected)
    assert np.array_equal(jax.jit(jax.vmap(grid.value_fixed))(word), expected)
    with jax.disable_jit():
        assert np.array_equal(grid.value_fixed(jnp.asarray(word)), expected)
    assert np.array_equal(grid.value(jnp.asarray(word)), expected.astype(np.float32) * np.float32(2.0**-26))


@pytest.mark.parametrize("bits", WIDTHS)
def test_cell_is_the_last_word_at_or_below_a_value(bits):
    rng = np.random.default_rng(bits)
    z = np.concatenate([rng.normal(size=500), rng.uniform(-7, 7, 200), [0.0, -0.0, 5.419, -5.419, 1e-9]])
    z = z.astype(np.float32)
    expected = np.searchsorted(values(bits), np.floor(z.astype(np.float64) * 2**26), side="right") - 1
    assert np.array_equal(cell(jnp.asarray(z), bits), np.maximum(expected, 0))


def test_cell_at_the_ugly_ends():
    ugly = jnp.array([-jnp.inf, jnp.inf, jnp.nan, 3e38, -3e38, 40.0, 1e-45], jnp.float32)
    last = (1 << 24) - 1
    assert cell(ugly).tolist() == [0, last, 0, last, 0, last, (1 << 23) - 1]


@pytest.mark.parametrize("intervals", INTERVALS)
@pytest.mark.parametrize("bits", [16, 24])
def test_words_of_an_interval_agree_with_big_integers(intervals, bits):
    rng = np.random.default_rng(intervals)
    top = (1 << bits) - 1
    k = np.concatenate([rng.integers(0, intervals, 400), [0, intervals - 1, intervals - 1, intervals // 2]])
    u = np.concatenate([rng.integers(0, 1 << bits, 400), [0, top, 0, top]])
    word = np.asarray(word_in_interval(*uint32(k, u, np.full_like(k, intervals)), bits))
    expected = [((ki << bits) + ui) // intervals for ki, ui in zip(k.tolist(), u.tolist(), strict=True)]
    assert word.tolist() == expected
    first, last = grid.interval_words(*uint32(k, np.full_like(k, intervals)), bits)
    assert first.tolist() == [(ki << bits) // intervals for ki in k.tolist()]
    assert last.tolist() == [((ki << bits) + top) // intervals for ki in k.tolist()]


@pytest.mark.parametrize("intervals", INTERVALS)
@pytest.mark.parametrize("bits", [1, 2, 8, 10, 11, 12, 16, 24])
def test_interval_of_a_word_agrees_with_big_integers(intervals, bits):
    word = np.random.default_rng(1).integers(0, 1 << bits, 400)
    word = np.concatenate([word, [0, (1 << bits) - 1, 1 << (bits - 1)]])
    found = grid.interval_of(*uint32(word, np.full_like(word, intervals)), bits)
    assert found.tolist() == [((2 * w + 1) * intervals) >> (bits + 1) for w in word.tolist()]


def test_words_between_agree_with_big_integers_carries_and_all():
    """first + ((high 2^32 + low) count >> 64), of which the sum of two 32-bit words carries at times."""
    rng = np.random.default_rng(2)
    n, top = 2000, (1 << 32) - 1
    high, low = rng.integers(0, 1 << 32, (2, n))
    count = np.concatenate([rng.integers(1, 1 << 25, n - 200), rng.integers(1, 40, 200)])
    first = rng.integers(0, 1 << 24, n)
    # Products whose lower word is so near 2^32 that what comes from below carries, and both ends.
    high[:500] = [
        -(-(k << 32) // c) - 1 for k, c in zip(rng.integers(1, 1 << 16, 500).tolist(), count.tolist(), strict=False)
    ]
    high[500:504], low[500:504] = [0, 0, top, top], [0, top, 0, top]
    found = grid.word_between(*uint32(first, count), uint32(high, low))
    whole = [(f, c, (h << 32) + w) for f, c, h, w in zip(*(x.tolist() for x in (first, count, high, low)), strict=True)]
    assert found.tolist() == [f + (w * c >> 64) for f, c, w in whole]
    carries = [((w >> 32) * c & top) + ((w & top) * c >> 32) > top for _, c, w in whole]
    assert sum(carries) > 100


@pytest.mark.parametrize("intervals", [1, 3, 6, 7, 12])
def test_a_uniform_interval_and_a_uniform_word_in_it_make_a_uniform_word(intervals):
    """Every interval has mass 1/J exactly: over all (k, u), each of 2^P words comes up exactly J times."""
    bits = 12
    k, u = np.meshgrid(np.arange(intervals), np.arange(1 << bits), indexing="ij")
    word = word_in_interval(*uint32(k, u, np.full_like(k, intervals)), bits)
    assert (np.bincount(np.asarray(word).ravel(), minlength=1 << bits) == intervals).all()


def test_dyadic_intervals_halve():
    bits = 16
    heap = np.arange(1, 1 << 12)
    first, last = (np.asarray(end, np.int64) for end in grid.dyadic_words(*uint32(heap), bits))
    depth = np.floor(np.log2(heap)).astype(np.int64)
    assert np.array_equal(last - first + 1, (1 << bits) >> depth)
    assert np.array_equal(first, (heap - (1 << depth)) * ((1 << bits) >> depth))
    left = 2 * np.arange(1, 1 << 11) - 1
    assert np.array_equal(first[left], first[: len(left)])
    assert np.array_equal(last[left + 1], last[: len(left)])
    assert np.array_equal(last[left] + 1, first[left + 1])


def test_the_deepest_dyadic_intervals_are_words():
    heap = (1 << 24) + np.array([0, 1, 12345, (1 << 24) - 1])
    first, last = grid.dyadic_words(*uint32(heap))
    assert first.tolist() == last.tolist() == (heap - (1 << 24)).tolist()


def exact_affine(fixed: int, loc: float, scale: float) -> Fraction:
    return Fraction(loc) + Fraction(scale) * Fraction(fixed, 1 << grid.FRACTION_BITS)


def test_affine_within_its_stated_error():
    rng = np.random.default_rng(4)
    n = 3000
    fixed = np.concatenate([values(24)[rng.integers(0, 1 << 24, n - 4)], values(24)[[0, -1, 1 << 23, 0]]])
    exponents = rng.integers(-40, 40, (2, n)) * rng.integers(0, 2, (2, n))
    loc, scale = (rng.normal(size=(2, n)) * 2.0**exponents).astype(np.float32)
    scale = np.abs(scale)
    loc[::7], scale[::11] = 0, 1
    found = np.asarray(affine(jnp.asarray(fixed), jnp.asarray(loc), jnp.asarray(scale)))
    for z, m, s, x in zip(fixed.tolist(), loc.tolist(), scale.tolist(), found.tolist(), strict=True):
        exact = exact_affine(z, m, s)
        allowed = Fraction(max(abs(m), s)) / (1 << 26) + abs(exact) / (1 << 24)
        assert abs(Fraction(x) - exact) <= allowed


def test_affine_of_the_standard_normal_is_the_value():
    z = jnp.asarray(values(16)[::37])
    found = affine(z, jnp.float32(0), jnp.float32(1))
    assert np.allclose(found, grid.to_float(z), rtol=2e-7, atol=0)
    assert np.array_equal(found, -affine(-z, jnp.float32(0), jnp.float32(1)))


@pytest.mark.parametrize(("loc", "scale"), [(0.0, 1e-35), (1e-36, 1e-37), (0.0, 2e-38), (1e30, 1e30), (-1e38, 2e-38)])
def test_affine_at_the_ends_of_float32(loc, scale):
    z = values(24)[[0, 5, 1 << 22, 3 << 22, -1]]
    found = np.asarray(affine(jnp.asarray(z), jnp.float32(loc), jnp.float32(scale)), np.float64)
    exact = np.float64(np.float32(loc)) + np.float64(np.float32(scale)) * z / 2.0**26
    assert (np.abs(found - exact) <= max(abs(loc), scale) * 2.0**-26 + np.abs(exact) * 2.0**-24 + 2.0**-125).all()


def test_affine_has_the_same_bits_with_and_without_jit():
    rng = np.random.default_rng(8)
    z = jnp.asarray(values(24)[rng.integers(0, 1 << 24, (50, 3))])
    loc, scale = rng.normal(size=(2, 3)).astype(np.float32)
    whole = np.asarray(affine(z, loc, np.abs(scale)))
    with jax.disable_jit():
        assert np.array_equal(whole[:7], grid.affine(z[:7], jnp.asarray(loc), jnp.abs(jnp.asarray(scale))))


@pytest.mark.parametrize("intervals", [1, 2, 3, 7, 4096, 32768])
def test_intervals_of_words_are_those_of_their_middles(intervals):
    """Of the words at which intervals meet, of which some lie in two; by fractions."""
    bits = 24
    ends = np.unique(
        [max((k << bits) // intervals + side, 0) for k in range(1, min(intervals, 300)) for side in (-1, 0)]
    )
    word = np.concatenate([ends, [0, (1 << bits) - 1]]).astype(np.int64)
    found = np.asarray(grid.interval_of(*uint32(word, np.full_like(word, intervals)), bits))
    assert found.tolist() == [int(Fraction(2 * w + 1, 2) * intervals / (1 << bits)) for w in word.tolist()]


@pytest.mark.parametrize("bits", [10, 16, 24])
def test_cell_of_a_word_s_own_value_is_the_word(bits):
    word = np.unique(np.random.default_rng(0).integers(0, 1 << bits, 500))
    z = jnp.asarray(values(bits)[word])
    find = jax.jit(grid.cell_of_fixed, static_argnums=1)
    assert np.array_equal(find(z, bits), word) and np.array_equal(find(z - 1, bits), np.maximum(word - 1, 0))
