"""Codecs: pairs of pure functions that push a symbol on a message and pop it again, and ways to combine them.

Stacks as in the algebra of craystack. Two laws: `pop(push(m, x)) == (m, x)`, always; and `push(pop(m)) == m` for every
message m, where a codec declares it (`pops_any_message`), which bits-back needs. Both hold as long as no fault is set.

Symbols are uint32, one per lane, unless a combinator says otherwise. Popping is total: any message yields symbols in
range, in bounded work. A push of a symbol out of range sets the message's ZERO_MASS fault.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, UInt32

from recjax.coding import rans
from recjax.coding.rans import MASS_BITS, TOTAL_MASS, Message

Lanes = UInt32[Array, "*batch lanes"]


class Codec(NamedTuple):
    """How to push a symbol (an array per lane, or a pytree of them) on a message, and how to pop it.

    pops_any_message: push undoes pop on any message, also one that this codec never pushed on.
    local: a push never pops, and changes heads and tail alone, by `message.push`. Sequences of such codecs are coded
        several times as fast, most where all is arithmetic of integers and look-ups.

    It copies, and does not pickle.
    """

    push: Callable[[Message, Any], Message]
    pop: Callable[[Message], tuple[Message, Any]]
    pops_any_message: bool = True
    local: bool = False

    def __reduce__(self):
        raise TypeError(
            "a Codec is made of functions, which do not pickle; pickle what it was made of, and make it there"
        )

    def __copy__(self) -> "Codec":
        return self

    def __deepcopy__(self, memo: Any) -> "Codec":
        return self


def interval(
    bounds: Callable[[Lanes], tuple[Lanes, Lanes]], lookup: Callable[[Lanes], Lanes], local: bool = False
) -> Codec:
    """Codec of a distribution given as integer intervals of [0, 2^16).

    bounds(symbol) = (start, freq), with freq 0 for what cannot be coded; lookup(value) is the symbol whose interval
    [start, start + freq) holds the value. local: see `Codec`; sequences of such codecs are coded several times as fast.
    """

    def push(message, symbol):
        return rans.push(message, *bounds(jnp.asarray(symbol).astype(jnp.uint32)))

    def pop(message):
        symbol = lookup(rans.peek(message))
        return rans.pop(message, *bounds(symbol)), symbol

    return Codec(push, pop, local=local)


def bisect(at_or_below: Callable[[Lanes], Bool[Array, "..."]], like: Lanes, count: int) -> Lanes:
    """The last k in [0, count) with at_or_below(k), which holds at 0 and never holds again once it failed."""
    steps = (count - 1).bit_length()

    def refine(step, k):
        trial = k + (jnp.uint32(1 << steps >> 1) >> jnp.asarray(step, jnp.uint32))
        return jnp.where((trial < count) & at_or_below(jnp.minimum(trial, count - 1)), trial, k)

    # A loop, because XLA:CPU fuses unrolled steps and then computes k anew for each look-up: 2^steps times.
    return jax.lax.fori_loop(0, steps, refine, jnp.zeros_like(like))


def by_cdf(
    cdf: Callable[[Lanes], Lanes], count: int
) -> tuple[Callable[[Lanes], tuple[Lanes, Lanes]], Callable[[Lanes], Lanes]]:
    """`bounds` and `lookup` for `interval`: of symbols below `count`, by a cdf in units of 2^-16.

    cdf(k) is the mass of the symbols below k in [0, count]: 0 at 0, 2^16 at `count`, never decreasing.
    """

    def bounds(symbol):
        k = jnp.minimum(symbol, count - 1)
        start = cdf(k)
        return start, jnp.where(symbol < count, cdf(k + 1) - start, 0)

    return bounds, lambda value: bisect(lambda k: cdf(k) <= value, value, count)


def uniform(total: int | Lanes) -> Codec:
    """Symbols 0 ... total - 1 of equal mass (to one unit of 2^-16), for total in [1, 2^16], which may vary by lane."""
    total = jnp.clip(jnp.asarray(total), 1, TOTAL_MASS).astype(jnp.uint32)

    def bounds(k):
        start = (k << MASS_BITS) // total
        # For k + 1 = total = 2^16 the product would wrap.
        end = jnp.where(k + 1 == total, TOTAL_MASS, ((k + 1) << MASS_BITS) // total)
        return start, jnp.where(k < total, end - start, 0)

    # start_k <= v iff k 2^16 < (v + 1) total; for v + 1 = total = 2^16 the product wraps to 0, and back by the - 1.
    return interval(bounds, lambda value: ((value + 1) * total - 1) >> MASS_BITS, local=True)


def raw_bits(count: int | Lanes) -> Codec:
    """Integers of `count` bits in [0, 32] at exactly one bit each; the count may vary by lane."""
    count = jnp.clip(jnp.asarray(count), 0, 32).astype(jnp.uint32)
    low, high = _short_bits(jnp.minimum(count, 16)), _short_bits(jnp.maximum(count, 16) - 16)

    def push(message, symbol):
        symbol = jnp.asarray(symbol).astype(jnp.uint32)
        return high.push(low.push(message, symbol & 0xFFFF), symbol >> 16)

    def pop(message):
        message, upper = high.pop(message)
        message, lower = low.pop(message)
        return message, (upper << 16) | lower

    return Codec(push, pop, local=True)


def padded_bits(count: int, pad: Lanes) -> Codec:
    """Integers of `count` bits, coded as their exclusive or with a shared pad of as many bits, at the same length.

    What lies on the message is then as random as the pad, whatever law the symbols had. Bits-back needs that: it draws
    the next latents from the bits that it just pushed.
    """
    raw = raw_bits(count)

    def pop(message):
        message, symbol = raw.pop(message)
        return message, symbol ^ pad

    return Codec(lambda message, symbol: raw.push(message, symbol ^ pad), pop, local=True)


def _short_bits(count: Lanes) -> Codec:
    unused = MASS_BITS - count

    def bounds(symbol):
        return symbol << unused, jnp.where(symbol >> count == 0, jnp.uint32(1) << unused, 0)

    return interval(bounds, lambda value: value >> unused, local=True)


def bernoulli(mass_one: Lanes) -> Codec:
    """Symbols 0 and 1, where 1 has mass_one / 2^16, mass_one in [1, 2^16 - 1] (clipped to it)."""
    one = jnp.clip(jnp.asarray(mass_one), 1, TOTAL_MASS - 1).astype(jnp.uint32)
    zero = TOTAL_MASS - one

    def bounds(symbol):
        return jnp.where(symbol == 0, 0, zero), jnp.where(symbol == 0, zero, jnp.where(symbol == 1, one, 0))

    return interval(bounds, lambda value: (value >= zero).astype(jnp.uint32), local=True)


def family(cdf_rows: UInt32[Array, "rows symbols_plus_1"], row: Lanes) -> Codec:
    """Each lane's symbol from the distribution in its row of a table of cumulative masses.

    A row starts with 0, never decreases and ends with 2^16; symbols of mass 0 cannot be pushed and are never popped.
    """
    rows, count = cdf_rows.shape[0], cdf_rows.shape[1] - 1
    flat = jnp.asarray(cdf_rows).astype(jnp.uint32).reshape(-1)
    base = jnp.clip(row, 0, rows - 1).astype(jnp.uint32) * (count + 1)

    def edge(k):
        return flat.at[base + k].get(mode="promise_in_bounds")

    return interval(*by_cdf(edge, count), local=True)


def table(cdf: UInt32[Array, "symbols_plus_1"]) -> Codec:
    """Symbols from one row of cumulative masses, the same for all lanes; see `family`."""
    return family(jnp.asarray(cdf)[None], jnp.uint32(0))


def optional(flag: Codec, value: Codec) -> Codec:
    """Symbol 0 as flag 0, and symbol k > 0 as flag 1 and then the value k - 1: a 0 costs what its flag costs.

    With one table of masses instead, a sure 0 would pay for the least mass of every other symbol.
    """

    def push(message, symbol):
        present = symbol > 0
        message = masked(value, present).push(message, jnp.maximum(symbol, 1) - 1)
        return flag.push(message, present.astype(jnp.uint32))

    def pop(message):
        message, present = flag.pop(message)
        message, k = masked(value, present == 1).pop(message)
        return message, jnp.where(present == 1, k + 1, 0)

    return Codec(push, pop, flag.pops_any_message and value.pops_any_message, flag.local and value.local)


def serial(*codecs: Codec) -> Codec:
    """Tuples, popped in the order of the codecs (so pushed in reverse)."""

    def push(message, symbols):
        for codec, symbol in zip(reversed(codecs), reversed(symbols), strict=True):
            message = codec.push(message, symbol)
        return message

    def pop(message):
        symbols = []
        for codec in codecs:
            message, symbol = codec.pop(message)
            symbols.append(symbol)
        return message, tuple(symbols)

    return Codec(push, pop, all(codec.pops_any_message for codec in codecs), all(codec.local for codec in codecs))


def masked(codec: Codec, active: Bool[Array, "*batch lanes"]) -> Codec:
    """The codec on some lanes only; it leaves the others as they are, and what it pops there means nothing."""

    def push(message, symbol):
        inner = message._replace(active=message.active & active)
        return codec.push(inner, symbol)._replace(active=message.active)

    def pop(message):
        after, symbol = codec.pop(message._replace(active=message.active & active))
        return after._replace(active=message.active), symbol

    return Codec(push, pop, codec.pops_any_message, codec.local)
