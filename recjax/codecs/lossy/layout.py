"""Arranges squares and patches of pictures in lists of few sizes, so that pictures of any size share compiled programs.

Everything here is NumPy arrays.
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
    """Describes how pictures of one size are cut into patches, and these are grouped to squares on several levels.

    Attributes:
        spans: Side of a square of each level, in patches; that of the last level is 1.
        pictures: Number of pictures.
        tall: Rows of patches of a picture.
        wide: Columns of patches of a picture.
    """

    spans: tuple[int, ...]
    pictures: int
    tall: int
    wide: int

    @property
    def patches(self) -> int:
        """Number of patches of all pictures."""
        return self.pictures * self.tall * self.wide

    @property
    def padded_patches(self) -> int:
        """Number of patches with padding."""
        return sizes.padded(self.patches)

    @property
    def squares(self) -> tuple[int, ...]:
        """Number of squares of each level, of all pictures."""
        return tuple(self.pictures * levels.count(span, self.tall, self.wide) for span in self.spans)

    @property
    def padded_squares(self) -> tuple[int, ...]:
        """Number of squares of each level with padding, chosen so that few combinations occur."""
        usual = (math.ceil(self.padded_patches / (2 * span)) for span in self.spans[:-1])
        larger = (_power_of_two(max(pair)) for pair in zip(usual, self.squares[:-1], strict=True))
        return (*larger, self.padded_patches)

    def mosaic(self) -> Mosaic:
        """Makes the mosaic of the padded patches.

        Returns:
            The mosaic.
        """
        return mosaic.make(self.spans, self.pictures, self.tall, self.wide, self.padded_patches)

    def padded(self, level: int, x: np.ndarray) -> np.ndarray:
        """Joins the squares of all pictures and pads them.

        Args:
            level: Number of the level.
            x: An array [picture, square, ...].

        Returns:
            An array [padded square, ...].
        """
        return sizes.repeat_last(x.reshape(-1, *x.shape[2:]), self.padded_squares[level])

    def by_picture(self, level: int, x: Any) -> np.ndarray:
        """Takes the padding away and separates pictures, which undoes `padded`.

        Args:
            level: Number of the level.
            x: An array [padded square, ...].

        Returns:
            An array [picture, square, ...].
        """
        x = np.asarray(x)[: self.squares[level]]
        return x.reshape(self.pictures, -1, *x.shape[1:])

    def padded_fit(self, fit: Fit) -> Fit:
        """Applies `padded` to the posteriors of all levels.

        Args:
            fit: Posteriors [picture, square, variable] of each level.

        Returns:
            Posteriors [padded square, variable] of each level.
        """
        return _by_level(self.padded, fit)

    def fit_by_picture(self, fit: Fit) -> Fit:
        """Applies `by_picture` to the posteriors of all levels, which undoes `padded_fit`.

        Args:
            fit: Posteriors [padded square, variable] of each level.

        Returns:
            Posteriors [picture, square, variable] of each level.
        """
        return _by_level(self.by_picture, fit)


def _by_level(function: Callable[[int, np.ndarray], np.ndarray], fit: Fit) -> Fit:
    def of_levels(parts):
        return tuple(function(level, np.asarray(x)) for level, x in enumerate(parts))

    posterior, first, second = (Posterior(*map(of_levels, part)) for part in (fit.posterior, fit.first, fit.second))
    return Fit(posterior, first, second, fit.steps)


def _power_of_two(count: int) -> int:
    return 1 << (count - 1).bit_length()
