"""Laws of pixels that are rows of tables: how to code with them, and what a pixel costs."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt32

from recjax.coding import codec as codecs
from recjax.coding.rans import MASS_BITS, TOTAL_MASS


def by_rows(cdf_rows: Callable[[], UInt32[np.ndarray, "rows cumulative"]]) -> tuple[Callable, Callable]:
    """Codec and bits of laws that are rows of a table."""

    def codec(row):
        return codecs.family(jnp.asarray(cdf_rows()), row)

    def bits(row, x):
        cdf, symbol = jnp.asarray(cdf_rows()), x.astype(jnp.int32)
        return MASS_BITS - jnp.log2((cdf[row, symbol + 1] - cdf[row, symbol]).astype(jnp.float32))

    return codec, bits


def by_split_rows(tables_of: Callable[[], tuple[np.ndarray, np.ndarray]]) -> tuple[Callable, Callable]:
    """Codec and bits of laws that are rows of two tables: the mass of the values above 0, and what they are then."""

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
