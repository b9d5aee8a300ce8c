"""Levels of a hierarchical prior: what patches of a picture have in common is sent once.

A level has latents for every square of `span` x `span` patches, the last one for each patch (span 1); the latents of a
patch are the sum over levels of those of the squares that it lies in, each in its own scale (RECOMBINER's three-level
prior, arXiv:2309.17182). A model of single patches has one level.
"""

import math
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Shaped


def grid_of(span: int, tall: int, wide: int) -> tuple[int, int]:
    """Rows and columns of the squares of a level in a picture of tall x wide patches."""
    return -(-tall // span), -(-wide // span)


def count(span: int, tall: int, wide: int) -> int:
    """Squares of a level in a picture."""
    return math.prod(grid_of(span, tall, wide))


def spread(
    span: int, x: Shaped[Array, "picture square variable"], tall: int, wide: int
) -> Shaped[Array, "picture tall wide variable"]:
    """What lies in the squares of a level, for each patch."""
    rows, columns = grid_of(span, tall, wide)
    x = x.reshape(len(x), rows, columns, x.shape[-1])
    for axis, size in ((1, tall), (2, wide)):
        x = x if span == 1 else jnp.take(x, jnp.arange(size) // span, axis=axis)
    return x


def total(spans: tuple[int, ...], levels: tuple[Any, ...], tall: int, wide: int) -> Any:
    """Sums over levels [picture, tall, wide, variable] of arrays [picture, square, variable] of each level."""
    parts = [spread(span, x, tall, wide) for span, x in zip(spans, levels, strict=True)]
    return sum(parts[1:], start=parts[0])
