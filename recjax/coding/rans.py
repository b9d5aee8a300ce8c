"""Vectorised rANS: a message is a stack of symbols, written as a few integer heads over one shared tail of bytes.

Asymmetric numeral systems after Duda (arXiv:1311.2540) in the range form; lanes after Giesen (arXiv:1402.3392). A head
lives in [2^24, 2^32) and symbols have masses out of 2^16, so that a head holds at least 2^8 units of any mass: the
coder's own loss is below 1e-6 of the bits (16-bit words and heads from 2^16 would lose 0.2%).

A message of one lane is *open*: it starts as the number 1, and its head may be smaller than 2^24 while its tail is
empty. It is one integer, head * 256^size + tail, written at its own length (wire.py); slots are spread evenly
(spread.py), so that its length is that of its symbols to less than a bit.
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
HEAD_MIN = 1 << 24
MAX_CAPACITY = 1 << 30
"""Bytes of the longest tail: its places are int32, and those that a sequence of pushes asks for may lie beyond it."""

# With their type: under x64, XLA of jaxlib 0.10 dies of an or of int32 and what Python's integers become there.
OVERFLOW, UNDERFLOW, ZERO_MASS = np.int32(1), np.int32(2), np.int32(4)


def bucket(size: int) -> int:
    """The next capacity of a few per octave, so that messages of similar size share a compiled function."""
    step = max(1 << max(size.bit_length() - 3, 0), 1 << 12)
    return -(-size // step) * step


class Message(NamedTuple):
    """One stack of symbols per batch index.

    head: states of the lanes, in [2^24, 2^32) (open messages: in [1, 2^32)).
    tail: bytes below the heads, first in at index 0; what lies at and above `size` means nothing.
    size: bytes in use. It goes on counting past the capacity, so an overflow tells the capacity that was needed.
    low: the smallest `size` so far: bytes below it were never touched, which is how bits-back knows its initial bits.
    fault: OR of OVERFLOW, UNDERFLOW (popped more than there was) and ZERO_MASS (pushed what the codec cannot code).
    active: lanes in use; a push or pop leaves the others exactly as they are (what an idle lane pops means nothing).
    """

    head: UInt32[Array, "*batch lanes"]
    tail: UInt8[Array, "*batch capacity"]
    size: Int32[Array, "*batch"]
    low: Int32[Array, "*batch"]
    fault: Int32[Array, "*batch"]
    active: Bool[Array, "*batch lanes"]


def empty(batch_shape: tuple[int, ...], lanes: int, capacity: int) -> Message:
    """A message without symbols for every batch index, open if it has one lane, with room for `capacity` bytes."""
    # Another lane's bytes may fill the tail below a head, so several lanes start at the least full head instead of 1.
    head = jnp.full((*batch_shape, lanes), 1 if lanes == 1 else HEAD_MIN, jnp.uint32)
    zero = jnp.zeros(batch_shape, jnp.int32)
    return Message(head, jnp.zeros((*batch_shape, capacity), jnp.uint8), zero, zero, zero, jnp.ones(head.shape, bool))


def push(message: Message, start: UInt32[Array, "*batch lanes"], freq: UInt32[Array, "*batch lanes"]) -> Message:
    """Push in each lane the symbol whose values are [start, start + freq) out of 2^16; freq 0 is a fault."""
    head, active = message.head, message.active
    start = jnp.where(active, start, 0)
    divisor = jnp.where(active, jnp.maximum(freq, 1), TOTAL_MASS)
    # A lane sheds bytes until head < freq 2^16, so that the division below leaves it under 2^32: at most two bytes.
    count = ((head >> 16) >= divisor).astype(jnp.uint32) + ((head >> 24) >= divisor).astype(jnp.uint32)
    shed = tails.shed_word(head, count, active & (freq == 0))
    head = head >> (8 * count)
    quotient = head // divisor
    k = head - quotient * divisor
    head = (quotient << MASS_BITS) + (spread.slot(k, start, divisor) if _is_open(message) else start + k)
    return write(message._replace(head=head), shed[..., None, :])


def write(message: Message, shed: UInt32[Array, "*batch pushes lanes"]) -> Message:
    """The message with what pushes have shed in its tail, oldest first."""
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
    """The value in [0, 2^16) on top of each lane; it lies in [start, start + freq) of the symbol pushed last."""
    slot = message.head & (TOTAL_MASS - 1)
    return spread.reverse_bits(slot) if _is_open(message) else slot


def pop(message: Message, start: UInt32[Array, "*batch lanes"], freq: UInt32[Array, "*batch lanes"]) -> Message:
    """Undo `push(message, start, freq)`, with the interval that holds `peek(message)`."""
    head, active, lanes = message.head, message.active, message.head.shape[-1]
    start, freq = jnp.where(active, start, 0), jnp.where(active, freq, TOTAL_MASS)
    value = peek(message)
    k = spread.number(value, start, freq) if _is_open(message) else value - start
    head = freq * (head >> MASS_BITS) + k
    wanted = _join(active & (head < HEAD_MIN), active & (head < HEAD_MIN >> 8))
    taken, found, count = _over_batch(tails.take, message.size.ndim)(message.tail, message.size, wanted)
    # The second byte was shed last, so it comes back first.
    for part in (slice(lanes, None), slice(lanes)):
        head = jnp.where(found[..., part], (head << 8) | taken[..., part], head)
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
