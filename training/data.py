"""Data sets as uint8 arrays [images, height, width], in fixed splits.

- digits: the 8x8 digits of scikit-learn, 17 levels; 1197 train, 200 validation, 400 test, by a fixed shuffle.
- mnist: 256 levels; the last 5,000 training images are the validation split.
- binary_mnist: MNIST with pixels of 128 and above as 1, the rest as 0. This is not the fixed stochastic binarisation of
  Larochelle and Murray (2011), so rates do not compare with tables made on that.
- sampled_mnist: MNIST with each pixel as 1 with probability pixel / 255, as in the bits-back paper (arXiv:1901.04866).
  Validation and test are one draw, the same for everyone; the train split is drawn anew in every epoch.
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
    """Images of one split.

    levels: pixels that are coded are 0 to levels - 1.
    sampled: the images are grey, of values 0 to 255, and training draws each pixel as 1 with probability value / 255.
    """

    name: str
    split: str
    levels: int
    images: UInt8[np.ndarray, "images height width"]
    sampled: bool = False

    @property
    def coded(self) -> UInt8[np.ndarray, "images height width"]:
        """The images as they are coded: of a sampled split, one draw, always the same."""
        return draw_pixels(self.images, _SAMPLED_MNIST_SEEDS[self.split]) if self.sampled else self.images


def draw_pixels(grey: UInt8[np.ndarray, "*shape"], seed: int) -> UInt8[np.ndarray, "*shape"]:
    """Each pixel as 1 with probability grey / 255; NumPy's compatibility policy has frozen RandomState's stream."""
    return (np.random.RandomState(seed).randint(0, 255, grey.shape, np.uint8) < grey).astype(np.uint8)


def load(name: str, split: str, *, directory: str | Path | None = None, download: bool = False) -> DataSet:
    """One split of a data set.

    directory: where the MNIST files are; else the directory named by RECJAX_DATA, else ../shared/data beside the
        checkout, else, if `download` is set, a cache directory filled from the origin and checked by SHA-256.
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
    """Every split of a data set by its name; see `load`."""
    return {split: load(name, split, directory=directory, download=download) for split in SPLITS}


def check_name(name: str) -> None:
    """ValueError, with the names that there are, unless this is one."""
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
    """The array of an IDX file of uint8, gzip-compressed or not."""
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
    """The file in the cache directory; fetched if it is not there yet."""
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
    """`python -m training.data NAME`: fetch a data set if it is not here, and say what it holds."""
    parser = argparse.ArgumentParser(prog="python -m training.data", description="Fetch a data set and check it.")
    parser.add_argument("name", choices=NAMES)
    name = parser.parse_args(arguments).name
    try:
        for split, found in load_splits(name, download=True).items():
            shape = "x".join(map(str, found.images.shape[1:]))
            print(f"{name}, {split}: {len(found.images):,} images of {shape} pixels, {found.levels} levels")
    except (ValueError, OSError) as error:
        print(f"training.data: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
