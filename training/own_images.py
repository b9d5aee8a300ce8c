"""Loads images of one's own, a folder of PNGs or an .npy, as a data set in fixed splits."""

import hashlib
from pathlib import Path

import numpy as np

from recjax.images.files import read_images
from recjax.text import quoted
from training import data
from training.data import SPLITS, DataSet

LEAST_IMAGES = 10

_SEED = 20240801


def load_splits(source: str, *, directory: str | Path | None = None, download: bool = False) -> dict[str, DataSet]:
    """Loads all splits of a data set that is named, or of images on disk.

    Of images on disk, a tenth is the validation split and a tenth the test split, by a shuffle that is the same in
    every run. The name of such a data set is a digest of its images, so that no path gets into a model.

    Args:
        source: The name of a data set, one of `training.data.NAMES`, or the path of a folder of grey PNGs of one size,
            or of an .npy of uint8 [images, height, width].
        directory: The folder of the MNIST files, as in `training.data.load`.
        download: Whether to fetch missing MNIST files, as in `training.data.load`.

    Returns:
        The splits by name. Images whose pixels are all 0 or 1 have 2 levels, others 256.

    Raises:
        ValueError: There is neither such a data set nor such a path, or its images are too few, coloured or damaged.
    """
    if source in data.NAMES:
        return data.load_splits(source, directory=directory, download=download)
    images = _read(source)
    shape = "x".join(map(str, images.shape))
    name = f"{shape} images of SHA-256 {hashlib.sha256(images.tobytes()).hexdigest()[:16]}"
    levels = 2 if images.max() < 2 else 256
    # RandomState's shuffle is frozen by NumPy's compatibility policy.
    shuffled = images[np.random.RandomState(_SEED).permutation(len(images))]
    tenth = len(images) // 10
    parts = np.split(shuffled, [len(images) - 2 * tenth, len(images) - tenth])
    return {split: DataSet(name, split, levels, part) for split, part in zip(SPLITS, parts, strict=True)}


def check_source(source: str) -> None:
    """Checks that there is a data set of a name, or that a path exists.

    Args:
        source: The name or the path.

    Raises:
        ValueError: There is neither; the sentence lists the names.
    """
    if source not in data.NAMES and not Path(source).exists():
        raise ValueError(
            f"there is no data set and no path {source!r}; choose one of {', '.join(data.NAMES)}, a folder of PNGs or "
            "an .npy."
        )


def _read(source: str) -> np.ndarray:
    check_source(source)
    images = read_images(Path(source))
    if images.ndim != 3:
        raise ValueError(
            f"a VAE is trained on grey images, got those of {quoted(source)} in colour; convert them, or train a lossy "
            "model of pictures with training.inr."
        )
    if len(images) < LEAST_IMAGES:
        raise ValueError(
            f"training takes at least {LEAST_IMAGES} images, got {len(images)} in {quoted(source)}; add more."
        )
    return images
