"""Images on disk: a PNG, a folder of PNGs in the order of their names, or an .npy of uint8 images."""

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
    """Issues a sentence on what is not kept of images as a Python warning of whoever called `read_images`."""
    warnings.warn(line, NotKeptWarning, stacklevel=3)


def read_images(path: str | Path, max_bytes: int = MAX_BYTES, *, tell: Callable[[str], object] = warn) -> Images:
    """Reads the images of a PNG (one), a folder of PNGs in the order of their names, or an .npy.

    Args:
        path: of an .npy of shape [count, height, width] or [count, height, width, 3], or [height, width] for one image;
            of a folder, of which hidden files and whatever else is no PNG are left out; or of a PNG.
        max_bytes: that all images may take, which is found out before they are read.
        tell: gets a sentence for each kind of thing that is not kept, such as ICC profiles, and for files left out.

    Returns:
        The images, [count, height, width] or [count, height, width, 3].

    Raises:
        ValueError: they are damaged, differ in shape, hold what 8-bit grey or RGB cannot keep, or take too much.
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
