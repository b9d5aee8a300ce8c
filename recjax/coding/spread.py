"""Evenly spread slots: what lets an open message start from the number 1.

Every block of 2^16 states has `freq` slots of a symbol, and a push moves state k to the symbol's slot number k. With
its slots in a row, [start, start + freq), a state below 2^16 does not grow by the factor 2^16 / freq as it should:
from 1, the first symbol costs up to 16 bits, whatever its mass. Here slot n belongs to the symbol whose interval holds
the 16 bits of n in reverse (van der Corput's sequence), so a symbol has N freq / 2^16 of the first N slots, for any N,
give or take a few (an even spread, as of Duda's uABS and tANS, arXiv:1311.2540). What remains is under a bit a message.
"""

import jax.numpy as jnp
from jaxtyping import Array, UInt32

Words = UInt32[Array, "*n"]
_BITS = 16


def reverse_bits(n: Words) -> Words:
    """The low 16 bits in reverse: the value of slot n, and the slot of value n."""
    for width, mask in ((1, 0x5555), (2, 0x3333), (4, 0x0F0F), (8, 0x00FF)):
        n = ((n >> width) & mask) | ((n & mask) << width)
    return n


def slot(k: Words, start: Words, freq: Words) -> Words:
    """The slot number k in [0, freq), in ascending order, of the symbol with values [start, start + freq)."""
    value = jnp.zeros_like(k)
    for depth in range(1, _BITS + 1):
        below = _slots_below(value, depth, start, freq)
        # Arithmetic, as LLVM's time for a chain of so many selects in one kernel grows 4.6 times a step (jaxlib 0.12).
        upper = (k >= below).astype(k.dtype)
        k = k - upper * below
        value = value | upper << (depth - 1)
    return reverse_bits(value)


def number(value: Words, start: Words, freq: Words) -> Words:
    """k of the slot that has this value."""
    k = jnp.zeros_like(value)
    for depth in range(1, _BITS + 1):
        upper = (value >> (depth - 1)) & 1
        k = k + upper * _slots_below(value & ((1 << (depth - 1)) - 1), depth, start, freq)
    return k


def _slots_below(prefix: Words, depth: int, start: Words, freq: Words) -> Words:
    """How many values of the symbol are prefix modulo 2^depth, for prefix < 2^(depth - 1).

    A slot's upper bits are its value's lower bits, so these values' slots are a run, and the run before the one of
    prefix + 2^(depth - 1).
    """
    offset = ((1 << depth) - 1) - prefix
    return ((start + freq + offset) >> depth) - ((start + offset) >> depth)
