"""Codes symbols with this package, in parallel lanes of one message."""

import jax
import jax.numpy as jnp
import numpy as np

from experiments.benchmarks.contenders.symbols import LANES, draw
from experiments.benchmarks.task import Task
from recjax.coding import rans, serialize
from recjax.coding.codec import Codec, bernoulli, family
from recjax.coding.normal import quantised_normal
from recjax.coding.rans import TOTAL_MASS
from recjax.coding.sequence import scan


def prepare(name: str, size: int) -> Task:
    """Prepares the coding of symbols, and checks that they decode.

    Args:
        name: Kind of the symbols, see `symbols.draw`.
        size: Number of steps of 256 symbols.

    Returns:
        Encoding and decoding of all symbols; the facts are the bytes of the message and its ideal bytes.

    Raises:
        ValueError: If the symbols do not decode to what was encoded.
    """
    symbols = draw(name, size)
    codec_of = {"binary": _binary, "tables": _tables, "normals": _normals}[name]
    distributions = {key: jnp.asarray(x) for key, x in symbols.distributions.items()}
    symbol = jnp.asarray(symbols.symbol, jnp.uint32)
    empty = rans.empty((), LANES, int(symbols.ideal_bits / 8 * 1.1) + 4096)
    push = jax.jit(lambda message, distributions, symbol: codec_of(distributions).push(message, symbol))
    pop = jax.jit(lambda message, distributions: codec_of(distributions).pop(message))
    message = push(empty, distributions, symbol)
    after, decoded = pop(message, distributions)
    if int(after.fault) or int(after.size) or not np.array_equal(decoded, symbols.symbol):
        raise ValueError(f"the symbols of {name!r} did not come back.")
    codes = {
        "encode": (lambda: jax.block_until_ready(push(empty, distributions, symbol)), symbol.size),
        "decode": (lambda: jax.block_until_ready(pop(message, distributions)), symbol.size),
    }
    return Task(codes, {"bytes": len(serialize.to_bytes(message)), "ideal_bytes": symbols.ideal_bits / 8})


def _binary(distributions: dict[str, jax.Array]) -> Codec:
    return scan(bernoulli, (distributions["one"] * TOTAL_MASS).astype(jnp.uint32))


def _tables(distributions: dict[str, jax.Array]) -> Codec:
    edges = distributions["edges"]
    row = jnp.arange(edges.shape[0] * LANES, dtype=jnp.uint32).reshape(-1, LANES)
    return scan(lambda row: family(edges.reshape(-1, edges.shape[-1]), row), row)


def _normals(distributions: dict[str, jax.Array]) -> Codec:
    return scan(lambda normal: quantised_normal(*normal), (distributions["mean"], distributions["log2_scale"]))
