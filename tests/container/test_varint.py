"""Varints against their bytes in the specification, and at both ends of what a field allows."""

import pytest

from recjax.container import varint
from recjax.errors import FormatError

SPELLINGS = {0: "00", 1: "01", 127: "7f", 128: "8001", 300: "ac02", 1 << 14: "808001", (1 << 64) - 1: "ff" * 9 + "01"}


@pytest.mark.parametrize("value", SPELLINGS)
def test_values_have_one_spelling(value):
    data = varint.encode(value)
    assert data.hex() == SPELLINGS[value]
    assert varint.decode(b"\xff" + data + b"\xff", 1, "size", 0, (1 << 64) - 1) == (value, 1 + len(data))


def test_varints_are_of_values_from_0_on():
    assert varint.encode(0) == b"\x00"
    with pytest.raises(ValueError, match="holds an integer >= 0, got -1"):
        varint.encode(-1)


@pytest.mark.parametrize(
    ("lowest", "highest"), [(0, 0), (1, 1), (5, 127), (5, 128), (200, 1 << 14), (1, (1 << 64) - 1)]
)
def test_both_ends_of_a_range_are_in_it_and_nothing_beyond(lowest, highest):
    for value in (lowest, highest):
        assert varint.decode(varint.encode(value), 0, "size", lowest, highest)[0] == value
    for value in {lowest - 1, highest + 1} - {-1}:
        with pytest.raises(FormatError, match=rf"the size must lie in \[{lowest}, {highest}\]"):
            varint.decode(varint.encode(value), 0, "size", lowest, highest)


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xac"])
def test_a_varint_that_does_not_end_is_truncated(data):
    with pytest.raises(FormatError, match="ends inside its size"):
        varint.decode(data, 0, "size", 0, 1 << 20)


@pytest.mark.parametrize("data", [b"\x80\x00", b"\xac\x82\x00"])
def test_a_longer_spelling_is_refused(data):
    with pytest.raises(FormatError, match="shortest form"):
        varint.decode(data, 0, "size", 0, 1 << 20)
