"""The images of a data set that an experiment takes: all of a split, or its first ones."""

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
