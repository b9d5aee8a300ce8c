"""Symbols coded by this package, in lanes of one message."""

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
    """Code for all symbols, decoded again and compared; facts are the bytes of the message."""
    symbols = draw(name, size)
    codec_of = {"binary": _binary, "tables": _tables, "normals": _normals}[name]
    laws = {key: jnp.asarray(x) for key, x in symbols.distributions.items()}
    symbol = jnp.asarray(symbols.symbol, jnp.uint32)
    empty = rans.empty((), LANES, int(symbols.ideal_bits / 8 * 1.1) + 4096)
    push = jax.jit(lambda message, laws, symbol: codec_of(laws).push(message, symbol))
    pop = jax.jit(lambda message, laws: codec_of(laws).pop(message))
    message = push(empty, laws, symbol)
    after, decoded = pop(message, laws)
    if int(after.fault) or int(after.size) or not np.array_equal(decoded, symbols.symbol):
        raise ValueError(f"the symbols of {name!r} did not come back.")
    codes = {
        "encode": (lambda: jax.block_until_ready(push(empty, laws, symbol)), symbol.size),
        "decode": (lambda: jax.block_until_ready(pop(message, laws)), symbol.size),
    }
    return Task(codes, {"bytes": len(serialize.to_bytes(message)), "ideal_bytes": symbols.ideal_bits / 8})


def _binary(laws: dict[str, jax.Array]) -> Codec:
    return scan(bernoulli, (laws["one"] * TOTAL_MASS).astype(jnp.uint32))


def _tables(laws: dict[str, jax.Array]) -> Codec:
    edges = laws["edges"]
    row = jnp.arange(edges.shape[0] * LANES, dtype=jnp.uint32).reshape(-1, LANES)
    return scan(lambda row: family(edges.reshape(-1, edges.shape[-1]), row), row)


def _normals(laws: dict[str, jax.Array]) -> Codec:
    return scan(lambda law: quantised_normal(*law), (laws["mean"], laws["log2_scale"]))
