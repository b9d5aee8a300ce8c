import zlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from recjax import grid
from recjax.coding import normal, rans

cdf = jax.jit(normal.cdf)


def test_tables_are_the_same_everywhere():
    tables = normal._exp2_table(), normal._tail_table()
    assert [zlib.crc32(table.astype("<u4").tobytes()) for table in tables] == [1195551459, 2193108521]


def test_tables_are_right_to_half_a_unit():
    t = np.arange(len(normal._tail_table()) - 1) / 256
    assert np.abs(normal._tail_table()[:-1] - scipy.stats.norm.sf(t) * 2**24).max() < 0.501
    assert np.abs(normal._exp2_table() - 2 ** (15 + np.arange(256) / 256)).max() < 0.501


@pytest.mark.parametrize("sigma", [4.0, 1.0, 0.3, 0.05, 2**-8])
@pytest.mark.parametrize("mean", [0.0, -1.7, 3.3, 12.0])
def test_cdf_against_scipy(mean, sigma):
    log2_scale = round(256 * np.log2(sigma))
    z = np.linspace(mean - 7 * sigma, mean + 7 * sigma, 4001).clip(-16, 16)
    edge = np.round(z * 2**26).astype(np.int32)
    arguments = jnp.int32(round(mean * 4096)), jnp.int32(log2_scale)
    ours = np.asarray(cdf(jnp.asarray(edge), *arguments)).astype(np.int64)
    exact = scipy.stats.norm.cdf(edge / 2**26, round(mean * 4096) / 4096, 2 ** (log2_scale / 256))
    assert np.abs(ours - exact * 65536).max() < 1.0
    assert np.all(np.diff(ours) >= 0)


@pytest.mark.parametrize("log2_scale", [-(1 << 20), -4096, -3072, -1024, -1, 0, 1, 700, 4096, 1 << 20])
def test_cdf_never_decreases_at_ugly_scales(log2_scale):
    edges = jnp.asarray(normal._edges(10))
    for mean in (-(1 << 20), -65536, -5000, 0, 1, 65535, 1 << 20):
        masses = np.diff(np.asarray(cdf(edges, jnp.int32(mean), jnp.int32(log2_scale))).astype(np.int64))
        assert masses.min() >= 0
        assert masses.sum() <= 65536


def test_a_posterior_narrower_than_a_cell_has_one_symbol():
    edge = int(grid.edge_fixed(jnp.uint32(700), 10)) + (1 << 15)
    codec = normal.discretised_normal(jnp.int32(edge >> 14), jnp.int32(-4096))
    message = rans.empty((9,), 1, 4)._replace(head=jnp.arange(9, dtype=jnp.uint32)[:, None] * 7919 + (1 << 20))
    assert set(np.asarray(jax.jit(codec.pop)(message)[1]).ravel().tolist()) <= {699, 700}


def test_the_prior_has_equal_masses():
    """N(0, 1) on its own grid."""
    edges = jnp.asarray(normal._edges(10))
    masses = np.diff(np.asarray(cdf(edges, jnp.int32(0), jnp.int32(0))).astype(np.int64))
    assert np.abs(masses[1:-1] - 64).max() <= 2


def test_sixteen_bits_of_mass_suffice_for_ten_bits_of_grid():
    """Expected length of the net code of z, log2 q(z) - log2 p(z), against the exact masses: within 0.1%."""
    rng = np.random.default_rng(0)
    mean, sigma = rng.normal(0, 0.9, 200), np.exp2(rng.uniform(-5, -0.5, 200))
    mean_fixed, scale_fixed = np.round(mean * 4096), np.round(np.log2(sigma) * 256)
    edges = normal._edges(10)
    masses = jax.vmap(cdf, (None, 0, 0))(
        jnp.asarray(edges), jnp.asarray(mean_fixed, jnp.int32), jnp.asarray(scale_fixed, jnp.int32)
    )
    cumulative = np.asarray(masses).astype(np.float64)
    cumulative[:, 0], cumulative[:, -1] = 0, 65536
    z = np.array(edges / 2**26)
    z[0], z[-1] = -np.inf, np.inf
    exact = np.diff(scipy.stats.norm.cdf(z, mean[:, None], sigma[:, None]))
    ours = np.diff(cumulative) / 65536
    # The coder draws z from `ours`; what it pays beyond the exact posterior is their divergence.
    with np.errstate(divide="ignore", invalid="ignore"):
        excess_bits = np.nansum(np.where(ours > 0, ours * np.log2(ours / exact), 0), axis=1)
        kl_bits = np.nansum(np.where(ours > 0, ours * np.log2(ours * 1024), 0), axis=1)
    assert np.mean(excess_bits) < 1e-3 * np.mean(kl_bits)


def masses_of(mean: float, sigma: float, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Masses of all integers in units of 2^-16, as a push takes them, and exact ones; a unit is everyone's."""
    cells = 1 << bits
    fixed = round(mean * 2 ** (17 - bits)), round(256 * np.log2(sigma))
    codec = normal.quantised_normal(*(jnp.full(cells, x, jnp.int32) for x in fixed), bits)
    pushed = []
    message = rans.empty((), cells, 4 * cells)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rans, "push", lambda message, start, freq: pushed.append((start, freq)) or message)
        codec.push(message, jnp.arange(cells))
    ((start, freq),) = pushed
    assert np.array_equal(start, np.concatenate([[0], np.cumsum(freq)[:-1]])) and int(np.sum(freq)) == 65536
    edges = np.concatenate([[-np.inf], np.arange(-cells // 2 + 1, cells // 2) - 0.5, [np.inf]])
    law = scipy.stats.norm(fixed[0] / 2 ** (17 - bits), 2 ** (fixed[1] / 256))
    return np.asarray(freq), np.diff(law.cdf(edges)) * (65536 - cells) + 1


@pytest.mark.parametrize(
    ("mean", "sigma", "bits"),
    [(0, 1, 8), (3.3, 0.3, 8), (-100, 20, 8), (0.25, 2**-5, 8), (50, 3000, 12), (-1, 0.5, 3), (0, 1, 1), (700, 90, 12)],
)
def test_integers_have_the_masses_of_a_normal_law(mean, sigma, bits):
    freq, exact = masses_of(mean, sigma, bits)
    assert freq.min() >= 1 and np.abs(freq - exact).max() < 2.0


def test_means_beyond_the_integers_are_clipped():
    assert np.argmax(masses_of(1e6 / 2**9, 1.0, 8)[0]) == 255
    with pytest.raises(ValueError, match="1 to 12 bits, got 13"):
        normal.quantised_normal(jnp.zeros(1, jnp.int32), jnp.zeros(1, jnp.int32), 13)
