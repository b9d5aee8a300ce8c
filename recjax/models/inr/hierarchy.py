"""Levels of a hierarchical prior: what patches of a picture have in common is sent once.

A level has latents for every square of `span` x `span` patches, the last one for each patch (span 1); the latents of a
patch are the sum over levels of those of the squares that it lies in, each in its own scale (RECOMBINER's three-level
prior, arXiv:2309.17182). A model of single patches has one level.
"""

import math
from typing import Any

import numpy as np
from jaxtyping import Int32


def grid_of(span: int, tall: int, wide: int) -> tuple[int, int]:
    """Rows and columns of the squares of a level in a picture of tall x wide patches."""
    return -(-tall // span), -(-wide // span)


def count(span: int, tall: int, wide: int) -> int:
    """Squares of a level in a picture."""
    return math.prod(grid_of(span, tall, wide))


def squares_of(span: int, pictures: int, tall: int, wide: int) -> Int32[np.ndarray, "patch"]:
    """Number of the square of each patch of pictures, picture by picture."""
    rows, columns = grid_of(span, tall, wide)
    own = (np.arange(tall) // span)[:, None] * columns + np.arange(wide) // span
    return (np.arange(pictures)[:, None, None] * (rows * columns) + own).astype(np.int32).reshape(-1)


def summed(levels: tuple[Any, ...], squares: tuple[Any, ...]) -> Any:
    """Sums over levels [patch, variable] of arrays [square, variable] of each level; squares: of each patch."""
    parts = [x[square] for x, square in zip(levels, squares, strict=True)]
    return sum(parts[1:], start=parts[0])


def total(spans: tuple[int, ...], levels: tuple[Any, ...], tall: int, wide: int) -> Any:
    """Sums over levels [picture, tall, wide, variable] of arrays [picture, square, variable] of each level."""
    pictures, _, variables = levels[0].shape
    squares = tuple(squares_of(span, pictures, tall, wide) for span in spans)
    return summed(tuple(x.reshape(-1, variables) for x in levels), squares).reshape(pictures, tall, wide, variables)
