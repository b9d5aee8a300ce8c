"""Loads data sets of grey or binary images, uint8 [images, height, width], in fixed splits.

- digits: the 8x8 digits of scikit-learn, 17 levels; 1197 train, 200 validation, 400 test, by a fixed shuffle.
- mnist: 256 levels; the last 5,000 training images are the validation split.
- binary_mnist: MNIST with pixels of 128 and above as 1, the rest as 0. This is not the fixed stochastic binarisation of
  Larochelle and Murray (2011), so rates cannot be compared with those on that.
- sampled_mnist: MNIST with each pixel as 1 with probability pixel / 255, as in the bits-back paper (arXiv:1901.04866).
  Validation and test are one fixed draw; the train split is drawn anew in every epoch.
"""

import argparse
import gzip
import hashlib
import os
import struct
import sys
import urllib.request
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from recjax.io.atomic import write_atomically

SPLITS = ("train", "validation", "test")
NAMES = ("digits", "mnist", "binary_mnist", "sampled_mnist")

_DIGITS_SEED = 20240512
_DIGITS_VALIDATION, _DIGITS_TEST = 200, 400
_MNIST_VALIDATION = 5_000
_SAMPLED_MNIST_SEEDS = {"train": 20190110, "validation": 20190111, "test": 20190112}
_MNIST_ORIGIN = "https://storage.googleapis.com/cvdf-datasets/mnist/"
_MNIST_SHA256 = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
}


@dataclass(frozen=True)
class DataSet:
    """The images of one split of a data set.

    Attributes:
        name: The name of the data set.
        split: "train", "validation" or "test".
        levels: The number of values of a coded pixel, which are 0 to levels - 1.
        images: The images, uint8 [images, height, width].
        sampled: Whether the images are grey, with values 0 to 255, and training draws each pixel as 1 with probability
            value / 255.
    """

    name: str
    split: str
    levels: int
    images: UInt8[np.ndarray, "images height width"]
    sampled: bool = False

    @property
    def coded(self) -> UInt8[np.ndarray, "images height width"]:
        """The images as they are coded; for a sampled split this is one draw, always the same."""
        return draw_pixels(self.images, _SAMPLED_MNIST_SEEDS[self.split]) if self.sampled else self.images


def draw_pixels(grey: UInt8[np.ndarray, "*shape"], seed: int) -> UInt8[np.ndarray, "*shape"]:
    """Draws each pixel as 1 with probability grey / 255.

    It uses RandomState, whose stream is frozen by NumPy's compatibility policy.

    Args:
        grey: The probabilities in units of 1/255, of any shape.
        seed: The seed of the draw.

    Returns:
        Pixels 0 or 1, uint8, of the shape of `grey`.
    """
    return (np.random.RandomState(seed).randint(0, 255, grey.shape, np.uint8) < grey).astype(np.uint8)


def load(name: str, split: str, *, directory: str | Path | None = None, download: bool = False) -> DataSet:
    """Loads one split of a data set.

    Args:
        name: The name of the data set, one of NAMES.
        split: The name of the split, one of SPLITS.
        directory: The folder of the MNIST files. None takes the one that RECJAX_DATA names, otherwise ../shared/data
            beside the checkout, otherwise the cache.
        download: Whether to fetch MNIST files that are not there into the cache, with a check of their SHA-256 digest.

    Returns:
        The split.

    Raises:
        ValueError: There is no such data set or split, or its files are missing or damaged.
    """
    if split not in SPLITS:
        raise ValueError(f"there is no split {split!r}; choose one of {', '.join(SPLITS)}.")
    check_name(name)
    if name == "digits":
        return DataSet(name, split, 17, _digits(split))
    images = _mnist(split, directory, download)
    if name == "mnist":
        return DataSet(name, split, 256, images)
    if name == "sampled_mnist":
        grey = DataSet(name, split, 2, images, sampled=True)
        return grey if split == "train" else replace(grey, images=grey.coded, sampled=False)
    return DataSet(name, split, 2, (images >= 128).astype(np.uint8))


def load_splits(name: str, *, directory: str | Path | None = None, download: bool = False) -> dict[str, DataSet]:
    """Loads all splits of a data set.

    Args:
        name: The name of the data set, one of NAMES.
        directory: The folder of the MNIST files, as in `load`.
        download: Whether to fetch missing MNIST files, as in `load`.

    Returns:
        The splits by name.
    """
    return {split: load(name, split, directory=directory, download=download) for split in SPLITS}


def check_name(name: str) -> None:
    """Checks that there is a data set of a name.

    Args:
        name: The name.

    Raises:
        ValueError: There is none; the sentence lists the names.
    """
    if name not in NAMES:
        raise ValueError(f"there is no data set {name!r}; choose one of {', '.join(NAMES)}.")


def _digits(split: str) -> np.ndarray:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ValueError('the digits come with scikit-learn; install it with `pip install "recjax[data]"`.') from error
    images = load_digits(return_X_y=True)[0].reshape(-1, 8, 8).astype(np.uint8)
    # The files are ordered by writer; RandomState's shuffle is frozen by NumPy's compatibility policy.
    images = images[np.random.RandomState(_DIGITS_SEED).permutation(len(images))]
    last_train = len(images) - _DIGITS_VALIDATION - _DIGITS_TEST
    parts = np.split(images, [last_train, last_train + _DIGITS_VALIDATION])
    return parts[SPLITS.index(split)]


def _mnist(split: str, directory: str | Path | None, download: bool) -> np.ndarray:
    name = "t10k-images-idx3-ubyte" if split == "test" else "train-images-idx3-ubyte"
    images = read_idx(_find_mnist(name, directory, download))
    if split == "train":
        return images[:-_MNIST_VALIDATION]
    return images[-_MNIST_VALIDATION:] if split == "validation" else images


def read_idx(path: Path) -> np.ndarray:
    """Reads an IDX file of uint8, which may be compressed with gzip.

    Args:
        path: The path of the file; it is decompressed if the name ends in .gz.

    Returns:
        The array, uint8.

    Raises:
        ValueError: The file cannot be read, or is not a whole IDX file of uint8.
    """
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        zero, kind, num_axes = struct.unpack_from(">HBB", data)
        shape = struct.unpack_from(f">{num_axes}I", data, 4)
        if zero != 0 or kind != 8:
            raise ValueError("not IDX of uint8")
        return np.frombuffer(data, np.uint8, offset=4 + 4 * num_axes).reshape(shape)
    except (OSError, EOFError, struct.error, zlib.error, ValueError) as error:
        raise ValueError(f"{path} is not a whole IDX file of uint8 ({error}); fetch it again.") from error


def _find_mnist(name: str, directory: str | Path | None, download: bool) -> Path:
    if directory is None:
        directory = os.environ.get("RECJAX_DATA")
    if directory is not None:
        roots = [Path(directory).expanduser()]
    else:
        roots = [Path(__file__).resolve().parents[2] / "shared" / "data", _cache_directory()]
    for root in roots:
        for path in (root / "mnist" / f"{name}.gz", root / "mnist" / name, root / f"{name}.gz", root / name):
            if path.is_file():
                return path
    if download:
        return _download(f"{name}.gz", _cache_directory() / "mnist")
    raise ValueError(
        f"MNIST's {name} is not in {' or '.join(map(str, roots))}; name its directory by RECJAX_DATA, or fetch it with "
        "`python -m training.data mnist`."
    )


def _cache_directory() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "recjax"


def _download(name: str, directory: Path) -> Path:
    """Returns the path of a file in the cache directory, after fetching it if it is not there."""
    if (directory / name).is_file():
        return directory / name
    try:
        with urllib.request.urlopen(_MNIST_ORIGIN + name, timeout=60) as response:
            data = response.read(2**26)
    except OSError as error:
        raise ValueError(f"{_MNIST_ORIGIN}{name} could not be fetched ({error}); fetch it by hand.") from error
    if hashlib.sha256(data).hexdigest() != _MNIST_SHA256[name]:
        raise ValueError(f"{_MNIST_ORIGIN}{name} does not have the published SHA-256; fetch it by hand from elsewhere.")
    directory.mkdir(parents=True, exist_ok=True)
    write_atomically(directory / name, lambda part: part.write_bytes(data))
    return directory / name


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command `python -m training.data NAME`, which fetches a data set if needed and says what it holds.

    Args:
        arguments: The arguments of the command line; None for those of the process.

    Returns:
        The exit code: 0, or 1 with a sentence on stderr. Wrong usage exits with 2.
    """
    parser = argparse.ArgumentParser(prog="python -m training.data", description="Fetch a data set and check it.")
    parser.add_argument("name", choices=NAMES)
    name = parser.parse_args(arguments).name
    try:
        for split, loaded in load_splits(name, download=True).items():
            shape = "x".join(map(str, loaded.images.shape[1:]))
            print(f"{name}, {split}: {len(loaded.images):,} images of {shape} pixels, {loaded.levels} levels")
    except (ValueError, OSError) as error:
        print(f"training.data: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
