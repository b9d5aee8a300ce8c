"""Codecs and costs of pixels whose distributions are rows of integer tables."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt32

from recjax.coding import codec as codecs
from recjax.coding.rans import MASS_BITS, TOTAL_MASS


def by_rows(cdf_rows: Callable[[], UInt32[np.ndarray, "rows cumulative"]]) -> tuple[Callable, Callable]:
    """Makes the codec and the cost of distributions that are rows of one table.

    Args:
        cdf_rows: Returns, when it is needed, the table: the cumulative masses of a distribution in each row, from 0 to
            2^16.

    Returns:
        A function from the rows of lanes to the codec of their pixels, and a function from rows and pixels to -log2 of
        the pixels' masses, in bits.
    """

    def codec(row):
        return codecs.family(jnp.asarray(cdf_rows()), row)

    def bits(row, x):
        cdf, symbol = jnp.asarray(cdf_rows()), x.astype(jnp.int32)
        return MASS_BITS - jnp.log2((cdf[row, symbol + 1] - cdf[row, symbol]).astype(jnp.float32))

    return codec, bits


def by_split_rows(tables_of: Callable[[], tuple[np.ndarray, np.ndarray]]) -> tuple[Callable, Callable]:
    """Makes the codec and the cost of distributions in two tables: for whether a value is 0, and for its value if not.

    Args:
        tables_of: Returns, when they are needed, the tables: the mass of the values above 0 for each row, in units of
            2^-16, and the cumulative masses of these values, from 0 to 2^16, in each row.

    Returns:
        A function from the rows of lanes to the codec of their pixels, and a function from rows and pixels to -log2 of
        the pixels' masses, in bits.
    """

    def codec(row):
        positive, cdf = map(jnp.asarray, tables_of())
        return codecs.optional(codecs.bernoulli(positive[row]), codecs.family(cdf, row))

    def bits(row, x):
        positive, cdf = map(jnp.asarray, tables_of())
        value = jnp.maximum(x.astype(jnp.int32) - 1, 0)
        flag = jnp.where(x > 0, positive[row], TOTAL_MASS - positive[row])
        mass = jnp.where(x > 0, cdf[row, value + 1] - cdf[row, value], TOTAL_MASS)
        return 2 * MASS_BITS - jnp.log2(flag.astype(jnp.float32)) - jnp.log2(mass.astype(jnp.float32))

    return codec, bits
