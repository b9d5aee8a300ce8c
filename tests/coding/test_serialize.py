import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recjax.coding import rans, serialize
from recjax.errors import FormatError


def test_bytes_come_back(random_message, assert_same_message):
    for lanes, size in ((1, 300), (3, 0), (64, 17)):
        message = random_message((), lanes, size=size)
        data = serialize.to_bytes(message)
        assert len(data) == 4 * lanes + size
        assert_same_message(serialize.from_bytes(data, lanes, 400), message)
        assert int(serialize.from_bytes(data, lanes, 400).low) == size


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("01", max_size=90), max_size=6))
def test_any_bit_strings_are_messages_and_come_back(strings):
    joined = "".join(strings)
    joined += "0" * (-len(joined) % 8)
    data = bytes(int(joined[i : i + 8], 2) for i in range(0, len(joined), 8))
    lengths = np.array([len(s) for s in strings], np.int64)
    messages = serialize.from_bits(data, lengths, 16)
    number = [int("1" + s, 2) for s in strings]
    head, size, tail = (np.asarray(x) for x in (messages.head, messages.size, messages.tail))
    for i, n in enumerate(number):
        assert int(head[i, 0]) << (8 * int(size[i])) | int.from_bytes(tail[i, : size[i]].tobytes(), "little") == n
        assert size[i] == 0 or head[i, 0] >= rans.HEAD_MIN
    again, again_lengths = serialize.to_bits(messages)
    assert again == data
    assert np.array_equal(again_lengths, lengths)


def test_an_empty_open_message_has_no_bits():
    data, lengths = serialize.to_bits(rans.empty((3,), 1, 4))
    assert data == b""
    assert lengths.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "lengths", [[-1, 9], [7, 2], [400, -392], [8 * 7 + 8, 0]], ids=["negative", "long", "cancel", "capacity"]
)
def test_lengths_that_cannot_be_are_refused(lengths):
    data = bytes(8) if lengths[0] == 64 else bytes(1)
    with pytest.raises(FormatError, match="damaged"):
        serialize.from_bits(data, np.array(lengths), 4)


def test_bytes_that_cannot_be_are_refused():
    good = serialize.to_bytes(rans.empty((), 2, 8))
    assert serialize.from_bytes(good, 2, 8).head.tolist() == [rans.HEAD_MIN] * 2
    for bad in (good[:-1], good + bytes(9), bytes(8), b""):
        with pytest.raises(FormatError, match="damaged"):
            serialize.from_bytes(bad, 2, 8)
    with pytest.raises(FormatError, match="damaged"):
        serialize.from_bytes(bytes(4), 1, 8)


def test_faulty_messages_are_not_written():
    message = jax.jit(rans.push)(rans.empty((1,), 1, 4), jnp.zeros((1, 1), jnp.uint32), jnp.zeros((1, 1), jnp.uint32))
    with pytest.raises(ValueError, match="mass zero"):
        serialize.to_bits(message)


@pytest.mark.parametrize("capacity", [0, 4, 9])
def test_open_messages_are_no_longer_than_their_capacity(capacity):
    """Of `capacity` bytes of tail and a head of four; a bit less than one more fits, as it adds no whole byte."""
    longest = 8 * (capacity + 4) - 1
    for length in (longest, longest + 1):
        data = bytes(-(-length // 8))
        if length == longest:
            message = serialize.from_bits(data, np.array([length]), capacity)
            assert int(message.size[0]) == capacity and serialize.to_bits(message)[1].tolist() == [length]
            continue
        with pytest.raises(FormatError, match=f"at most {capacity} tail bytes; the file is damaged"):
            serialize.from_bits(data, np.array([length]), capacity)
