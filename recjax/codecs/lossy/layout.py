"""Squares and patches of pictures as lists of a few sizes an octave, so that pictures of any size share programs.

All of it is arrays of the host.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from recjax import sizes
from recjax.models.inr import hierarchy as levels
from recjax.models.inr import mosaic
from recjax.models.inr.fit import Fit
from recjax.models.inr.mosaic import Mosaic
from recjax.models.inr.weight_posterior import Posterior


@dataclass(frozen=True)
class Layout:
    """Layout of pictures of tall x wide patches; the last span is 1."""

    spans: tuple[int, ...]
    pictures: int
    tall: int
    wide: int

    @property
    def patches(self) -> int:
        return self.pictures * self.tall * self.wide

    @property
    def padded_patches(self) -> int:
        return sizes.padded(self.patches)

    @property
    def squares(self) -> tuple[int, ...]:
        """How many each level has."""
        return tuple(self.pictures * levels.count(span, self.tall, self.wide) for span in self.spans)

    @property
    def padded_squares(self) -> tuple[int, ...]:
        """Numbers of squares, padded so that few combinations occur."""
        usual = (math.ceil(self.padded_patches / (2 * span)) for span in self.spans[:-1])
        larger = (_power_of_two(max(pair)) for pair in zip(usual, self.squares[:-1], strict=True))
        return (*larger, self.padded_patches)

    def mosaic(self) -> Mosaic:
        """Returns the mosaic of the padded patches."""
        return mosaic.make(self.spans, self.pictures, self.tall, self.wide, self.padded_patches)

    def padded(self, level: int, x: np.ndarray) -> np.ndarray:
        """[picture, square, ...] of a level as [padded square, ...]."""
        return sizes.repeat_last(x.reshape(-1, *x.shape[2:]), self.padded_squares[level])

    def by_picture(self, level: int, x: Any) -> np.ndarray:
        """Undoes `padded`."""
        x = np.asarray(x)[: self.squares[level]]
        return x.reshape(self.pictures, -1, *x.shape[1:])

    def padded_fit(self, fit: Fit) -> Fit:
        """Posteriors [picture, square, variable] of each level as padded squares."""
        return _by_level(self.padded, fit)

    def fit_by_picture(self, fit: Fit) -> Fit:
        """Undoes `padded_fit`."""
        return _by_level(self.by_picture, fit)


def _by_level(function: Callable[[int, np.ndarray], np.ndarray], fit: Fit) -> Fit:
    def of_levels(parts):
        return tuple(function(level, np.asarray(x)) for level, x in enumerate(parts))

    posterior, first, second = (Posterior(*map(of_levels, part)) for part in (fit.posterior, fit.first, fit.second))
    return Fit(posterior, first, second, fit.steps)


def _power_of_two(count: int) -> int:
    return 1 << (count - 1).bit_length()
