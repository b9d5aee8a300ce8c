"""Files of any method to images: the row of the method decodes. Imports no JAX before it is needed."""

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
    """Decompresses the images of a file, or one of them; of a lossy file, what it holds of them.

    Args:
        data: The bytes of the file.
        index: The number of an image, from 0; None for all.
        model: The model that made the file, the name of a released one, or the path of a trained one; None takes the
            released one of the header's digest.
        max_bytes: Refuse images that take more bytes.
        max_seconds: Give up when decoding takes longer, which is looked at between batches of images.
        ignore_fingerprint: Decode a file that was made in floats where floats come out otherwise, to garbage perhaps.
        progress: Called with the numbers of images that are done, and of all.

    Returns:
        All images [count, height, width] or [count, height, width, channels], or the one without its first axis.

    Raises:
        FormatError: The file is damaged, of another model, made in floats elsewhere, or beyond a limit.
        ValueError: An argument is wrong.
    """
    data, index = require_bytes(data), require_index(index)
    require_number("max_bytes", max_bytes)
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
    """Decodes the images of a parsed file, or one of them, as `decompress` does.

    Args:
        file: The parsed file.
        index: The number of an image, from 0; None for all.
        model: The model that made the file, the name of a released one, or the path of a trained one; None takes the
            released one of the header's digest.
        max_bytes: Refuse work that takes more bytes.
        max_seconds: Give up when decoding takes longer, which is looked at between batches of images.
        ignore_fingerprint: Decode a file that was made in floats where floats come out otherwise, to garbage perhaps.
        progress: Called with the numbers of images that are done, and of all.

    Returns:
        All images [count, height, width] or [count, height, width, channels], or the one without its first axis.

    Raises:
        FormatError: The file is damaged, of another model, made in floats elsewhere, or beyond a limit.
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
    """Adds an end to what takes too long."""
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
