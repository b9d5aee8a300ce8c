"""Unsigned LEB128 integers: seven bits a byte, low bits first.

Only the shortest form is legal, so that each value has one encoding.
"""

from recjax.errors import FormatError


def encode(value: int) -> bytes:
    """Encodes an integer as a varint.

    Args:
        value: An integer >= 0.

    Returns:
        The bytes, as few as possible.

    Raises:
        ValueError: The value is negative.

    Example:
        >>> from recjax.container import varint
        >>> varint.encode(300).hex()
        'ac02'
    """
    if value < 0:
        raise ValueError(f"a varint holds an integer >= 0, got {value}")
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def decode(data: bytes, position: int, name: str, lowest: int, highest: int) -> tuple[int, int]:
    """Decodes the varint at a position.

    Args:
        data: The bytes to read from.
        position: Where the varint begins.
        name: What the value is, for error messages.
        lowest: The lowest legal value.
        highest: The highest legal value.

    Returns:
        The value, and the position after it.

    Raises:
        FormatError: The data end inside the varint, it is not in its shortest form, or its value is out of range.

    Example:
        >>> from recjax.container import varint
        >>> varint.decode(varint.encode(300), 0, "seed", 0, 1000)
        (300, 2)
    """
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
