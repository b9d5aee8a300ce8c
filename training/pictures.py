"""Loads data sets of RGB pictures, uint8 [picture, height, width, 3], in fixed splits.

- cifar10: 32x32, from those files of the original's Python version that are there; the last 1,000 of the training
  images are the validation split.
- photos: two photographs that come with scikit-learn and four that come with scikit-image, from which squares of
  256x256 are cut at random places, mirrored and rotated; a train split only.
- kodak: 24 photographs of 768x512, upright ones rotated to that size; a test split only.

CIFAR-10 and Kodak are looked for in the folder that RECJAX_DATA names, otherwise in ../shared/data beside the checkout.
They are not fetched.
"""

import hashlib
import os
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from recjax.images.files import read_images

NAMES = ("cifar10", "photos", "kodak")
CROP = 256

_CIFAR10 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
_CIFAR10_IMAGES, _CIFAR10_VALIDATION = 10_000, 1_000
_PHOTO_SEED, _CROPS = 20240613, 96
_SCIKIT_IMAGE = ("astronaut", "chelsea", "coffee", "rocket")


def load(name: str, split: str, *, directory: str | Path | None = None) -> UInt8[np.ndarray, "picture y x 3"]:
    """Loads one split of a data set.

    Args:
        name: The name of the data set, one of NAMES.
        split: The name of the split: "train", "validation" or "test".
        directory: The folder of the data; None takes the one that RECJAX_DATA names, otherwise ../shared/data beside
            the checkout.

    Returns:
        The pictures, uint8 [picture, height, width, 3].

    Raises:
        ValueError: There is no such data set or split, or its files are missing or damaged.
    """
    if name not in NAMES:
        raise ValueError(f"there is no data set of pictures {name!r}; choose one of {', '.join(NAMES)}.")
    splits = {"cifar10": ("train", "validation", "test"), "photos": ("train",), "kodak": ("test",)}[name]
    if split not in splits:
        raise ValueError(f"{name} has no split {split!r}; choose {' or '.join(splits)}.")
    if name == "photos":
        return _photos()
    return _kodak(directory) if name == "kodak" else _cifar10(split, directory)


def middle(pictures: UInt8[np.ndarray, "picture y x 3"], side: int) -> UInt8[np.ndarray, "picture side side 3"]:
    """Cuts a square from the middle of each picture.

    Args:
        pictures: The pictures, uint8 [picture, height, width, 3].
        side: The side of the squares in pixels.

    Returns:
        The squares, uint8 [picture, side, side, 3].

    Raises:
        ValueError: The squares are larger than the pictures.
    """
    top, left = ((size - side) // 2 for size in pictures.shape[1:3])
    if min(top, left) < 0:
        raise ValueError(f"squares of {side} pixels do not fit into {pictures.shape[1]}x{pictures.shape[2]}; cut less.")
    return pictures[:, top : top + side, left : left + side]


def _cifar10(split: str, directory: str | Path | None) -> np.ndarray:
    folder = _folder("cifar10", directory)
    for place in (folder, folder / "cifar-10-batches-py"):
        if (place / "test_batch").is_file():
            folder = place
    if split == "test":
        return _cifar10_batch(folder / "test_batch")
    batches = [folder / name for name in _CIFAR10 if name != "test_batch" and (folder / name).is_file()]
    if not batches:
        raise ValueError(f"{folder} holds no training batch of CIFAR-10; fetch it again.")
    images = np.concatenate([_cifar10_batch(path) for path in batches])
    return images[-_CIFAR10_VALIDATION:] if split == "validation" else images[:-_CIFAR10_VALIDATION]


def _cifar10_batch(path: Path) -> np.ndarray:
    """Reads the images of a batch file of CIFAR-10, as the bytes that lie in its pickle, which is not executed."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}); fetch CIFAR-10 again.") from None
    if hashlib.md5(data, usedforsecurity=False).hexdigest() != _CIFAR10[path.name]:
        raise ValueError(f"{path} is not the original's batch; fetch CIFAR-10 again.")
    size = _CIFAR10_IMAGES * 3 * 32 * 32
    start = data.index(b"T" + size.to_bytes(4, "little")) + 5
    planes = np.frombuffer(data, np.uint8, size, offset=start).reshape(-1, 3, 32, 32)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1))


def _kodak(directory: str | Path | None) -> np.ndarray:
    paths = sorted(_folder("kodak", directory).glob("kodim*.png"))
    if not paths:
        raise ValueError(f"{_folder('kodak', directory)} holds no kodim*.png; fetch Kodak again.")
    # Messages on their gamma and text, which are not kept, are left out.
    pictures = [read_images(path, tell=lambda line: None)[0] for path in paths]
    return np.stack([picture if picture.shape[0] < picture.shape[1] else np.rot90(picture) for picture in pictures])


def _photos() -> np.ndarray:
    try:
        from skimage import data
        from sklearn.datasets import load_sample_images
    except ImportError as error:
        raise ValueError(
            'the photographs come with scikit-learn and scikit-image; install `pip install "recjax[photos]"`.'
        ) from error
    photos = [np.asarray(photo) for photo in load_sample_images().images]
    photos += [np.asarray(getattr(data, name)()) for name in _SCIKIT_IMAGE]
    # RandomState, since its stream is frozen by NumPy's compatibility policy.
    rng = np.random.RandomState(_PHOTO_SEED)
    crops = []
    for number in range(_CROPS):
        photo = photos[number % len(photos)]
        row, column = (rng.randint(size - CROP + 1) for size in photo.shape[:2])
        crop = np.rot90(photo[row : row + CROP, column : column + CROP], rng.randint(4))
        crops.append(crop[:, ::-1] if rng.randint(2) else crop)
    return np.ascontiguousarray(np.stack(crops))


def _folder(name: str, directory: str | Path | None) -> Path:
    if directory is None:
        directory = os.environ.get("RECJAX_DATA")
    roots = [Path(__file__).resolve().parents[2] / "shared" / "data"] if directory is None else [Path(directory)]
    for root in roots:
        for place in (root.expanduser() / name, root.expanduser()):
            if place.name == name and place.is_dir():
                return place
    raise ValueError(f"{name} is not in {' or '.join(map(str, roots))}; name its directory by RECJAX_DATA.")
