"""The method `raw`, which stores images without compression and which other methods fall back to. Imports no JAX."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import UInt8

from recjax.codecs.sentences import size_of
from recjax.container import chunks
from recjax.container.coder import Compressed, Progress
from recjax.container.file import File


@dataclass(frozen=True)
class StoredOptions:
    """Holds the options of stored images, of which there are none."""


def load_model(name: str | None, images: np.ndarray, method: str, options: Any) -> None:
    """Returns None, as this method has no model; see `recjax.container.coder.Coder`.

    Args:
        name: Not used.
        images: Not used.
        method: Not used.
        options: Not used.
    """


def load_named_model(name: str) -> None:
    """Checks that a model exists, although this method does not use one.

    A stored file may be the outcome of compression with a model, so a caller may name that model when decoding.

    Args:
        name: The name of a released model, or the path of a trained one.

    Raises:
        ValueError: There is no such model.
    """
    from recjax.codecs.lossless.method import load_named_model

    load_named_model(name)


def check_images(images: np.ndarray, model: Any) -> None:
    """Accepts all images; see `recjax.container.coder.Coder`.

    Args:
        images: Not used.
        model: Not used.
    """


def compress(
    images: np.ndarray, model: Any, method: str, options: Any, *, seed: int = 0, progress: Progress | None = None
) -> Compressed:
    """Stores images in a file without compression; see `recjax.container.coder.Coder`.

    Args:
        images: The images, uint8 [count, height, width] or [count, height, width, channels].
        model: Not used.
        method: Not used.
        options: Not used.
        seed: Not used.
        progress: Not used.

    Returns:
        The file and what to report about it.
    """
    data = chunks.write_raw(images)
    return Compressed(data, f"{size_of(len(images), len(data), images.size)} Stored as they are.", {})


def decode(
    file: File,
    model: Any = None,
    *,
    index: int | None = None,
    max_bytes: int = 0,
    ignore_fingerprint: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> UInt8[np.ndarray, "..."]:
    """Reads the images of a stored file; see `recjax.container.coder.Coder`.

    Args:
        file: The parsed file.
        model: Not used.
        index: The number of an image, from 0, or negative to count from the end; None reads all.
        max_bytes: Not used.
        ignore_fingerprint: Not used.
        progress: Not used.

    Returns:
        The images [count, *shape], or the one image [*shape].

    Raises:
        FormatError: The file is damaged.
        ValueError: The file has no such image.
    """
    if index is not None:
        file.locate(index)
    images = chunks.read_raw(file)
    return images if index is None else images[index]
