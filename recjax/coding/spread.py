"""Evenly spread slots, with which an open message can start from the number 1.

Every block of 2^16 states has `freq` slots of a symbol, and a push moves state k to the symbol's slot number k. If
these slots were in a row, [start, start + freq), a state below 2^16 would not grow by the factor 2^16 / freq as it
should: from 1, the first symbol would cost up to 16 bits, whatever its mass. Here, slot n belongs to the symbol whose
interval holds the 16 bits of n in reverse (van der Corput's sequence), so that a symbol has N freq / 2^16 of the first
N slots, for any N, give or take a few (an even spread, as of Duda's uABS and tANS, arXiv:1311.2540). The remaining loss
is below a bit per message.
"""

import jax.numpy as jnp
from jaxtyping import Array, UInt32

Words = UInt32[Array, "*n"]
_BITS = 16


def reverse_bits(n: Words) -> Words:
    """Reverses the low 16 bits: this gives the value of slot n, and also the slot of value n.

    Args:
        n: Numbers below 2^16, uint32.

    Returns:
        Numbers below 2^16, uint32.
    """
    for width, mask in ((1, 0x5555), (2, 0x3333), (4, 0x0F0F), (8, 0x00FF)):
        n = ((n >> width) & mask) | ((n & mask) << width)
    return n


def slot(k: Words, start: Words, freq: Words) -> Words:
    """Returns slot number k, in ascending order, of a symbol.

    Args:
        k: Numbers in [0, freq), uint32.
        start: Smallest values of the symbols.
        freq: Masses of the symbols, at least 1; their values are [start, start + freq).

    Returns:
        Slots in [0, 2^16), uint32.
    """
    value = jnp.zeros_like(k)
    for depth in range(1, _BITS + 1):
        below = _slots_below(value, depth, start, freq)
        # Arithmetic instead of selects: LLVM's time for a chain of selects grows 4.6 times per step (jaxlib 0.12).
        upper = (k >= below).astype(k.dtype)
        k = k - upper * below
        value = value | upper << (depth - 1)
    return reverse_bits(value)


def number(value: Words, start: Words, freq: Words) -> Words:
    """Returns the number k of the slot that has a value, the inverse of `slot` followed by `reverse_bits`.

    Args:
        value: Values in [start, start + freq), uint32.
        start: Smallest values of the symbols.
        freq: Masses of the symbols.

    Returns:
        Numbers in [0, freq), uint32.
    """
    k = jnp.zeros_like(value)
    for depth in range(1, _BITS + 1):
        upper = (value >> (depth - 1)) & 1
        k = k + upper * _slots_below(value & ((1 << (depth - 1)) - 1), depth, start, freq)
    return k


def _slots_below(prefix: Words, depth: int, start: Words, freq: Words) -> Words:
    """Counts the values of a symbol that are equal to prefix modulo 2^depth, for prefix < 2^(depth - 1).

    A slot's upper bits are its value's lower bits, so the slots of these values form a run, which precedes the run for
    prefix + 2^(depth - 1).
    """
    offset = ((1 << depth) - 1) - prefix
    return ((start + freq + offset) >> depth) - ((start + offset) >> depth)
