"""Reads the header of an .npy of uint8 images, and explains what is wrong with others."""

from math import prod
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from recjax.text import quoted

_LARGEST = 1 << 40
"""The number of bytes of an image beyond which a shape counts as damaged, even if the array has no images."""


def read_layout(path: Path) -> tuple[tuple[int, ...], bool, int]:
    """Reads how the pixels of an .npy of uint8 images are laid out.

    Args:
        path: The path of the .npy.

    Returns:
        The shape of the array, whether it is in Fortran's order (first index fastest), and the position of its first
        pixel in the file, in bytes.

    Raises:
        ValueError: The file is not an .npy, or is not a uint8 array of shape [count, height, width(, 3)] or
            [height, width] that has all its pixels.
    """
    with path.open("rb") as file:
        try:
            version = npy.read_magic(file)
            read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
            shape, fortran_order, dtype = read_header(file)
            shape = tuple(map(int, shape))
        except Exception as error:  # numpy's parser raises SyntaxError, TokenError, RecursionError and more
            raise ValueError(
                f"{quoted(path)} is not a readable .npy of an array; write it again with numpy.save."
            ) from error
        if dtype != np.uint8 or len(shape) not in (2, 3, 4) or (len(shape) == 4 and shape[3] != 3):
            advice = _advice(dtype) if dtype != np.uint8 else _reshaping(shape)
            raise ValueError(
                f"{quoted(path)} must hold uint8 [count, height, width(, 3)], got {_name(dtype)} {shape}; {advice}."
            )
        size = path.stat().st_size - file.tell()
        if min(shape) < 0 or prod(shape) != size:
            raise ValueError(
                f"{quoted(path)} declares images of shape {shape} but holds {size} bytes of them; write it again."
            )
        image_shape = shape if len(shape) == 2 else shape[1:]
        if prod(image_shape) > _LARGEST:
            raise ValueError(
                f"{quoted(path)} holds images of shape {image_shape}, which have too many pixels; write it again."
            )
        if min(image_shape) < 1:
            raise ValueError(f"{quoted(path)} holds images of shape {image_shape}, which have no pixels.")
        return shape, fortran_order, file.tell()


def _name(dtype: np.dtype) -> str:
    """Returns the name of a data type in one word, even if it has fields."""
    return dtype.name if dtype.names is None else "records"


def _advice(dtype: np.dtype) -> str:
    if dtype.names is None and dtype.kind == "f":
        return "convert it first, such as by (255 * images).round().astype(numpy.uint8) if its values are 0 to 1"
    if dtype.names is None and dtype.kind == "b":
        return "convert it first, by images.astype(numpy.uint8)"
    if dtype.names is None and dtype.kind in "iu":
        return "convert it first, by images.astype(numpy.uint8) if its values are 0 to 255, as others would wrap"
    return "convert it to uint8 first"


def _reshaping(shape: tuple[int, ...]) -> str:
    if len(shape) == 4 and shape[3] == 1:
        return "drop its last axis first, by images[..., 0]"
    if len(shape) == 4 and shape[1] in (1, 3):
        return "put its channels last, by images.transpose(0, 2, 3, 1)" + ("[..., 0]" if shape[1] == 1 else "")
    if len(shape) == 4 and shape[3] == 4:
        return "drop its fourth channel first, by images[..., :3]"
    return "reshape it first"
