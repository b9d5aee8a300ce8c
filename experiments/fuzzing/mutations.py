"""Damaged files made of good ones, with the checksums that they had or with right ones, which let decoders see them."""

import struct
import zlib

import numpy as np

from recjax.container import file as container


def flip_bits(rng: np.random.Generator, data: bytes, other: bytes) -> bytes:
    """One to four bits the other way."""
    bad = bytearray(data)
    for bit in rng.integers(0, 8 * len(data), rng.integers(1, 5)):
        bad[bit // 8] ^= 1 << bit % 8
    return bytes(bad)


def truncate(rng: np.random.Generator, data: bytes, other: bytes) -> bytes:
    """A beginning."""
    return data[: rng.integers(0, len(data))]


def splice(rng: np.random.Generator, data: bytes, other: bytes) -> bytes:
    """A stretch of other bytes in the place of one of these, of the same length or not."""
    start, stop = np.sort(rng.integers(0, len(data), 2))
    first = rng.integers(0, len(other))
    length = stop - start if rng.random() < 0.5 else rng.integers(0, 20)
    return data[:start] + other[first : first + length] + data[stop:]


def extreme_bytes(rng: np.random.Generator, data: bytes, other: bytes) -> bytes:
    """A run of up to eight bytes of all zeros or all ones, which lengths and counts are sensitive to."""
    start = rng.integers(0, len(data))
    length = min(int(rng.integers(1, 9)), len(data) - start)
    return data[:start] + (b"\x00", b"\xff")[rng.integers(0, 2)] * length + data[start + length :]


KINDS = (flip_bits, truncate, splice, extreme_bytes)


def mutate(rng: np.random.Generator, data: bytes, other: bytes) -> bytes:
    """A file damaged in one of these ways; data must not be empty."""
    return KINDS[rng.integers(0, len(KINDS))](rng, data, other)


def mutate_and_seal(rng: np.random.Generator, data: bytes, other: bytes) -> bytes:
    """A file whose sizes and checksums are right, with another header or another body in one of its chunks."""
    file = container.read(data)
    if rng.random() < 0.2:
        bad = bytearray(data)
        # The second half is behind the model's digest, which would end it all.
        for bit in rng.integers(4 * len(file.head), 8 * len(file.head), rng.integers(1, 3)):
            bad[bit // 8] ^= 1 << bit % 8
        return seal(bytes(bad))
    bodies = [file.chunk(number) for number in range(file.header.num_chunks)]
    number = rng.integers(0, len(bodies))
    bodies[number] = mutate(rng, bodies[number] or b"\x00", other[container.read(other).offsets[0] :])
    try:
        return container.write(file.header, bodies)
    except ValueError:
        # Larger than any file of such images, which is not written.
        return data


def seal(data: bytes) -> bytes:
    """The file with right checksums for whatever its header says; one whose header cannot be read stays as it is."""
    position, method = 5, data[4] & 15
    position += 8 * ((method > 0) + (data[3] == container.FLOAT_FORMAT_VERSION))

    def take() -> int:
        nonlocal position
        start = position
        while data[position] & 0x80:
            position += 1
        position += 1
        return sum((byte & 0x7F) << 7 * k for k, byte in enumerate(data[start:position]))

    row = container.of_number(method)
    if row is None:
        return data
    try:
        for _ in range(take()):
            take()
        count, _ = take(), take()
        values = {name: take() for name in row.parameters}
        num_chunks = max(-(-count // max(values.get("chunk_images", count), 1)), 1)
        sizes = [take() for _ in range(min(num_chunks, len(data)))]
    except IndexError:
        return data
    head, sealed = data[:position], data[:position]
    for number, size in enumerate(sizes):
        body = data[position : position + size]
        sealed += body + struct.pack("<I", zlib.crc32(head + struct.pack("<I", number) + body))
        position += size + 4
    return sealed + data[position:]
