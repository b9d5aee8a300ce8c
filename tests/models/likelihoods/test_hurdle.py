"""Distributions evaluated for the pixels above 0 alone are those that `categorical.distribution` gives all pixels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax.models.fixed_point import network as exact
from recjax.models.likelihoods import categorical, hurdle

LEVELS, INPUTS = 20, 6


def layer(inputs, outputs, seed):
    rng = np.random.default_rng(seed)
    high, low = (rng.integers(-100, 100, (inputs, outputs)).astype(np.int8) for _ in range(2))
    bias, shift = rng.integers(-999, 999, outputs).astype(np.int32), np.full(outputs, 8, np.int32)
    return exact.ExactLayer(*map(jnp.asarray, (high, low, bias, shift)))


HEADS = {
    "two layers": exact.ExactNetwork((layer(INPUTS, 5, 0), layer(5, LEVELS, 1))),
    "one layer": exact.ExactNetwork((layer(INPUTS, LEVELS, 2),)),
}


@jax.jit
def evaluated(head, inputs, x):
    mass, hidden = hurdle.flags(head, inputs)
    edges, row = hurdle.value_edges(head, hidden, x > 0)
    distribution = categorical.distribution(exact.apply(head, inputs))
    return mass, edges[row], distribution, hurdle.bits(head, inputs, x), categorical.bits(distribution, x)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("count", [1, 257])
def test_rows_flags_and_bits_are_those_of_the_whole_law(head, count):
    rng = np.random.default_rng(count)
    inputs = jnp.asarray(rng.integers(-3000, 3000, (count, 1, INPUTS)), jnp.int32)
    for density in (0.0, 0.3, 1.0):
        present = rng.random((count, 1)) < density
        x = jnp.asarray(rng.integers(1, LEVELS, (count, 1)) * present, jnp.uint8)
        mass, edges, distribution, bits, wanted = evaluated(HEADS[head], inputs, x)
        np.testing.assert_array_equal(mass, distribution.present)
        np.testing.assert_array_equal(np.asarray(edges)[present], np.asarray(distribution.edges)[present])
        np.testing.assert_array_equal(bits, wanted)
