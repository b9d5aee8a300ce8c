"""Squares of patches: every patch gets what lies in its own squares, against a loop."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from recjax.models.inr import hierarchy as levels


@pytest.mark.parametrize(("tall", "wide"), [(1, 1), (3, 5), (4, 8)])
@pytest.mark.parametrize("spans", [(1,), (8, 1), (4, 2, 1)])
def test_sums_of_the_squares_that_a_patch_lies_in(spans, tall, wide):
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=(2, levels.count(span, tall, wide), 3)).astype(np.float32) for span in spans]
    wanted = np.zeros((2, tall, wide, 3), np.float32)
    for span, part in zip(spans, parts, strict=True):
        across = -(-wide // span)
        for row, column in itertools.product(range(tall), range(wide)):
            wanted[:, row, column] += part[:, row // span * across + column // span]
    found = levels.total(spans, tuple(map(jnp.asarray, parts)), tall, wide)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
