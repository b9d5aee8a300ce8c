"""The images of a data set that an experiment takes: all of a split, its first ones, or disjoint runs of them."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from training.data import DataSet


def first(split: DataSet, count: int | None, key: str) -> DataSet:
    """The split with its first `count` images, all for None; ValueError, naming the config's `key`, if it has fewer."""
    found = len(split.images)
    if count is not None and count > found:
        raise ValueError(
            f"{key} must be at most the {found} images of the {split.split} split of {split.name}, got {count}; "
            "lower it, or leave it out to take all."
        )
    return replace(split, images=split.images[:count])


def disjoint_runs(images: int, count: int, most_runs: int, most_images: int | None = None) -> list[int]:
    """Where disjoint runs of `count` images begin, spread evenly: of `most_images` in all, but one run at least."""
    runs = min(most_runs, images // count)
    if most_images is not None:
        runs = min(runs, most_images // count)
    runs = max(runs, 1)
    return [run * (images // runs) for run in range(runs)]


def check_counts(key: str, counts: Sequence[int]) -> None:
    """ValueError, naming the config's `key`, unless these numbers of images ascend from 1 or more."""
    if not counts or counts[0] < 1 or any(b <= a for a, b in itertools.pairwise(counts)):
        raise ValueError(f"'{key}' must ascend from 1 image or more, got {list(counts)}; sort it.")
