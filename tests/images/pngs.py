"""PNGs made chunk by chunk, valid or not, and the slow decoder that is their oracle."""

import struct
import zlib

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))


def header(
    width: int, height: int, depth: int = 8, colour: int = 0, interlaced: int = 0, rest: bytes = b"\0\0"
) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBB", width, height, depth, colour) + rest + bytes([interlaced]))


def rows(pixels: np.ndarray, depth: int = 8, filters: tuple[int, ...] = (0,), interlaced: bool = False) -> bytes:
    """The stream of pixels, not yet compressed; row r of a pass is filtered by filters[r % len(filters)]."""
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    out = b""
    for left, top, right, down in ADAM7 if interlaced else ((0, 0, 1, 1),):
        part = pixels[top::down, left::right]
        if not part.size:
            continue
        bits = np.unpackbits(part.reshape(len(part), -1, 1), axis=2)[..., 8 - depth :].reshape(len(part), -1)
        packed = np.packbits(bits, axis=1).astype(int)
        step, above = max(part.shape[2] * depth // 8, 1), np.zeros(packed.shape[1], int)
        for number, row in enumerate(packed):
            kind = filters[number % len(filters)]
            shifted, corner = (np.concatenate([np.zeros(step, int), line])[: len(line)] for line in (row, above))
            guess = row * 0
            if kind in (1, 2, 3):
                guess = {1: shifted, 2: above, 3: (shifted + above) // 2}[kind]
            elif kind == 4:
                p = shifted + above - corner
                far = np.abs(np.stack([p - shifted, p - above, p - corner]))
                guess = np.choose(far.argmin(axis=0), [shifted, above, corner])
            out += bytes([kind]) + ((row - guess) % 256).astype(np.uint8).tobytes()
            above = row
    return out


def png(
    pixels: np.ndarray, *before: bytes, depth: int = 8, filters: tuple[int, ...] = (0,), interlaced: bool = False
) -> bytes:
    """A whole PNG of grey or RGB, with chunks before its pixels."""
    head = header(pixels.shape[1], pixels.shape[0], depth, 0 if pixels.ndim == 2 else 2, interlaced)
    body = zlib.compress(rows(pixels, depth, filters, interlaced))
    return SIGNATURE + head + b"".join(before) + chunk(b"IDAT", body) + chunk(b"IEND")
