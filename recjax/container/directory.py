"""The directory of a chunk: the bit length of every message in it, entropy-coded with a parametric prefix code.

A message is about 130 bits for a small image, so a directory at the lengths' empirical entropy matters, and so does
every byte of side information. The lengths are coded in classes under a two-piece Student law given by a centre and
two widths (3 to 5 bytes in all), with Huffman codes of its integer weights: 0.02 to 0.09 bits a length above entropy.
A prefix code is also decoded without a loop over images: the code word at *every* bit is read at once, and pointer
doubling finds those that are real. Everything that the decoder computes is integer. FORMAT.md is the specification.
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
# Widths in sixteenths of a class: 1 to 13.5 classes in steps of a quarter of an octave.
_WIDTHS = (16, 19, 23, 27, 32, 38, 45, 54, 64, 76, 91, 108, 128, 152, 181, 215)


class Law(NamedTuple):
    """The parameters of a directory's code: a length is `unit` times v, and v has class (v - centre) >> shift.

    power, left and right index the tables of exponents and of widths below and above the centre.
    """

    unit: int
    shift: int
    centre: int
    power: int
    left: int
    right: int


class PrefixCode(NamedTuple):
    """Canonical code words of the classes and of the escape, which is symbol 127.

    bits, words: length and value by symbol. symbols: in the order of the code; floors: their words at the left of
    `_MAX_CODE_BITS` bits, ascending.
    """

    bits: Int64[np.ndarray, "symbol"]
    words: UInt64[np.ndarray, "symbol"]
    symbols: Int64[np.ndarray, "symbol"]
    floors: UInt64[np.ndarray, "symbol"]


def encode(lengths_bits: Int[np.ndarray, "images"]) -> bytes:
    """Bytes of the directory, padded with zero bits to a whole byte; the lengths lie in [0, 2^32)."""
    lengths = np.asarray(lengths_bits, np.int64)
    if lengths.size and not 0 <= lengths.min() <= lengths.max() <= MAX_LENGTH_BITS:
        raise ValueError(f"message lengths must lie in [0, 2^32) bits, got {lengths.min()} to {lengths.max()}.")
    unit = next((unit for unit in (4, 3, 2) if not (lengths % unit).any()), 1)
    values = lengths // unit
    if lengths.size == 0 or (values == values[0]).all():
        value = int(values[0]) if lengths.size else 0
        return bytes([unit - 1 << 6 | _CONSTANT]) + varint.encode(value)
    law = _fit(values, unit)
    head = bytes([unit - 1 << 6 | law.power << 4 | law.shift, law.left << 4 | law.right]) + varint.encode(law.centre)
    code = prefix_code(law.power, law.left, law.right)
    symbols = _symbols(values, law.centre, law.shift)
    escaped = symbols == _ESCAPE
    extra_bits = np.where(escaped, _ESCAPE_BITS, law.shift)
    extra = np.where(escaped, values, values - law.centre & (1 << law.shift) - 1).astype(np.uint64)
    words = code.words[symbols] << extra_bits.astype(np.uint64) | extra
    return head + _concatenate(words, code.bits[symbols] + extra_bits)


def decode(body: bytes, images: int) -> tuple[Int64[np.ndarray, "images"], int]:
    """The bit lengths at the start of `body`, and the byte after the directory.

    Memory: at most 4 KB an image, whatever the bytes are.
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
    # Few directories take more than 16 bits a length, and the work is proportional to the bits looked at.
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
    """Integer weights of the classes k = -63 to 63, 1 + floor(2^16 (V / (V + 256 k^2))^p), and of the escape.

    V = w^2 (2p - 3), with w the width in sixteenths of a class on the side of k and p the exponent: a Student law of
    2p - 1 degrees of freedom whose standard deviation is the width. The escape has 1 + a 1024th of the others' sum.
    """
    exponent = _POWERS[power]
    masses = []
    for k in range(-_RADIUS, _RADIUS + 1):
        spread = _WIDTHS[left if k < 0 else right] ** 2 * (2 * exponent - 3)
        masses.append(1 + (spread**exponent << 16) // (spread + 256 * k * k) ** exponent)
    return (*masses, 1 + (sum(masses) >> 10))


@cache
def prefix_code(power: int, left: int, right: int) -> PrefixCode:
    """Canonical Huffman code of `weights`; ties go to the older node, leaves by symbol first."""
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
def _costs_bits() -> Float[np.ndarray, "law symbol"]:
    # Ideal costs stand for those of the Huffman code in the search: the encoder is free to choose as it likes.
    count = len(_WIDTHS)
    table = np.array(
        [weights(p, a, b) for p in range(len(_POWERS)) for a in range(count) for b in range(count)], np.float64
    )
    return np.log2(table.sum(-1, keepdims=True)) - np.log2(table)


def _fit(values: Int64[np.ndarray, "images"], unit: int) -> Law:
    """The law with the fewest bits, over the class width, some centres and all shapes."""
    quartiles = np.quantile(values, [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]).astype(np.int64)
    spread = max(int(quartiles[-1] - quartiles[0]), 1)
    octave = spread.bit_length()
    best: tuple[float, Law] | None = None
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
                best = float(costs[row] + raw_bits), Law(unit, shift, centre, power, left, right)
    assert best is not None
    return best[1]


def _symbols(values: Int64[np.ndarray, "images"], centre: int, shift: int) -> Int64[np.ndarray, "images"]:
    classes = values - centre >> shift
    return np.where(abs(classes) <= _RADIUS, classes + _RADIUS, _ESCAPE)


def _concatenate(words: UInt64[np.ndarray, "images"], bits: Int64[np.ndarray, "images"]) -> bytes:
    """The lowest `bits` bits of each word, high bit first, one after another."""
    ends = np.cumsum(bits)
    owner = np.repeat(np.arange(words.size), bits)
    place = (ends[owner] - 1 - np.arange(ends[-1])).astype(np.uint64)
    return np.packbits((words[owner] >> place & np.uint64(1)).astype(np.uint8)).tobytes()


def _windows(body: bytes, position: int, limit_bits: int) -> UInt64[np.ndarray, "bit"]:
    """For each bit from `position` on, the next 57 bits at the left of a word; zeros follow the end of the body."""
    span = min(len(body) - position, (limit_bits + 7) // 8)
    read = np.frombuffer(body, np.uint8, min(len(body) - position, span + 7), position)
    padded = np.zeros(span + 8, np.uint8)
    padded[: read.size] = read
    words = np.zeros(span, np.uint64)
    for k in range(8):
        words = words << np.uint64(8) | padded[k : k + span].astype(np.uint64)
    return (words[:, None] << np.arange(8, dtype=np.uint64)).reshape(-1)


def _walk(steps: Int64[np.ndarray, "bit"], count: int) -> Int64[np.ndarray, "codes+1"]:
    """Where each of `count` code words begins and the last one ends; past the end is `steps.size + 1`."""
    end = steps.size
    jump = np.append(np.minimum(np.arange(end) + steps, end + 1), [end + 1, end + 1])
    starts = np.zeros(1, np.int64)
    while starts.size <= count:
        starts = np.concatenate([starts, jump[starts]])
        jump = jump[jump]
    return starts[: count + 1]
