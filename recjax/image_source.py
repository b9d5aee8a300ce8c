"""Images on disk of which a few are read at a time: a folder of PNGs, or an .npy."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from recjax.images import MAX_BYTES, Images, npy_layout, png_names, read_png, read_pngs

_AT_ONCE = 256
"""Images that are read together where all are read."""


class Source(ABC):
    """Some number of images of one shape."""

    count: int
    shape: tuple[int, ...]

    @abstractmethod
    def read(self, start: int, stop: int) -> Images:
        """Images start to stop - 1; ValueError if they cannot be read or differ in shape."""

    @abstractmethod
    def entries(self) -> Iterator[tuple[str, int, int]]:
        """Name, size in bytes and time of the last change in nanoseconds of each file: they tell images again."""

    def largest(self) -> int:
        """The largest value of a pixel; all images are read, a few at a time."""
        return max((int(self.read(k, k + _AT_ONCE).max(initial=0)) for k in range(0, self.count, _AT_ONCE)), default=0)


def open_source(path: str | Path) -> Source:
    """The images of a folder of PNGs or an .npy; ValueError for anything else."""
    path = Path(path)
    if path.is_dir():
        return Folder(path)
    if path.is_file() and path.suffix.lower() == ".npy":
        return Array(path)
    raise ValueError(f"{path} is neither a folder of PNGs nor an .npy, which shards are made of; give one of them.")


class Folder(Source):
    """PNGs in the order of their names."""

    def __init__(self, path: Path) -> None:
        self.names = png_names(path)
        self.count, self.shape = len(self.names), read_png(self.names[0], MAX_BYTES).shape

    def read(self, start: int, stop: int) -> Images:
        return read_pngs(self.names[start:stop], self.shape, MAX_BYTES)

    def entries(self) -> Iterator[tuple[str, int, int]]:
        return (_entry(name) for name in self.names)


class Array(Source):
    """An .npy, of which no more is read than is asked for."""

    def __init__(self, path: Path) -> None:
        shape, fortran_order, offset = npy_layout(path)
        if fortran_order and len(shape) > 1:
            raise ValueError(f"{path} is in Fortran's order, of which no part can be read; save it again in C's.")
        shape = shape if len(shape) > 2 else (1, *shape)
        self.path = path
        self.count, self.shape = shape[0], shape[1:]
        self._images = np.memmap(path, np.uint8, mode="r", offset=offset, shape=shape) if self.count else None

    def read(self, start: int, stop: int) -> Images:
        if self._images is None:
            return np.zeros((0, *self.shape), np.uint8)
        return np.array(self._images[start:stop])

    def entries(self) -> Iterator[tuple[str, int, int]]:
        yield _entry(self.path)


def _entry(path: Path) -> tuple[str, int, int]:
    found = path.stat()
    return path.name, found.st_size, found.st_mtime_ns
