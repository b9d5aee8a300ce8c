"""Decodes files of any method to images; the row of the method names the code that does it.

JAX is imported only when it is needed.
"""

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import UInt8

from recjax.codecs.checks import require_bytes, require_index, require_number
from recjax.container import file as container
from recjax.container.file import File
from recjax.container.limits import MAX_RAW_BYTES, MAX_SECONDS
from recjax.container.methods import METHODS
from recjax.errors import FormatError

Progress = Callable[[int, int], None]


def decompress(
    data: bytes,
    *,
    index: int | None = None,
    model: Any = None,
    max_bytes: int = MAX_RAW_BYTES,
    max_seconds: float = MAX_SECONDS,
    ignore_fingerprint: bool = False,
    progress: Progress | None = None,
) -> UInt8[np.ndarray, "..."]:
    """Decompresses all images of a file, or one of them.

    The images of a lossless file are those that were compressed, bit for bit; those of a lossy file are the same on
    every machine.

    Args:
        data: The bytes of the file.
        index: The number of an image, from 0, or negative to count from the end; None decodes all.
        model: The model that made the file, the name of a released one, or the path of a trained one; None takes the
            released model whose digest the header states.
        max_bytes: Largest size of the decoded images, in bytes; a file with more is refused.
        max_seconds: Longest time that decoding may take, in seconds. It is checked between batches of images.
        ignore_fingerprint: Whether to decode a file that was made with float arithmetic even if floats come out
            differently here, in which case the images may be garbage.
        progress: Called with the number of images decoded and the number of all; None reports nothing.

    Returns:
        All images, uint8 [count, height, width] or [count, height, width, channels], or the one image without the first
        axis.

    Raises:
        FormatError: The file is damaged, was made with another model or in floats that come out differently here, or
            exceeds a limit.
        ValueError: An argument is wrong.

    Example:
        >>> import numpy as np
        >>> import recjax
        >>> images = np.zeros((4, 8, 8), np.uint8)
        >>> images[1, 3] = 16
        >>> data = recjax.compress(images, "digits")
        >>> recjax.decompress(data).shape
        (4, 8, 8)
        >>> np.array_equal(recjax.decompress(data, index=1), images[1])
        True
    """
    data, index = require_bytes(data), require_index(index)
    require_number("max_bytes", max_bytes)
    require_number("max_seconds", max_seconds)
    return decode(
        container.read(data, max_bytes),
        index=index,
        model=model,
        max_bytes=max_bytes,
        max_seconds=max_seconds,
        ignore_fingerprint=ignore_fingerprint,
        progress=progress,
    )


def decode(
    file: File,
    *,
    index: int | None = None,
    model: Any = None,
    max_bytes: int = MAX_RAW_BYTES,
    max_seconds: float = MAX_SECONDS,
    ignore_fingerprint: bool = False,
    progress: Progress | None = None,
) -> UInt8[np.ndarray, "..."]:
    """Decodes all images of a parsed file, or one of them, as `decompress` does.

    Args:
        file: The parsed file.
        index: The number of an image, from 0, or negative to count from the end; None decodes all.
        model: The model that made the file, the name of a released one, or the path of a trained one; None takes the
            released model whose digest the header states.
        max_bytes: Largest number of bytes that decoding may take; more is refused.
        max_seconds: Longest time that decoding may take, in seconds. It is checked between batches of images.
        ignore_fingerprint: Whether to decode a file that was made with float arithmetic even if floats come out
            differently here, in which case the images may be garbage.
        progress: Called with the number of images decoded and the number of all; None reports nothing.

    Returns:
        All images, uint8 [count, height, width] or [count, height, width, channels], or the one image without the first
        axis.

    Raises:
        FormatError: The file is damaged, was made with another model or in floats that come out differently here, or
            exceeds a limit.
        ValueError: An argument is wrong.
    """
    require_number("max_seconds", max_seconds)
    coder = METHODS[file.header.method].load_coder()
    return coder.decode(
        file,
        coder.load_named_model(os.fspath(model)) if isinstance(model, str | os.PathLike) else model,
        index=index,
        max_bytes=max_bytes,
        ignore_fingerprint=ignore_fingerprint,
        progress=_limited(progress, max_seconds),
    )


def _limited(progress: Progress | None, max_seconds: float) -> Progress:
    """Wraps a progress callback so that it raises FormatError once decoding has taken too long."""
    end = time.monotonic() + max_seconds

    def report(done: int, total: int) -> None:
        if done < total and time.monotonic() > end:
            raise FormatError(
                f"{done} of {total} images took {max_seconds:g} seconds to decode; raise max_seconds if you trust the "
                "file."
            )
        if progress is not None:
            progress(done, total)

    return report
