"""Levels of a hierarchical prior, with which latents that patches of a picture have in common are sent once.

A level has latents for every square of `span` x `span` patches; the last level has span 1: latents for each
patch. The latents of a patch are the sum over levels of those of the squares that it lies in, each in its own scale
(RECOMBINER's three-level prior, arXiv:2309.17182). A model of single patches has one level.
"""

import math
from typing import Any

import numpy as np
from jaxtyping import Int32


def grid_of(span: int, tall: int, wide: int) -> tuple[int, int]:
    """Returns the rows and columns of the squares of a level in a picture.

    Args:
        span: Side of a square, in patches.
        tall: Rows of patches of the picture.
        wide: Columns of patches of the picture.

    Returns:
        (rows, columns); squares at the end may be cut off by the edge of the picture.
    """
    return -(-tall // span), -(-wide // span)


def count(span: int, tall: int, wide: int) -> int:
    """Returns the number of squares of a level in a picture.

    Args:
        span: Side of a square, in patches.
        tall: Rows of patches of the picture.
        wide: Columns of patches of the picture.

    Returns:
        The number of squares.
    """
    return math.prod(grid_of(span, tall, wide))


def squares_of(span: int, pictures: int, tall: int, wide: int) -> Int32[np.ndarray, "patch"]:
    """Returns the number of the square that each patch of pictures lies in.

    Args:
        span: Side of a square, in patches.
        pictures: Number of pictures.
        tall: Rows of patches of a picture.
        wide: Columns of patches of a picture.

    Returns:
        Numbers of squares, which count on from each picture to the next; patches are picture by picture and row by row.
    """
    rows, columns = grid_of(span, tall, wide)
    own = (np.arange(tall) // span)[:, None] * columns + np.arange(wide) // span
    return (np.arange(pictures)[:, None, None] * (rows * columns) + own).astype(np.int32).reshape(-1)


def summed(levels: tuple[Any, ...], squares: tuple[Any, ...]) -> Any:
    """Sums the variables of each patch over levels.

    Args:
        levels: Variables of the squares of each level, [square, variable].
        squares: Number of each patch's square on each level, [patch].

    Returns:
        Sums [patch, variable].
    """
    parts = [x[square] for x, square in zip(levels, squares, strict=True)]
    return sum(parts[1:], start=parts[0])


def total(spans: tuple[int, ...], levels: tuple[Any, ...], tall: int, wide: int) -> Any:
    """Sums the variables of each patch of pictures over levels.

    Args:
        spans: Span of each level, in patches.
        levels: Variables of the squares of each level, [picture, square, variable].
        tall: Rows of patches of a picture.
        wide: Columns of patches of a picture.

    Returns:
        Sums [picture, tall, wide, variable].
    """
    pictures, _, variables = levels[0].shape
    squares = tuple(squares_of(span, pictures, tall, wide) for span in spans)
    return summed(tuple(x.reshape(-1, variables) for x in levels), squares).reshape(pictures, tall, wide, variables)
