"""The host edge of messages: bytes of one message, and the bit strings of a batch of open messages.

Bytes of a message: the heads, four bytes each, most significant first, in lane order; then the tail, bottom first.

Bits of an open message: the integer head * 256^size + tail (tail byte i weighs 256^i) in binary, most significant bit
first, without its leading 1. Its length is 8 size + bit_length(head) - 1, from which head and tail are known again, as
the head is at least 2^24 unless the tail is empty. The strings of a batch follow each other without gaps; the last byte
is filled with zeros.
"""

import jax
import numpy as np

from recjax.coding.rans import HEAD_MIN, MAX_CAPACITY, Message
from recjax.errors import FaultError, FormatError

_HEAD_BYTES = 4


def to_bytes(message: Message) -> bytes:
    """Bytes of one message (no batch axes)."""
    _require_sound(message)
    return np.asarray(message.head, ">u4").tobytes() + np.asarray(message.tail)[: int(message.size)].tobytes()


def from_bytes(data: bytes, lanes: int, capacity: int) -> Message:
    """The message of `to_bytes`, with room for `capacity` bytes; `low` starts at its size."""
    size = len(data) - _HEAD_BYTES * lanes
    if not 0 <= size <= capacity <= MAX_CAPACITY:
        raise FormatError(
            f"a message of {lanes} lanes and at most {capacity} tail bytes cannot have {len(data)} bytes; "
            "the file is damaged."
        )
    head = np.frombuffer(data, ">u4", lanes).astype(np.uint32)
    if head.min() < (1 if lanes == 1 and size == 0 else HEAD_MIN):
        raise FormatError("a message holds a head that no encoder leaves; the file is damaged.")
    tail = np.zeros(capacity, np.uint8)
    tail[:size] = np.frombuffer(data, np.uint8, size, offset=_HEAD_BYTES * lanes)
    return message_of(head, tail, np.array(size, np.int32))


def to_bits(messages: Message) -> tuple[bytes, np.ndarray]:
    """Bit strings of open messages [batch, 1] one behind the other, and their lengths in bits, int64 [batch]."""
    _require_sound(messages)
    head, size = np.asarray(messages.head)[:, 0], np.asarray(messages.size, np.int64)
    widest = int(size.max(initial=0))
    tail = np.asarray(messages.tail)[:, :widest]
    digits = np.zeros((len(size), widest + _HEAD_BYTES), np.uint8)
    digits[:, :widest] = np.where(np.arange(widest) < size[:, None], tail, 0)
    np.put_along_axis(digits, _head_places(size), head.astype("<u4")[:, None].view(np.uint8), axis=1)
    lengths_bits = 8 * size + _floor_log2(head)
    bits = np.unpackbits(digits[:, ::-1], axis=1)
    return np.packbits(bits[_own_bits(lengths_bits, bits.shape[1])]).tobytes(), lengths_bits


def from_bits(data: bytes, lengths_bits: np.ndarray, capacity: int) -> Message:
    """The messages [batch, 1] of `to_bits`, with room for `capacity` bytes each; uses 40 batch * longest bytes."""
    lengths = np.asarray(lengths_bits, np.int64)
    size = np.maximum(lengths // 8 - (_HEAD_BYTES - 1), 0)
    widest = int(size.max(initial=0))
    if lengths.min(initial=0) < 0 or widest > capacity or -(-int(lengths.sum()) // 8) != len(data):
        raise FormatError(
            f"{len(data)} bytes do not hold messages of the stated lengths, {int(lengths.sum())} bits in all, "
            f"each with at most {capacity} tail bytes; the file is damaged."
        )
    width = 8 * (widest + _HEAD_BYTES)
    bits = np.zeros((len(lengths), width), np.uint8)
    bits[_own_bits(lengths, width)] = np.unpackbits(np.frombuffer(data, np.uint8))[: int(lengths.sum())]
    bits[np.arange(len(lengths)), width - 1 - lengths] = 1
    digits = np.packbits(bits, axis=1)[:, ::-1]
    head = np.take_along_axis(digits, _head_places(size), axis=1).copy().view("<u4").astype(np.uint32)
    tail = np.zeros((len(lengths), capacity), np.uint8)
    tail[:, :widest] = np.where(np.arange(widest) < size[:, None], digits[:, :widest], 0)
    return message_of(head, tail, size.astype(np.int32))


def message_of(head: np.ndarray, tail: np.ndarray, size: np.ndarray) -> Message:
    """A message of these parts, untouched and with all lanes in use."""
    # Made by NumPy, and put where JAX computes all at once: JAX would compile a program for each array of each shape.
    return Message(*jax.device_put((head, tail, size, size, np.zeros_like(size), np.ones(head.shape, bool))))


def empty(capacity: int) -> Message:
    """An open message without symbols, with room for `capacity` bytes: `message.empty` outside of compiled programs."""
    return message_of(np.ones(1, np.uint32), np.zeros(capacity, np.uint8), np.zeros((), np.int32))


def _require_sound(message: Message) -> None:
    fault = int(np.bitwise_or.reduce(np.asarray(message.fault), axis=None))
    if fault:
        needed = int(np.max(np.asarray(message.size)))
        raise FaultError(
            f"a message with faults {fault:03b} (1 overflow, 10 underflow, 100 symbol of mass zero) cannot be written; "
            f"its tail needs {needed} bytes and has {message.tail.shape[-1]}."
        )


def _head_places(size: np.ndarray) -> np.ndarray:
    return size[:, None] + np.arange(_HEAD_BYTES)


def _own_bits(lengths: np.ndarray, width: int) -> np.ndarray:
    return np.arange(width) >= width - lengths[:, None]


def _floor_log2(x: np.ndarray) -> np.ndarray:
    # A uint32 is a float64 exactly, so frexp's exponent is its bit length.
    return np.frexp(x.astype(np.float64))[1].astype(np.int64) - 1
