"""Codecs at both ends of their symbols, each in four lanes: what a distribution that is one off would lose first."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax.coding import rans
from recjax.coding.codec import bernoulli, family, padded_bits, raw_bits, serial, uniform

ROWS = np.array([[0, 1, 2, 65535, 65536], [0, 20000, 40000, 65000, 65536]], np.uint32)


def lanes(*numbers: int) -> jax.Array:
    return jnp.asarray(numbers, jnp.uint32)


# A codec, symbols for it, and their masses out of 2^16, or None for codecs of several symbols.
CASES = {
    "all of 16 bits": (uniform(1 << 16), lanes(0, 1, 65534, 65535), [1] * 4),
    "nearly all of 16 bits": (uniform((1 << 16) - 1), lanes(1, 2, 65533, 65534), [1, 1, 1, 2]),
    "thirds": (uniform(3), lanes(0, 1, 2, 2), [21845, 21845, 21846, 21846]),
    "uniform of one or two": (uniform(lanes(1, 2, 2, 65535)), lanes(0, 0, 1, 65534), [65536, 32768, 32768, 2]),
    "short integers": (raw_bits(5), lanes(0, 1, 30, 31), [2048] * 4),
    "long integers": (raw_bits(20), lanes(0, 0xF0001, 0x12345, (1 << 20) - 1), None),
    "padded": (padded_bits(12, lanes(0, 1, 0xABC, 0xFFF)), lanes(0, 0xFFF, 0xABC, 1), [16] * 4),
    "flags": (bernoulli(lanes(1, 65535, 100, 100)), lanes(1, 0, 0, 1), [1, 1, 65436, 100]),
    "rows": (family(ROWS, jnp.asarray([0, 0, 1, 1])), lanes(0, 3, 0, 3), [1, 1, 20000, 536]),
    "one after another": (serial(uniform(7), raw_bits(3)), (lanes(6, 0, 3, 1), lanes(7, 0, 1, 6)), None),
}


@pytest.mark.parametrize("name", CASES)
def test_the_first_and_the_last_symbols_come_back_at_their_masses(name):
    codec, symbols, masses = CASES[name]
    heads = lanes(rans.HEAD_MIN, rans.HEAD_MIN + 12345, 0xABCDEF01, 0xFFFFFFFF)
    message = rans.empty((), 4, 64)._replace(head=heads)
    pushed = jax.jit(codec.push)(message, symbols)
    assert int(pushed.fault) == 0
    if masses:
        # A head grows by the symbol's bits, less the bytes that all lanes shed.
        bits = np.log2(np.asarray(pushed.head, np.float64) / np.asarray(heads, np.float64)).sum() + 8 * int(pushed.size)
        assert bits == pytest.approx(sum(16 - np.log2(mass) for mass in masses), abs=0.1)
    popped, found = jax.jit(codec.pop)(pushed)
    jax.tree.map(np.testing.assert_array_equal, found, symbols)
    assert popped.head.tolist() == heads.tolist() and int(popped.size) == 0 and int(popped.fault) == 0


@pytest.mark.parametrize(
    ("name", "beyond"),
    [
        ("all of 16 bits", 1 << 16),
        ("thirds", 3),
        ("short integers", 32),
        ("flags", 2),
        ("rows", 4),
        ("padded", 1 << 12),
    ],
)
def test_the_symbol_beyond_the_last_is_a_fault(name, beyond):
    codec, *_ = CASES[name]
    pushed = jax.jit(codec.push)(rans.empty((), 4, 64), lanes(0, 0, 0, beyond))
    assert int(pushed.fault) == rans.ZERO_MASS
