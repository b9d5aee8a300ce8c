"""What the decoding of a file may take, unless a caller says otherwise."""

from typing import NamedTuple

MAX_RAW_BYTES = 1 << 30
"""Bytes of a file's images."""

MAX_SECONDS = 86_400.0
"""A day: no file of images that fit MAX_RAW_BYTES should take as long."""


class Limits(NamedTuple):
    """As of `recjax.decompress`; and whether a file in floats is decoded wherever it was made."""

    max_bytes: int = MAX_RAW_BYTES
    max_seconds: float = MAX_SECONDS
    ignore_fingerprint: bool = False
