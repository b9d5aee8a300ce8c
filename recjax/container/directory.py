"""The directory of a chunk: the length in bits of each message in it, compressed with a parametric prefix code.

The message of a small image has about 130 bits, so every bit spent on its length counts, and so does every byte of side
information. Lengths are grouped into classes of equal width. The classes have a two-sided Student distribution, given
by a centre and a width on each side (3 to 5 bytes in all), and are coded with the Huffman code of its integer weights.
This costs 0.02 to 0.09 bits a length above the empirical entropy. A prefix code can also be decoded without a loop over
images: the code word that would begin at *every* bit is looked up at once, and pointer doubling then finds the bits at
which code words really begin. Everything that the decoder computes is integer. FORMAT.md is the specification.
"""

from functools import cache
from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Int64, UInt64

from recjax.container import varint
from recjax.errors import FormatError

MAX_LENGTH_BITS = 2**32 - 1

_RADIUS = 63
_ESCAPE = 2 * _RADIUS + 1
_ESCAPE_BITS = 32
_MAX_CODE_BITS = 24
_CONSTANT = 15
_POWERS = (2, 4, 8, 16)
# Widths in sixteenths of a class: 1 to about 13.5 classes, each 2^(1/4) times the one before.
_WIDTHS = (16, 19, 23, 27, 32, 38, 45, 54, 64, 76, 91, 108, 128, 152, 181, 215)


class Parameters(NamedTuple):
    """The parameters of a directory's code.

    A length in bits is unit * v, and v belongs to the class (v - centre) >> shift.

    Attributes:
        unit: A common divisor of all lengths, 1 to 4.
        shift: The logarithm to base 2 of the width of a class, 0 to 14.
        centre: Where class 0 begins, in units.
        power: An index into the table of exponents, 0 to 3.
        left: An index into the table of widths, 0 to 15, for the classes below the centre.
        right: The same for class 0 and those above.
    """

    unit: int
    shift: int
    centre: int
    power: int
    left: int
    right: int


class PrefixCode(NamedTuple):
    """A canonical Huffman code of the 127 classes and of the escape.

    Class k is symbol k + 63, and the escape is symbol 127.

    Attributes:
        bits: The length of each symbol's code word in bits, int64 [128].
        words: The code word of each symbol as an integer, uint64 [128].
        symbols: The symbols in the order of their code words, int64 [128].
        floors: The code words in that order, shifted left to `_MAX_CODE_BITS` bits and therefore ascending, uint64
            [128].
    """

    bits: Int64[np.ndarray, "symbol"]
    words: UInt64[np.ndarray, "symbol"]
    symbols: Int64[np.ndarray, "symbol"]
    floors: UInt64[np.ndarray, "symbol"]


def encode(lengths_bits: Int[np.ndarray, "images"]) -> bytes:
    """Encodes the lengths of messages as a directory.

    Args:
        lengths_bits: The lengths in bits, each in [0, 2^32).

    Returns:
        The directory, padded with zero bits to a whole byte.

    Raises:
        ValueError: A length is out of range.
    """
    lengths = np.asarray(lengths_bits, np.int64)
    if lengths.size and not 0 <= lengths.min() <= lengths.max() <= MAX_LENGTH_BITS:
        raise ValueError(f"message lengths must lie in [0, 2^32) bits, got {lengths.min()} to {lengths.max()}.")
    unit = next((unit for unit in (4, 3, 2) if not (lengths % unit).any()), 1)
    values = lengths // unit
    if lengths.size == 0 or (values == values[0]).all():
        value = int(values[0]) if lengths.size else 0
        return bytes([unit - 1 << 6 | _CONSTANT]) + varint.encode(value)
    chosen = _fit(values, unit)
    head = bytes([unit - 1 << 6 | chosen.power << 4 | chosen.shift, chosen.left << 4 | chosen.right]) + varint.encode(
        chosen.centre
    )
    code = prefix_code(chosen.power, chosen.left, chosen.right)
    symbols = _symbols(values, chosen.centre, chosen.shift)
    escaped = symbols == _ESCAPE
    extra_bits = np.where(escaped, _ESCAPE_BITS, chosen.shift)
    extra = np.where(escaped, values, values - chosen.centre & (1 << chosen.shift) - 1).astype(np.uint64)
    words = code.words[symbols] << extra_bits.astype(np.uint64) | extra
    return head + _concatenate(words, code.bits[symbols] + extra_bits)


def decode(body: bytes, images: int) -> tuple[Int64[np.ndarray, "images"], int]:
    """Decodes the directory at the start of a chunk's body.

    It takes at most 4 KB of memory an image, whatever the bytes are.

    Args:
        body: The body of the chunk.
        images: How many images the chunk has.

    Returns:
        The lengths of the messages in bits, int64 [images], and the position of the byte after the directory.

    Raises:
        FormatError: The directory is truncated or damaged.
    """
    if not body:
        raise FormatError("the directory of a chunk is empty; the file is damaged, fetch it again.")
    unit = (body[0] >> 6) + 1
    highest = MAX_LENGTH_BITS // unit
    if body[0] & 15 == _CONSTANT:
        if body[0] & 0x30:
            raise FormatError("reserved bits of a directory are set; the file is damaged, fetch it again.")
        value, position = varint.decode(body, 1, "length of the messages", 0, highest)
        return np.full(images, value * unit, np.int64), position
    if len(body) < 2:
        raise FormatError("the directory of a chunk is truncated; fetch the file again.")
    power, shift = body[0] >> 4 & 3, body[0] & 15
    centre, position = varint.decode(body, 2, "centre of the lengths", 0, highest)
    code = prefix_code(power, body[1] >> 4, body[1] & 15)
    # Few directories take more than 16 bits a length, and the work grows with the bits that are read: try 16 first.
    for bits_each in (16, _MAX_CODE_BITS + _ESCAPE_BITS):
        windows = _windows(body, position, images * bits_each)
        symbols = code.symbols[np.searchsorted(code.floors, windows >> np.uint64(64 - _MAX_CODE_BITS), "right") - 1]
        steps = code.bits[symbols] + np.where(symbols == _ESCAPE, _ESCAPE_BITS, shift)
        starts = _walk(steps, images)
        if starts[-1] <= windows.size:
            break
    else:
        raise FormatError("the directory of a chunk is truncated; fetch the file again.")
    position, padding = position + (int(starts[-1]) + 7) // 8, -int(starts[-1]) % 8
    if padding and body[position - 1] & (1 << padding) - 1:
        raise FormatError("the padding of a directory is not zero; the file is damaged, fetch it again.")
    windows, symbols = windows[starts[:-1]], symbols[starts[:-1]]
    extra_bits = np.where(symbols == _ESCAPE, _ESCAPE_BITS, shift).astype(np.uint64)
    ends = windows >> (np.uint64(64) - code.bits[symbols].astype(np.uint64) - extra_bits)
    extra = (ends & (np.uint64(1) << extra_bits) - np.uint64(1)).astype(np.int64)
    values = np.where(symbols == _ESCAPE, extra, centre + (symbols - _RADIUS << shift) + extra)
    if (values < 0).any() or (values > highest).any():
        raise FormatError("a message length of the directory is out of range; the file is damaged, fetch it again.")
    return values * unit, position


@cache
def weights(power: int, left: int, right: int) -> tuple[int, ...]:
    """Computes the integer weights of the classes and of the escape.

    Class k, from -63 to 63, has the weight 1 + floor(2^16 (V / (V + 256 k^2))^p). Here p is the exponent, w the width
    on the side of k in sixteenths of a class, and V = w^2 (2p - 3). This is a Student distribution with 2p - 1 degrees
    of freedom whose standard deviation is the width. The escape has the weight 1 + floor(sum of the others / 1024).

    Args:
        power: The index of the exponent, 0 to 3.
        left: The index of the width for k < 0, 0 to 15.
        right: The index of the width for k >= 0, 0 to 15.

    Returns:
        128 weights: those of the classes in order, then that of the escape.
    """
    exponent = _POWERS[power]
    masses = []
    for k in range(-_RADIUS, _RADIUS + 1):
        spread = _WIDTHS[left if k < 0 else right] ** 2 * (2 * exponent - 3)
        masses.append(1 + (spread**exponent << 16) // (spread + 256 * k * k) ** exponent)
    return (*masses, 1 + (sum(masses) >> 10))


@cache
def prefix_code(power: int, left: int, right: int) -> PrefixCode:
    """Makes the canonical Huffman code of `weights`.

    Of nodes with equal weights the one with the smaller number is joined first; leaves are numbered by symbol, and
    inner nodes after them in the order in which they are made.

    Args:
        power: The index of the exponent, 0 to 3.
        left: The index of the width below the centre, 0 to 15.
        right: The index of the width from the centre on, 0 to 15.

    Returns:
        The code.
    """
    parents: dict[int, int] = {}
    heap = [(weight, node) for node, weight in enumerate(weights(power, left, right))]
    leaves = len(heap)
    heapify(heap)
    for node in range(leaves, 2 * leaves - 1):
        (first, a), (second, b) = heappop(heap), heappop(heap)
        parents[a] = parents[b] = node
        heappush(heap, (first + second, node))
    depth = [0] * (2 * leaves - 1)
    for node in range(2 * leaves - 3, -1, -1):
        depth[node] = depth[parents[node]] + 1
    order = sorted(range(leaves), key=lambda symbol: (depth[symbol], symbol))
    floors, floor = [], 0
    words = [0] * leaves
    for symbol in order:
        floors.append(floor)
        words[symbol] = floor >> _MAX_CODE_BITS - depth[symbol]
        floor += 1 << _MAX_CODE_BITS - depth[symbol]
    return PrefixCode(
        np.array(depth[:leaves], np.int64), np.array(words, np.uint64), np.array(order), np.array(floors, np.uint64)
    )


@cache
def _costs_bits() -> Float[np.ndarray, "chosen symbol"]:
    # Ideal costs approximate those of the Huffman code. Floats are safe here: a decoder reads the encoder's choice.
    count = len(_WIDTHS)
    table = np.array(
        [weights(p, a, b) for p in range(len(_POWERS)) for a in range(count) for b in range(count)], np.float64
    )
    return np.log2(table.sum(-1, keepdims=True)) - np.log2(table)


def _fit(values: Int64[np.ndarray, "images"], unit: int) -> Parameters:
    """Searches class widths, several centres and all shapes for the code that takes the fewest bits."""
    quartiles = np.quantile(values, [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]).astype(np.int64)
    spread = max(int(quartiles[-1] - quartiles[0]), 1)
    octave = spread.bit_length()
    best: tuple[float, Parameters] | None = None
    for shift in range(min(max(octave - 5, 0), 14), min(max(octave - 2, 0), 14) + 1):
        for centre in sorted(set(quartiles.tolist())):
            symbols = _symbols(values, centre, shift)
            histogram = np.bincount(symbols, minlength=_ESCAPE + 1)
            raw_bits = (
                shift * values.size + histogram[_ESCAPE] * (_ESCAPE_BITS - shift) + 8 * len(varint.encode(centre))
            )
            costs = _costs_bits() @ histogram
            row = int(costs.argmin())
            if best is None or costs[row] + raw_bits < best[0]:
                power, left, right = (
                    int(part) for part in np.unravel_index(row, (len(_POWERS),) + (len(_WIDTHS),) * 2)
                )
                best = float(costs[row] + raw_bits), Parameters(unit, shift, centre, power, left, right)
    assert best is not None
    return best[1]


def _symbols(values: Int64[np.ndarray, "images"], centre: int, shift: int) -> Int64[np.ndarray, "images"]:
    classes = values - centre >> shift
    return np.where(abs(classes) <= _RADIUS, classes + _RADIUS, _ESCAPE)


def _concatenate(words: UInt64[np.ndarray, "images"], bits: Int64[np.ndarray, "images"]) -> bytes:
    """Packs the lowest `bits` bits of each word, highest bit first, one word after another."""
    ends = np.cumsum(bits)
    owner = np.repeat(np.arange(words.size), bits)
    place = (ends[owner] - 1 - np.arange(ends[-1])).astype(np.uint64)
    return np.packbits((words[owner] >> place & np.uint64(1)).astype(np.uint8)).tobytes()


def _windows(body: bytes, position: int, limit_bits: int) -> UInt64[np.ndarray, "bit"]:
    """Reads, for each bit from `position` on, the 57 bits that begin there, into the high end of a word.

    Zeros follow the end of the body.
    """
    span = min(len(body) - position, (limit_bits + 7) // 8)
    read = np.frombuffer(body, np.uint8, min(len(body) - position, span + 7), position)
    padded = np.zeros(span + 8, np.uint8)
    padded[: read.size] = read
    words = np.zeros(span, np.uint64)
    for k in range(8):
        words = words << np.uint64(8) | padded[k : k + span].astype(np.uint64)
    return (words[:, None] << np.arange(8, dtype=np.uint64)).reshape(-1)


def _walk(steps: Int64[np.ndarray, "bit"], count: int) -> Int64[np.ndarray, "codes+1"]:
    """Finds where each of `count` code words begins, and where the last one ends.

    `steps` has the length of the code word that would begin at each bit. A place past the end is `steps.size + 1`.
    """
    end = steps.size
    jump = np.append(np.minimum(np.arange(end) + steps, end + 1), [end + 1, end + 1])
    starts = np.zeros(1, np.int64)
    while starts.size <= count:
        starts = np.concatenate([starts, jump[starts]])
        jump = jump[jump]
    return starts[: count + 1]
