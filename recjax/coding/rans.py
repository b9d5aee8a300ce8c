"""Vectorised rANS: a message is a stack of symbols, stored as a few integer heads over one shared tail of bytes.

Asymmetric numeral systems after Duda (arXiv:1311.2540) in the range form, with lanes after Giesen (arXiv:1402.3392).
Symbols have masses out of 2^16, and a head lies in [2^24, 2^32), so that it holds at least 2^8 units of any mass: the
coder loses less than 1e-6 of the bits (16-bit words and heads from 2^16 would lose 0.2%).

A message of one lane is *open*: it starts as the number 1, and its head may be below 2^24 while its tail is empty. It
is one integer, head * 256^size + tail, written at its own length (serialize.py). The slots of its symbols are spread
evenly (spread.py), so that its length is that of its symbols to less than a bit.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int32, UInt8, UInt32

from recjax.coding import spread
from recjax.coding import tail as tails
from recjax.coding.tail import Pending

MASS_BITS = 16
TOTAL_MASS = 1 << MASS_BITS
"""Sum of the masses of all symbols of a codec."""

HEAD_MIN = 1 << 24
"""Smallest head of a message with several lanes, or with a tail."""

MAX_CAPACITY = 1 << 30
"""Bytes of the longest tail. Places in it are int32, and pushes may count past its end before they set a fault."""

# Typed, as XLA of jaxlib 0.10 crashes under x64 on an OR of int32 and an untyped Python integer.
OVERFLOW, UNDERFLOW, ZERO_MASS = np.int32(1), np.int32(2), np.int32(4)


def bucket(size: int) -> int:
    """Rounds a capacity up to one of a few per octave, so that messages of similar size share a compiled function.

    Args:
        size: Bytes needed.

    Returns:
        Bytes, at least `size`: a multiple of 4,096 or, for large sizes, of the power of two between an eighth and a
        quarter of `size`.

    Example:
        >>> from recjax.coding import rans
        >>> rans.bucket(5000), rans.bucket(100_000)
        (8192, 114688)
    """
    step = max(1 << max(size.bit_length() - 3, 0), 1 << 12)
    return -(-size // step) * step


class Message(NamedTuple):
    """A stack of symbols per batch index.

    Attributes:
        head: States of the lanes, in [2^24, 2^32); in [1, 2^32) for open messages.
        tail: Bytes below the heads, oldest first; those from `size` on are meaningless.
        size: Bytes of the tail in use. It keeps counting past the capacity, so an overflow tells the capacity needed.
        low: Smallest `size` so far. Bytes below it were never touched, which tells bits-back how many initial bits it
            used.
        fault: OR of OVERFLOW, UNDERFLOW (popped more than there was) and ZERO_MASS (pushed what the codec cannot code).
        active: Lanes in use. Pushes and pops leave the others exactly as they are; what they pop there is meaningless.

    Example:
        >>> from recjax.coding import rans
        >>> message = rans.empty((3,), lanes=2, capacity=16)
        >>> message.head.shape, message.tail.shape, message.fault.tolist()
        ((3, 2), (3, 16), [0, 0, 0])
    """

    head: UInt32[Array, "*batch lanes"]
    tail: UInt8[Array, "*batch capacity"]
    size: Int32[Array, "*batch"]
    low: Int32[Array, "*batch"]
    fault: Int32[Array, "*batch"]
    active: Bool[Array, "*batch lanes"]


def empty(batch_shape: tuple[int, ...], lanes: int, capacity: int) -> Message:
    """Makes messages without symbols, open ones if they have one lane.

    Args:
        batch_shape: Shape of the batch; () for a single message.
        lanes: Number of lanes, at least 1.
        capacity: Bytes that each tail has room for, at most MAX_CAPACITY.

    Returns:
        The messages.

    Example:
        >>> from recjax.coding import rans
        >>> rans.empty((), lanes=1, capacity=8).head.tolist()
        [1]
    """
    # Several lanes share the tail, where bytes of others may lie below a head: so they start at the smallest full head.
    head = jnp.full((*batch_shape, lanes), 1 if lanes == 1 else HEAD_MIN, jnp.uint32)
    zero = jnp.zeros(batch_shape, jnp.int32)
    return Message(head, jnp.zeros((*batch_shape, capacity), jnp.uint8), zero, zero, zero, jnp.ones(head.shape, bool))


def push(message: Message, start: UInt32[Array, "*batch lanes"], freq: UInt32[Array, "*batch lanes"]) -> Message:
    """Pushes a symbol in each lane.

    Args:
        message: The message.
        start: Smallest values of the symbols, uint32 [*batch, lanes].
        freq: Masses of the symbols, uint32 [*batch, lanes]: a symbol has the values [start, start + freq) out of 2^16.
            A mass of 0 sets the ZERO_MASS fault.

    Returns:
        The message with the symbols on top.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.coding import rans
        >>> message = rans.empty((), lanes=1, capacity=8)
        >>> start, freq = jnp.array([32768], jnp.uint32), jnp.array([32768], jnp.uint32)
        >>> message = rans.push(message, start, freq)
        >>> message.head.tolist(), int(rans.peek(message)[0]) >= 32768
        ([3], True)
    """
    head, active = message.head, message.active
    start = jnp.where(active, start, 0)
    divisor = jnp.where(active, jnp.maximum(freq, 1), TOTAL_MASS)
    # A lane sheds at most two bytes, until head < freq 2^16, so that the new head stays below 2^32.
    count = ((head >> 16) >= divisor).astype(jnp.uint32) + ((head >> 24) >= divisor).astype(jnp.uint32)
    shed = tails.shed_word(head, count, active & (freq == 0))
    head = head >> (8 * count)
    quotient = head // divisor
    k = head - quotient * divisor
    head = (quotient << MASS_BITS) + (spread.slot(k, start, divisor) if _is_open(message) else start + k)
    return write(message._replace(head=head), shed[..., None, :])


def write(message: Message, shed: UInt32[Array, "*batch pushes lanes"]) -> Message:
    """Appends the bytes that pushes have shed to the tail, or collects them if the message's tail is `Pending`.

    Args:
        message: The message.
        shed: What the pushes have shed, oldest first, [*batch, pushes, lanes], in the form of `tail.Shed`.

    Returns:
        The message with these bytes; with the OVERFLOW fault if they exceed the capacity, and ZERO_MASS if a symbol had
        mass 0.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.coding import rans
        >>> from recjax.coding.tail import shed_word
        >>> one_byte = shed_word(jnp.array([0x41], jnp.uint32), jnp.array([1], jnp.uint32), jnp.array([False]))
        >>> message = rans.write(rans.empty((), lanes=1, capacity=8), one_byte[None])
        >>> int(message.size), int(message.tail[0])
        (1, 65)
    """
    if isinstance(message.tail, Pending):
        return message._replace(tail=Pending((*message.tail.shed, shed)))
    if shed.shape[-2] == 0:
        return message
    tail, size, no_mass = _over_batch(tails.append, message.size.ndim)(message.tail, message.size, shed)
    overflow = jnp.where(size > message.tail.shape[-1], OVERFLOW, np.int32(0))
    return message._replace(
        tail=tail, size=size, fault=message.fault | overflow | jnp.where(no_mass, ZERO_MASS, np.int32(0))
    )


def peek(message: Message) -> UInt32[Array, "*batch lanes"]:
    """Returns the value on top of each lane, which tells the symbol pushed last.

    Args:
        message: The message.

    Returns:
        Values in [0, 2^16), uint32 [*batch, lanes]; each lies in [start, start + freq) of the symbol pushed last.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.coding import rans
        >>> start, freq = jnp.array([100, 200], jnp.uint32), jnp.array([50, 1], jnp.uint32)
        >>> message = rans.push(rans.empty((), lanes=2, capacity=8), start, freq)
        >>> value = rans.peek(message)
        >>> ((start <= value) & (value < start + freq)).tolist()
        [True, True]
    """
    slot = message.head & (TOTAL_MASS - 1)
    return spread.reverse_bits(slot) if _is_open(message) else slot


def pop(message: Message, start: UInt32[Array, "*batch lanes"], freq: UInt32[Array, "*batch lanes"]) -> Message:
    """Pops the symbol on top of each lane, undoing `push(message, start, freq)`.

    Args:
        message: The message.
        start: Smallest values of the symbols whose intervals hold `peek(message)`.
        freq: Masses of these symbols.

    Returns:
        The message without the symbols; it has the UNDERFLOW fault if there were none.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.coding import rans
        >>> start, freq = jnp.array([100, 200], jnp.uint32), jnp.array([50, 1], jnp.uint32)
        >>> before = rans.empty((), lanes=2, capacity=8)
        >>> after = rans.pop(rans.push(before, start, freq), start, freq)
        >>> (after.head == before.head).tolist(), int(after.size)
        ([True, True], 0)
    """
    head, active, lanes = message.head, message.active, message.head.shape[-1]
    start, freq = jnp.where(active, start, 0), jnp.where(active, freq, TOTAL_MASS)
    value = peek(message)
    k = spread.number(value, start, freq) if _is_open(message) else value - start
    head = freq * (head >> MASS_BITS) + k
    missing = _join(active & (head < HEAD_MIN), active & (head < HEAD_MIN >> 8))
    taken, filled, count = _over_batch(tails.take, message.size.ndim)(message.tail, message.size, missing)
    # The second byte was shed last, so it comes back first.
    for part in (slice(lanes, None), slice(lanes)):
        head = jnp.where(filled[..., part], (head << 8) | taken[..., part], head)
    size = jnp.maximum(message.size - count, 0)
    short = head[..., 0] == 0 if _is_open(message) else count > message.size
    fault = message.fault | jnp.where(short, UNDERFLOW, np.int32(0))
    return message._replace(head=head, size=size, low=jnp.minimum(message.low, size), fault=fault)


def _is_open(message: Message) -> bool:
    return message.head.shape[-1] == 1


def _over_batch(function, rank: int):
    for _ in range(rank):
        function = jax.vmap(function)
    return function


def _join(first, second):
    return jnp.concatenate([first, second], axis=-1)
