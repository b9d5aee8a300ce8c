"""Quantile tables of distributions but the normal, which `test_grid.py` covers: every word, and exact arithmetic."""

import functools
import math
from decimal import Decimal, localcontext

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from recjax import grid, quantiles

LAWS = [quantiles.UNIFORM, quantiles.LAPLACE, quantiles.LOGISTIC, quantiles.TRIANGULAR]
ORACLES = {
    "uniform": scipy.stats.uniform(-1, 2),
    "Laplace": scipy.stats.laplace,
    "logistic": scipy.stats.logistic,
    "triangular": scipy.stats.triang(0.5, -1, 2),
}
EXACT = {
    "uniform": lambda mass: 1 - 2 * mass,
    "Laplace": lambda mass: -(2 * mass).ln() / 4,
    "logistic": lambda mass: ((1 - mass).ln() - mass.ln()) / 4,
    "triangular": lambda mass: 1 - (2 * mass).sqrt(),
}
laws = pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)


@functools.cache
def values(law: quantiles.StandardForm) -> np.ndarray:
    """The value of every word."""
    return np.asarray(jax.jit(lambda: grid.value_fixed(jnp.arange(1 << 24, dtype=jnp.uint32), form=law))())


@laws
def test_knots_are_right_in_exact_arithmetic_and_far_from_rounding_boundaries(law):
    octave, knot = np.divmod(np.arange((quantiles.OCTAVES << quantiles.KNOTS_LOG2) + 1), 512)
    mass = np.ldexp(1 + knot / 512, octave - 25).tolist()
    with localcontext() as context:
        context.prec = 40
        exact = [EXACT[law.name](Decimal(m)) * 2**quantiles.FRACTION_BITS for m in mass]
        rounded = [int(x.to_integral_value(rounding="ROUND_HALF_EVEN")) for x in exact]
        distance = min(abs(abs(x - math.floor(x)) - Decimal("0.5")) for x in exact)
    assert rounded == quantiles.knots(law).tolist()
    # Those of the uniform distribution are multiples of 2^-10 of a unit, exact in float64, where a boundary is none.
    assert distance > Decimal("1e-6") or law is quantiles.UNIFORM


@laws
def test_values_rise_are_symmetric_and_right(law):
    z = values(law)
    assert (z[1:] > z[:-1]).all() if law is not quantiles.TRIANGULAR else (z[1:] >= z[:-1]).all()
    assert np.array_equal(z, -z[::-1])
    assert np.abs(z).max() < 8 * 2**quantiles.FRACTION_BITS
    word = np.unique(np.concatenate([np.arange(3000), 2 ** np.linspace(0, 23, 20_000)]).astype(np.int64))
    exact = ORACLES[law.name].ppf((word + 0.5) / (1 << 24)) / law.unit
    assert np.abs(z[word] / 2.0**quantiles.FRACTION_BITS - exact).max() < grid.MAX_ERROR


@laws
def test_cells_are_found_from_values(law):
    word = jnp.asarray(np.random.default_rng(0).integers(0, 1 << 24, 1000), jnp.uint32)
    z = grid.value_fixed(word, form=law)
    found = grid.cell_of_fixed(z, form=law)
    assert np.array_equal(grid.value_fixed(found, form=law), z)
    assert (np.asarray(found) >= np.asarray(word)).all()
    ends = grid.cell_of_fixed(jnp.asarray([-(1 << 29), 1 << 29], jnp.int32), form=law)
    assert ends.tolist() == [0, (1 << 24) - 1]
