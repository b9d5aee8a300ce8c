"""Directories that no encoder writes: every bit that says nothing must be 0, and every length one that can be."""

import numpy as np
import pytest

from recjax.container import directory, varint
from recjax.errors import FormatError

RADIUS, ESCAPE = 63, 127


def crafted(unit: int, centre: int, symbols: list[int], shift: int = 0, escaped: int = 0) -> bytes:
    """A directory of these symbols, each class with extra bits of 0, and the value `escaped` behind an escape."""
    code = directory.prefix_code(1, 8, 8)
    bits = ""
    for symbol in symbols:
        bits += f"{int(code.words[symbol]):0{int(code.bits[symbol])}b}"
        bits += f"{escaped:032b}" if symbol == ESCAPE else "0" * shift
    bits += "0" * (-len(bits) % 8)
    head = bytes([unit - 1 << 6 | 1 << 4 | shift, 8 << 4 | 8]) + varint.encode(centre)
    return head + int(bits, 2).to_bytes(len(bits) // 8, "big")


def test_crafted_directories_are_those_of_the_format():
    lengths, position = directory.decode(crafted(2, 100, [RADIUS, RADIUS + 3, RADIUS - 3], shift=2) + b"rest", 3)
    assert lengths.tolist() == [200, 224, 176]
    assert position == len(crafted(2, 100, [RADIUS, RADIUS + 3, RADIUS - 3], shift=2))
    assert directory.decode(crafted(1, 5, [ESCAPE, RADIUS], escaped=2**32 - 1), 2)[0].tolist() == [2**32 - 1, 5]
    assert directory.decode(crafted(4, 5, [ESCAPE], escaped=2**30 - 1), 1)[0].tolist() == [2**32 - 4]


def test_padding_must_be_zero():
    lengths = np.array([130, 141, 127, 90, 133])
    body = directory.encode(lengths)
    padded = [number for number in range(1, 6) if len(directory.encode(lengths[:number])) > 3]
    refused = 0
    for number in padded:
        body = directory.encode(lengths[:number])
        bad = body[:-1] + bytes([body[-1] | 1])
        try:
            decoded, _ = directory.decode(bad, number)
        except FormatError as error:
            assert "padding of a directory is not zero" in str(error)
            refused += 1
        else:
            # The last bit of a code word that fills its byte.
            assert not np.array_equal(decoded, lengths[:number])
    assert refused >= 2


@pytest.mark.parametrize("bit", [0x10, 0x20])
def test_reserved_bits_must_be_zero(bit):
    body = directory.encode(np.full(4, 136))
    assert body[0] & 15 == 15 and directory.decode(body, 4)[0].tolist() == [136] * 4
    with pytest.raises(FormatError, match="reserved bits of a directory"):
        directory.decode(bytes([body[0] | bit]) + body[1:], 4)


@pytest.mark.parametrize(
    ("body", "images"),
    [
        (crafted(1, 2, [RADIUS - 3]), 1),
        (crafted(1, 0, [RADIUS, RADIUS - 1]), 2),
        (crafted(1, 2**32 - 1, [RADIUS + 1]), 1),
        (crafted(2, 5, [ESCAPE], escaped=2**31), 1),
        (crafted(4, 5, [ESCAPE], escaped=2**32 - 1), 1),
        (crafted(1, 2**32 - 2, [RADIUS + 1], shift=3), 1),
    ],
    ids=["negative", "just negative", "above", "above by its unit", "far above", "above by its width"],
)
def test_lengths_out_of_range_are_refused(body, images):
    with pytest.raises(FormatError, match="length of the directory is out of range"):
        directory.decode(body, images)


@pytest.mark.parametrize("unit", [1, 2, 3, 4])
def test_equal_lengths_reach_the_longest_and_no_further(unit):
    highest = (2**32 - 1) // unit
    head = bytes([unit - 1 << 6 | 15])
    assert directory.decode(head + varint.encode(highest), 2)[0].tolist() == [highest * unit] * 2
    with pytest.raises(FormatError, match="length of the messages must lie in"):
        directory.decode(head + varint.encode(highest + 1), 2)


@pytest.mark.parametrize("length", [-1, 2**32])
def test_lengths_that_no_directory_holds_are_not_written(length):
    with pytest.raises(ValueError, match=r"message lengths must lie in \[0, 2\^32\) bits"):
        directory.encode(np.array([5, length]))


def test_the_longest_and_the_shortest_length_come_back():
    lengths = [0, 2**32 - 1, 7, 130]
    assert directory.decode(directory.encode(np.array(lengths)), 4)[0].tolist() == lengths


@pytest.mark.parametrize("cut", [1, 2])
def test_truncated_directories_are_refused(cut):
    body = directory.encode(np.array([130, 141, 127, 90, 133, 2000, 1, 77]))
    with pytest.raises(FormatError, match="truncated"):
        directory.decode(body[:-cut], 8)


@pytest.mark.parametrize("side", [-1, 1])
def test_the_farthest_class_has_a_code_word_of_its_own(side):
    """What lies a class farther out escapes; both come back, though one lies where the other's code word would."""
    for distance, symbol in ((RADIUS, RADIUS + side * RADIUS), (RADIUS + 1, ESCAPE)):
        assert directory._symbols(np.array([1000 + side * distance]), 1000, 0).tolist() == [symbol]
    lengths = np.array([1000] * 40 + [1000 + side * distance for distance in (1, RADIUS, RADIUS + 1, RADIUS + 2, 900)])
    assert directory.decode(directory.encode(lengths), len(lengths))[0].tolist() == lengths.tolist()
