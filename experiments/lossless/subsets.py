"""Selects the images of a data set that an experiment uses: all of a split, its first ones, or disjoint runs."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from training.data import DataSet


def first(split: DataSet, count: int | None, key: str) -> DataSet:
    """Limits a split to its first images.

    Args:
        split: The split.
        count: The number of images; None means all.
        key: The config's key of this number, for the message.

    Returns:
        The smaller split.

    Raises:
        ValueError: The split has fewer images.
    """
    found = len(split.images)
    if count is not None and count > found:
        raise ValueError(
            f"{key} must be at most the {found} images of the {split.split} split of {split.name}, got {count}; "
            "lower it, or leave it out to take all."
        )
    return replace(split, images=split.images[:count])


def disjoint_runs(images: int, count: int, most_runs: int, most_images: int | None = None) -> list[int]:
    """Places disjoint runs of consecutive images, spread evenly over a data set.

    Args:
        images: The number of images of the data set.
        count: The number of images of a run.
        most_runs: The largest number of runs.
        most_images: The largest number of images in all runs together, unless one run alone has more; None means no
            limit.

    Returns:
        The index of the first image of each run; at least one.
    """
    runs = min(most_runs, images // count)
    if most_images is not None:
        runs = min(runs, most_images // count)
    runs = max(runs, 1)
    return [run * (images // runs) for run in range(runs)]


def check_counts(key: str, counts: Sequence[int]) -> None:
    """Checks that numbers of images are at least 1 and strictly increase.

    Args:
        key: The config's key, for the message.
        counts: The numbers.

    Raises:
        ValueError: They are not, or there are none.
    """
    if not counts or counts[0] < 1 or any(b <= a for a, b in itertools.pairwise(counts)):
        raise ValueError(f"'{key}' must ascend from 1 image or more, got {list(counts)}; sort it.")
