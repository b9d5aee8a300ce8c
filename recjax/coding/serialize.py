"""Turns messages into bytes and back, on the host: a single message, or a batch of open messages as bit strings.

The bytes of a message are its heads in lane order, four bytes each, most significant first; then the tail, oldest byte
first.

The bits of an open message are the integer head * 256^size + tail (tail byte i weighs 256^i) in binary, most
significant bit first, without the leading 1. Their number is 8 size + bit_length(head) - 1, from which head and tail
can be told apart, as the head is at least 2^24 unless the tail is empty. The strings of a batch follow each other
without gaps; the last byte is filled up with zeros.
"""

import jax
import numpy as np

from recjax.coding.rans import HEAD_MIN, MAX_CAPACITY, Message
from recjax.errors import FaultError, FormatError

_HEAD_BYTES = 4


def to_bytes(message: Message) -> bytes:
    """Serialises one message.

    Args:
        message: A message without batch axes.

    Returns:
        Four bytes per lane, and the tail.

    Raises:
        FaultError: If the message has a fault.

    Example:
        >>> from recjax.coding import rans, serialize
        >>> serialize.to_bytes(rans.empty((), lanes=2, capacity=8)).hex()
        '0100000001000000'
    """
    _require_sound(message)
    return np.asarray(message.head, ">u4").tobytes() + np.asarray(message.tail)[: int(message.size)].tobytes()


def from_bytes(data: bytes, lanes: int, capacity: int) -> Message:
    """Restores the message of `to_bytes`.

    Args:
        data: The bytes.
        lanes: Number of lanes.
        capacity: Bytes that the tail has room for.

    Returns:
        The message; its `low` is its size.

    Raises:
        FormatError: If the bytes cannot be such a message.

    Example:
        >>> from recjax.coding import rans, serialize
        >>> data = serialize.to_bytes(rans.empty((), lanes=2, capacity=8))
        >>> serialize.from_bytes(data, lanes=2, capacity=8).head.tolist() == [2**24, 2**24]
        True
    """
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
    """Serialises a batch of open messages as bit strings without gaps.

    Args:
        messages: Open messages, with heads [batch, 1].

    Returns:
        The bytes, and the length of each message in bits, int64 [batch].

    Raises:
        FaultError: If a message has a fault.

    Example:
        >>> import jax.numpy as jnp
        >>> from recjax.coding import codec, rans, serialize
        >>> messages = codec.uniform(256).push(rans.empty((2,), lanes=1, capacity=8), jnp.array([[1], [2]], jnp.uint32))
        >>> data, lengths = serialize.to_bits(messages)
        >>> len(data), lengths.tolist()
        (2, [8, 8])
    """
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
    """Restores the messages of `to_bits`.

    Needs about 40 * batch * (bytes of the longest message) bytes of memory.

    Args:
        data: The bytes.
        lengths_bits: Length of each message in bits, [batch].
        capacity: Bytes that each tail has room for.

    Returns:
        Open messages, with heads [batch, 1]; their `low` is their size.

    Raises:
        FormatError: If the bytes cannot be messages of these lengths.

    Example:
        >>> from recjax.coding import rans, serialize
        >>> data, lengths = serialize.to_bits(rans.empty((3,), lanes=1, capacity=8))
        >>> data, lengths.tolist(), serialize.from_bits(data, lengths, capacity=8).head.tolist()
        (b'', [0, 0, 0], [[1], [1], [1]])
    """
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
    """Makes messages from heads, tails and sizes, with all lanes in use, no faults, and `low` equal to `size`.

    Args:
        head: States of the lanes, uint32 [*batch, lanes].
        tail: Bytes, uint8 [*batch, capacity].
        size: Bytes in use, int32 [*batch].

    Returns:
        The messages, on the device.

    Example:
        >>> import numpy as np
        >>> from recjax.coding import serialize
        >>> message = serialize.message_of(np.ones(1, np.uint32), np.zeros(8, np.uint8), np.array(0, np.int32))
        >>> message.active.tolist(), int(message.low)
        ([True], 0)
    """
    # Made by NumPy and copied to the device at once, as JAX would compile a program for each shape of each array.
    return Message(*jax.device_put((head, tail, size, size, np.zeros_like(size), np.ones(head.shape, bool))))


def empty(capacity: int) -> Message:
    """Makes an open message without symbols: `rans.empty((), 1, capacity)`, without compiling anything.

    Args:
        capacity: Bytes that the tail has room for.

    Returns:
        The message.

    Example:
        >>> from recjax.coding import serialize
        >>> message = serialize.empty(capacity=8)
        >>> message.head.tolist(), int(message.size)
        ([1], 0)
    """
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
    # A uint32 is exact in float64, so the exponent of frexp is its bit length.
    return np.frexp(x.astype(np.float64))[1].astype(np.int64) - 1
