"""Codes symbols with constriction's stack coder as its manual does: a model family, with parameters for each symbol."""

import numpy as np
from constriction import stream  # pyright: ignore[reportAttributeAccessIssue, reportMissingImports]

from experiments.benchmarks.contenders.symbols import CELLS, draw
from experiments.benchmarks.task import Task


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
    symbols, models = draw(name, size), stream.model
    flat = np.ascontiguousarray(symbols.symbol.reshape(-1), np.int32)
    if name == "binary":
        family, distributions = (
            models.Bernoulli(perfect=False),
            (symbols.distributions["one"].reshape(-1).astype(np.float32),),
        )
    elif name == "tables":
        family = models.Categorical(perfect=False)
        distributions = (symbols.distributions["mass"].reshape(-1, CELLS).astype(np.float32),)
    else:
        family = models.QuantizedGaussian(-CELLS // 2, CELLS // 2 - 1)
        flat = flat - CELLS // 2
        distributions = (
            symbols.distributions["mean"].reshape(-1) / 2**9,
            np.exp2(symbols.distributions["log2_scale"].reshape(-1) / 2**8),
        )

    def encode() -> np.ndarray:
        coder = stream.stack.AnsCoder()
        coder.encode_reverse(flat, family, *distributions)
        return coder.get_compressed()

    compressed = encode()

    def decode() -> np.ndarray:
        return stream.stack.AnsCoder(compressed).decode(family, *distributions)

    if not np.array_equal(decode(), flat):
        raise ValueError(f"the symbols of {name!r} did not come back.")
    facts = {"bytes": compressed.nbytes, "ideal_bytes": symbols.ideal_bits / 8}
    return Task({"encode": (encode, flat.size), "decode": (decode, flat.size)}, facts)
