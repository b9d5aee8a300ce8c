"""Damages files at random, either leaving their checksums or correcting them, so that decoders read on."""

import struct
import zlib

import numpy as np

from recjax.container import file as container


def flip_bits(rng: np.random.Generator, data: bytes, other: bytes) -> bytes:
    """Flips one to four bits.

    Args:
        rng: Source of randomness.
        data: The bytes to damage, not empty.
        other: Unused, as all kinds of damage are called alike.

    Returns:
        The damaged bytes.
    """
    bad = bytearray(data)
    for bit in rng.integers(0, 8 * len(data), rng.integers(1, 5)):
        bad[bit // 8] ^= 1 << bit % 8
    return bytes(bad)


def truncate(rng: np.random.Generator, data: bytes, other: bytes) -> bytes:
    """Cuts bytes off at the end.

    Args:
        rng: Source of randomness.
        data: The bytes to damage, not empty.
        other: Unused, as all kinds of damage are called alike.

    Returns:
        A proper prefix, which may be empty.
    """
    return data[: rng.integers(0, len(data))]


def splice(rng: np.random.Generator, data: bytes, other: bytes) -> bytes:
    """Replaces a stretch by bytes of another file, in half of the calls of equal length and else of up to 19 bytes.

    Args:
        rng: Source of randomness.
        data: The bytes to damage, not empty.
        other: The bytes to copy from, not empty.

    Returns:
        The damaged bytes.
    """
    start, stop = np.sort(rng.integers(0, len(data), 2))
    first = rng.integers(0, len(other))
    length = stop - start if rng.random() < 0.5 else rng.integers(0, 20)
    return data[:start] + other[first : first + length] + data[stop:]


def extreme_bytes(rng: np.random.Generator, data: bytes, other: bytes) -> bytes:
    """Overwrites up to eight bytes with all zeros or all ones, the extreme values of lengths and counts.

    Args:
        rng: Source of randomness.
        data: The bytes to damage, not empty.
        other: Unused, as all kinds of damage are called alike.

    Returns:
        The damaged bytes.
    """
    start = rng.integers(0, len(data))
    length = min(int(rng.integers(1, 9)), len(data) - start)
    return data[:start] + (b"\x00", b"\xff")[rng.integers(0, 2)] * length + data[start + length :]


KINDS = (flip_bits, truncate, splice, extreme_bytes)


def mutate(rng: np.random.Generator, data: bytes, other: bytes) -> bytes:
    """Damages bytes in one of `KINDS`, drawn at random.

    Args:
        rng: Source of randomness.
        data: The bytes to damage, not empty.
        other: The bytes that may be copied from, not empty.

    Returns:
        The damaged bytes.
    """
    return KINDS[rng.integers(0, len(KINDS))](rng, data, other)


def mutate_and_seal(rng: np.random.Generator, data: bytes, other: bytes) -> bytes:
    """Damages the header of a valid file, or the body of one of its chunks, and corrects sizes and checksums.

    Args:
        rng: Source of randomness.
        data: A valid file.
        other: A valid file whose chunks may be copied from.

    Returns:
        The damaged file; `data` itself if the container refuses to write it, for instance because it is too large.
    """
    file = container.read(data)
    if rng.random() < 0.2:
        bad = bytearray(data)
        # Only the second half of the head, behind the model's digest: a wrong digest is refused at once.
        for bit in rng.integers(4 * len(file.head), 8 * len(file.head), rng.integers(1, 3)):
            bad[bit // 8] ^= 1 << bit % 8
        return seal(bytes(bad))
    bodies = [file.chunk(number) for number in range(file.header.num_chunks)]
    number = rng.integers(0, len(bodies))
    bodies[number] = mutate(rng, bodies[number] or b"\x00", other[container.read(other).offsets[0] :])
    try:
        return container.write(file.header, bodies)
    except ValueError:
        # The container refuses to write it, for instance because no file of such images is so large.
        return data


def seal(data: bytes) -> bytes:
    """Corrects the checksums of the chunks, as the header delimits them.

    Args:
        data: A file of more than 5 bytes, which need not be valid.

    Returns:
        The file with correct checksums, or the file unchanged if its header cannot be read.
    """
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
