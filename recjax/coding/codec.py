"""Codecs: pairs of pure functions that push a symbol on a message and pop it again, and ways to combine them.

Messages are stacks, as in the algebra of craystack. Two identities hold as long as no fault is set:
`pop(push(m, x)) == (m, x)`, always; and `push(pop(m)) == m` for every message m, which bits-back needs, if a codec
declares it (`pops_any_message`).

Symbols are uint32, one per lane, unless a combinator says otherwise. Popping is total: any message yields symbols in
range, in bounded work. Pushing a symbol that is out of range sets the message's ZERO_MASS fault.
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
    """A pair of functions that push a symbol on a message and pop it again.

    A symbol is an array with one entry per lane, or a pytree of them. A codec can be copied but not pickled.

    Attributes:
        push: Maps a message and a symbol to the message with the symbol on top.
        pop: Maps a message to the message without its top symbol, and that symbol.
        pops_any_message: Whether push undoes pop on every message, also on one that this codec never pushed on.
        local: Whether a push never pops, and changes only heads and tail, by `rans.push`. Sequences of such codecs are
            coded several times as fast, most of all if the codecs are integer arithmetic and table look-ups.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.coding import rans
        >>> from recjax.coding.codec import Codec, uniform
        >>> codec = uniform(10)
        >>> message = codec.push(rans.empty((), lanes=2, capacity=8), jnp.array([3, 9], jnp.uint32))
        >>> message, symbols = codec.pop(message)
        >>> isinstance(codec, Codec), symbols.tolist(), int(message.size)
        (True, [3, 9], 0)
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
    """Makes a codec from the integer intervals that a distribution assigns to its symbols.

    Args:
        bounds: Maps symbols to (start, freq): a symbol has the values [start, start + freq) of [0, 2^16), with freq 0
            if it cannot be coded.
        lookup: Maps values in [0, 2^16) to the symbols whose intervals hold them.
        local: Whether to declare the codec `local`, which makes sequences of it several times as fast; see `Codec`.

    Returns:
        Codec of uint32 symbols, one per lane.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.coding import rans
        >>> from recjax.coding.codec import interval
        >>> bounds = lambda k: (k << 15, jnp.where(k < 2, jnp.uint32(1 << 15), 0))
        >>> codec = interval(bounds, lambda value: value >> 15)
        >>> message = codec.push(rans.empty((), lanes=2, capacity=8), jnp.array([1, 0], jnp.uint32))
        >>> codec.pop(message)[1].tolist()
        [1, 0]
    """

    def push(message, symbol):
        return rans.push(message, *bounds(jnp.asarray(symbol).astype(jnp.uint32)))

    def pop(message):
        symbol = lookup(rans.peek(message))
        return rans.pop(message, *bounds(symbol)), symbol

    return Codec(push, pop, local=local)


def bisect(at_or_below: Callable[[Lanes], Bool[Array, "..."]], like: Lanes, count: int) -> Lanes:
    """Finds the last k in [0, count) for which a condition holds, elementwise.

    Args:
        at_or_below: The condition, as a function of k; true at 0, and false for all k from some k on.
        like: An array of the result's shape and dtype.
        count: Number of candidates k, at least 1.

    Returns:
        The k, uint32.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.coding.codec import bisect
        >>> bisect(lambda k: k * k <= jnp.array([30, 9]), like=jnp.zeros(2, jnp.uint32), count=10).tolist()
        [5, 3]
    """
    steps = (count - 1).bit_length()

    def refine(step, k):
        trial = k + (jnp.uint32(1 << steps >> 1) >> jnp.asarray(step, jnp.uint32))
        return jnp.where((trial < count) & at_or_below(jnp.minimum(trial, count - 1)), trial, k)

    # A loop, because XLA:CPU would fuse unrolled steps and compute k again for every look-up, 2^steps times in all.
    return jax.lax.fori_loop(0, steps, refine, jnp.zeros_like(like))


def by_cdf(
    cdf: Callable[[Lanes], Lanes], count: int
) -> tuple[Callable[[Lanes], tuple[Lanes, Lanes]], Callable[[Lanes], Lanes]]:
    """Makes the functions that `interval` takes from cumulative masses.

    Args:
        cdf: Maps k in [0, count] to the mass of all symbols below k, in units of 2^-16: 0 at 0, 2^16 at `count`, and
            never decreasing.
        count: Number of symbols.

    Returns:
        `bounds` and `lookup` for `interval`, of symbols in [0, count).

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.coding.codec import by_cdf
        >>> masses = jnp.array([0, 49152, 65536], jnp.uint32)
        >>> bounds, lookup = by_cdf(lambda k: masses[k], count=2)
        >>> [int(x) for x in bounds(jnp.uint32(1))], int(lookup(jnp.uint32(50000)))
        ([49152, 16384], 1)
    """

    def bounds(symbol):
        k = jnp.minimum(symbol, count - 1)
        start = cdf(k)
        return start, jnp.where(symbol < count, cdf(k + 1) - start, 0)

    return bounds, lambda value: bisect(lambda k: cdf(k) <= value, value, count)


def uniform(total: int | Lanes) -> Codec:
    """Makes a codec of symbols in [0, total) of equal mass, to one unit of 2^-16.

    Args:
        total: Number of symbols, clipped to [1, 2^16]; may vary by lane.

    Returns:
        Codec of uint32 symbols, one per lane.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.coding import rans
        >>> from recjax.coding.codec import uniform
        >>> codec = uniform(jnp.array([2, 1000]))
        >>> message = codec.push(rans.empty((), lanes=2, capacity=8), jnp.array([1, 999], jnp.uint32))
        >>> codec.pop(message)[1].tolist()
        [1, 999]
    """
    total = jnp.clip(jnp.asarray(total), 1, TOTAL_MASS).astype(jnp.uint32)

    def bounds(k):
        start = (k << MASS_BITS) // total
        # The product would wrap around for k + 1 = total = 2^16.
        end = jnp.where(k + 1 == total, TOTAL_MASS, ((k + 1) << MASS_BITS) // total)
        return start, jnp.where(k < total, end - start, 0)

    # start_k <= v iff k 2^16 < (v + 1) total. For v + 1 = total = 2^16 the product wraps to 0, and - 1 wraps it back.
    return interval(bounds, lambda value: ((value + 1) * total - 1) >> MASS_BITS, local=True)


def raw_bits(count: int | Lanes) -> Codec:
    """Makes a codec of integers of `count` bits, at exactly one bit each.

    Args:
        count: Number of bits, clipped to [0, 32]; may vary by lane.

    Returns:
        Codec of uint32 symbols in [0, 2^count), one per lane.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.coding import rans
        >>> from recjax.coding.codec import raw_bits
        >>> codec = raw_bits(32)
        >>> message = codec.push(rans.empty((), lanes=1, capacity=8), jnp.array([0xCAFE0123], jnp.uint32))
        >>> hex(int(codec.pop(message)[1][0]))
        '0xcafe0123'
    """
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
    """Makes a codec of integers of `count` bits that are coded as their exclusive or with a shared pad.

    The bits on the message are then as random as the pad, whatever the distribution of the symbols. Bits-back needs
    that, as it draws the next latents from the bits that it has just pushed. The length is that of `raw_bits`.

    Args:
        count: Number of bits, in [0, 32].
        pad: Random words below 2^count, the same for encoder and decoder, uint32 [*batch, lanes].

    Returns:
        Codec of uint32 symbols in [0, 2^count), one per lane.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.coding import rans
        >>> from recjax.coding.codec import padded_bits
        >>> codec = padded_bits(8, pad=jnp.array([0x5A], jnp.uint32))
        >>> message = codec.push(rans.empty((), lanes=1, capacity=8), jnp.array([7], jnp.uint32))
        >>> codec.pop(message)[1].tolist()
        [7]
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
    """Makes a codec of the symbols 0 and 1.

    Args:
        mass_one: Mass of 1 in units of 2^-16, clipped to [1, 2^16 - 1]; may vary by lane.

    Returns:
        Codec of uint32 symbols, one per lane.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.coding import rans
        >>> from recjax.coding.codec import bernoulli
        >>> codec = bernoulli(jnp.array([60000, 10], jnp.uint32))
        >>> message = codec.push(rans.empty((), lanes=2, capacity=8), jnp.array([1, 0], jnp.uint32))
        >>> codec.pop(message)[1].tolist()
        [1, 0]
    """
    one = jnp.clip(jnp.asarray(mass_one), 1, TOTAL_MASS - 1).astype(jnp.uint32)
    zero = TOTAL_MASS - one

    def bounds(symbol):
        return jnp.where(symbol == 0, 0, zero), jnp.where(symbol == 0, zero, jnp.where(symbol == 1, one, 0))

    return interval(bounds, lambda value: (value >= zero).astype(jnp.uint32), local=True)


def family(cdf_rows: UInt32[Array, "rows symbols_plus_1"], row: Lanes) -> Codec:
    """Makes a codec whose lanes use rows of a table of cumulative masses.

    Args:
        cdf_rows: Cumulative masses in units of 2^-16, [rows, symbols + 1]. A row starts with 0, never decreases and
            ends with 2^16; symbols of mass 0 cannot be pushed and are never popped.
        row: The row of each lane, clipped to the rows that there are.

    Returns:
        Codec of uint32 symbols in [0, symbols), one per lane.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.coding import rans
        >>> from recjax.coding.codec import family
        >>> rows = jnp.array([[0, 60000, 65536], [0, 100, 65536]], jnp.uint32)
        >>> codec = family(rows, row=jnp.array([0, 1], jnp.uint32))
        >>> message = codec.push(rans.empty((), lanes=2, capacity=8), jnp.array([0, 1], jnp.uint32))
        >>> codec.pop(message)[1].tolist()
        [0, 1]
    """
    rows, count = cdf_rows.shape[0], cdf_rows.shape[1] - 1
    flat = jnp.asarray(cdf_rows).astype(jnp.uint32).reshape(-1)
    base = jnp.clip(row, 0, rows - 1).astype(jnp.uint32) * (count + 1)

    def edge(k):
        return flat.at[base + k].get(mode="promise_in_bounds")

    return interval(*by_cdf(edge, count), local=True)


def table(cdf: UInt32[Array, "symbols_plus_1"]) -> Codec:
    """Makes a codec from one row of cumulative masses, the same for all lanes.

    Args:
        cdf: Cumulative masses in units of 2^-16, [symbols + 1]; see `family`.

    Returns:
        Codec of uint32 symbols in [0, symbols), one per lane.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.coding import rans
        >>> from recjax.coding.codec import table
        >>> codec = table(jnp.array([0, 32768, 49152, 65536], jnp.uint32))
        >>> message = codec.push(rans.empty((), lanes=2, capacity=8), jnp.array([2, 0], jnp.uint32))
        >>> codec.pop(message)[1].tolist()
        [2, 0]
    """
    return family(jnp.asarray(cdf)[None], jnp.uint32(0))


def optional(flag: Codec, value: Codec) -> Codec:
    """Makes a codec of symbols that are often 0: 0 as flag 0, and k > 0 as flag 1 followed by the value k - 1.

    A 0 costs only its flag. In one table of masses, an almost certain 0 would also pay for the least mass of every
    other symbol.

    Args:
        flag: Codec of the symbols 0 and 1.
        value: Codec of k - 1.

    Returns:
        Codec of uint32 symbols, one per lane.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.coding import rans
        >>> from recjax.coding.codec import bernoulli, optional, uniform
        >>> codec = optional(bernoulli(jnp.uint32(100)), uniform(10))
        >>> message = codec.push(rans.empty((), lanes=2, capacity=8), jnp.array([0, 4], jnp.uint32))
        >>> codec.pop(message)[1].tolist()
        [0, 4]
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
    """Makes a codec of tuples from one codec per entry.

    Args:
        *codecs: The codecs, in the order in which they pop; they push in reverse order.

    Returns:
        Codec of tuples of the codecs' symbols.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.coding import rans
        >>> from recjax.coding.codec import bernoulli, serial, uniform
        >>> codec = serial(bernoulli(jnp.uint32(100)), uniform(10))
        >>> pair = jnp.array([1], jnp.uint32), jnp.array([7], jnp.uint32)
        >>> message = codec.push(rans.empty((), lanes=1, capacity=8), pair)
        >>> [int(symbol[0]) for symbol in codec.pop(message)[1]]
        [1, 7]
    """

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
    """Makes a codec work on some lanes only and leave the others as they are.

    Args:
        codec: The codec.
        active: Whether each lane is used, [*batch, lanes].

    Returns:
        Codec of the same symbols; those that it pops for unused lanes are meaningless.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.coding import rans
        >>> from recjax.coding.codec import masked, uniform
        >>> codec = masked(uniform(10), jnp.array([True, False]))
        >>> before = rans.empty((), lanes=2, capacity=8)
        >>> after = codec.push(before, jnp.array([5, 5], jnp.uint32))
        >>> (after.head == before.head).tolist(), int(codec.pop(after)[1][0])
        ([False, True], 5)
    """

    def push(message, symbol):
        inner = message._replace(active=message.active & active)
        return codec.push(inner, symbol)._replace(active=message.active)

    def pop(message):
        after, symbol = codec.pop(message._replace(active=message.active & active))
        return after._replace(active=message.active), symbol

    return Codec(push, pop, codec.pops_any_message, codec.local)
