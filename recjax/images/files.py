"""Reads and writes images on disk: a PNG, a folder of PNGs in the order of their names, or an .npy of uint8 images."""

import warnings
from collections.abc import Callable
from math import prod
from pathlib import Path

from recjax.images.notes import NotKeptWarning
from recjax.images.output import write_images, write_parts
from recjax.images.source import MAX_BYTES, Images, open_source
from recjax.text import quoted

__all__ = ["MAX_BYTES", "Images", "read_images", "write_images", "write_parts"]


def warn(line: str) -> None:
    """Issues a Python warning about something that is not kept of images, at the line that called `read_images`.

    Args:
        line: The sentence of the warning.
    """
    warnings.warn(line, NotKeptWarning, stacklevel=3)


def read_images(path: str | Path, max_bytes: int = MAX_BYTES, *, tell: Callable[[str], object] = warn) -> Images:
    """Reads the images of a PNG (one image), a folder of PNGs in the order of their names, or an .npy.

    Args:
        path: An .npy of shape [count, height, width] or [count, height, width, 3], or [height, width] for one image; a
            folder, of which hidden files and everything that is not a PNG by name are left out; or a PNG.
        max_bytes: The number of bytes that all images may take, which is checked before they are read.
        tell: A function that gets a sentence for each kind of data that is not kept, such as ICC profiles, and for
            files that are left out. By default it issues a warning.

    Returns:
        The images, uint8 [count, height, width] or [count, height, width, 3].

    Raises:
        ValueError: The images are damaged, differ in shape, hold what 8-bit grey or RGB cannot keep, or take too much.
    """
    source = open_source(path, max_bytes)
    size = source.count * prod(source.shape)
    if size > max_bytes:
        raise ValueError(
            f"the {source.count:,} images of {quoted(path)} take {size:,} bytes, more than {max_bytes:,}; split them, "
            "or compress them in shards."
        )
    images = source.read(0, source.count)
    for line in source.notes():
        tell(line)
    return images
