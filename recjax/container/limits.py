"""Limits on the work of decoding a file, with their default values."""

from typing import NamedTuple

MAX_RAW_BYTES = 1 << 30
"""The number of bytes that the decoded images of a file may take."""

MAX_SECONDS = 86_400.0
"""The time that decoding may take, a day: images that fit into MAX_RAW_BYTES should take less."""


class Limits(NamedTuple):
    """Limits on decoding a file, as `recjax.decompress` takes them.

    Attributes:
        max_bytes: The number of bytes that the decoded images may take.
        max_seconds: The time in seconds that decoding may take.
        ignore_fingerprint: Whether a file whose networks are evaluated in floats is decoded although it was made in
            another environment, where floats may come out differently.
    """

    max_bytes: int = MAX_RAW_BYTES
    max_seconds: float = MAX_SECONDS
    ignore_fingerprint: bool = False
