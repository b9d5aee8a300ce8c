"""Unsigned LEB128 integers: seven bits a byte, low bits first, in the shortest form only (one spelling a value)."""

from recjax.errors import FormatError


def encode(value: int) -> bytes:
    """Bytes of a value >= 0."""
    if value < 0:
        raise ValueError(f"a varint holds an integer >= 0, got {value}")
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def decode(data: bytes, position: int, name: str, lowest: int, highest: int) -> tuple[int, int]:
    """The value at `position`, which must lie in [lowest, highest], and the position after it; `name` is for errors."""
    value = 0
    for shift in range(0, highest.bit_length() + 7, 7):
        if position >= len(data):
            raise FormatError(f"the file ends inside its {name}; it is truncated, fetch it again.")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if byte == 0 and shift:
                raise FormatError(f"the {name} is not in its shortest form; the file is damaged, fetch it again.")
            if not lowest <= value <= highest:
                break
            return value, position
    raise FormatError(f"the {name} must lie in [{lowest}, {highest}], got {value} or more; the file is damaged.")
