"""Opens a PNG, a folder of PNGs in the order of their names, or an .npy, and reads some of its images at a time."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from math import prod
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from recjax.images import notes as image_notes
from recjax.images.notes import Note
from recjax.images.npy import read_layout
from recjax.images.png import read_png
from recjax.io.inputs import require_regular
from recjax.text import quoted

MAX_BYTES = 1 << 30
"""The default limit on the bytes that images may take."""

Images = UInt8[np.ndarray, "count height width *channels"]

_AT_ONCE = 256
"""The number of images that are read at a time where all are read."""


class Source(ABC):
    """A number of images of one shape, which are read when needed.

    Attributes:
        count: The number of images.
        shape: The shape of each image: (height, width) or (height, width, 3).
    """

    count: int
    shape: tuple[int, ...]

    @abstractmethod
    def read(self, start: int, stop: int) -> Images:
        """Reads some of the images.

        Args:
            start: The first image.
            stop: The image after the last one.

        Returns:
            The images, uint8 [stop - start, *shape].

        Raises:
            ValueError: They cannot be read, or differ in shape.
        """

    @abstractmethod
    def entries(self) -> Iterator[tuple[str, int, int]]:
        """Yields the name, size in bytes and time of last change in nanoseconds of each file, which identify it."""

    def notes(self) -> list[str]:
        """Reports what is not kept of the images read so far and which files are left out, a sentence for each kind."""
        return []

    def largest(self) -> int:
        """Finds the largest value of a pixel, for which all images are read, a few at a time."""
        return max((int(self.read(k, k + _AT_ONCE).max(initial=0)) for k in range(0, self.count, _AT_ONCE)), default=0)


def open_source(path: str | Path, max_bytes: int = MAX_BYTES) -> Source:
    """Opens the images of a PNG, a folder of PNGs or an .npy.

    Args:
        path: The path of the images.
        max_bytes: The number of bytes that the pixels of one PNG may take.

    Returns:
        The images, which are read later, but for a single PNG and the first image of a folder.

    Raises:
        ValueError: Something else is there, or what cannot be kept.
    """
    path = Path(path)
    if path.is_dir():
        return Folder(path, max_bytes)
    if not path.exists():
        raise ValueError(f"{quoted(path)} does not exist; give a PNG, a folder of PNGs or an .npy of uint8 images.")
    require_regular(path)
    if path.suffix.lower() == ".npy":
        return Array(path)
    if path.suffix.lower() == ".png":
        return Picture(path, max_bytes)
    raise ValueError(
        f"{quoted(path)} has the suffix {path.suffix!r}; give a PNG, a folder of PNGs or an .npy of uint8 images."
    )


class Picture(Source):
    """A source of one PNG, which is read when it is opened."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path = path
        pixels, self._found = read_png(path, max_bytes)
        self._images = pixels[None]
        self.count, self.shape = 1, pixels.shape

    def read(self, start: int, stop: int) -> Images:
        """Returns the image if it is among those asked for.

        Args:
            start: The first image.
            stop: The image after the last one.

        Returns:
            The images, uint8 [0 or 1, *shape].
        """
        return self._images[start:stop]

    def entries(self) -> Iterator[tuple[str, int, int]]:
        """Yields the name, size in bytes and time of the last change in nanoseconds of the file."""
        yield _entry(self._path)

    def notes(self) -> list[str]:
        """Reports what is not kept of the picture, in a sentence for each kind."""
        return image_notes.lines_of_picture(self._path, self._found)


class Folder(Source):
    """A source of PNGs in the order of their names; other files in the folder are left out."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path, self._max_bytes = path, max_bytes
        self.names, self._left_out = _listing(path)
        self._found: dict[str, tuple[Note, ...]] = {}
        self.count, self.shape = len(self.names), self._read_png(self.names[0]).shape

    def read(self, start: int, stop: int) -> Images:
        """Reads some of the PNGs.

        Args:
            start: The first image.
            stop: The image after the last one.

        Returns:
            The images, uint8 [stop - start, *shape].

        Raises:
            ValueError: A PNG cannot be read, or differs in shape from the first one.
        """
        names = self.names[start:stop]
        images = np.zeros((len(names), *self.shape), np.uint8)
        for number, name in enumerate(names):
            image = self._read_png(name)
            if image.shape != self.shape:
                raise ValueError(
                    f"in {quoted(self._path)}, {quoted(self.names[0].name)} is {_looks(self.shape)} and "
                    f"{quoted(name.name)} is {_looks(image.shape)}; make folders of one shape."
                )
            images[number] = image
        return images

    def entries(self) -> Iterator[tuple[str, int, int]]:
        """Yields the name, size in bytes and time of the last change in nanoseconds of each PNG."""
        return (_entry(name) for name in self.names)

    def notes(self) -> list[str]:
        """Reports which files are left out and what is not kept of the PNGs read so far, one sentence for each kind."""
        return [*self._left_out, *image_notes.lines_of_folder(self._path, self._found)]

    def _read_png(self, path: Path) -> UInt8[np.ndarray, "height width *channels"]:
        pixels, self._found[path.name] = read_png(path, self._max_bytes)
        return pixels


class Array(Source):
    """A source of the images of an .npy, of which only the images that are needed are read."""

    def __init__(self, path: Path) -> None:
        shape, self._fortran_order, self._offset = read_layout(path)
        self._path = path
        self._whole = shape
        self.count, self.shape = (shape[0], shape[1:]) if len(shape) > 2 else (1, shape)

    def read(self, start: int, stop: int) -> Images:
        """Reads some of the images.

        Args:
            start: The first image.
            stop: The image after the last one.

        Returns:
            The images, uint8 [stop - start, *shape].

        Raises:
            ValueError: The file has become shorter, or only a part is to be read of an array in Fortran's order.
        """
        start, stop, _ = slice(start, stop).indices(self.count)
        if self._fortran_order and 0 < stop - start < self.count:
            raise ValueError(
                f"{quoted(self._path)} is in Fortran's order, of which no part can be read; save it again in C's."
            )
        size = prod(self.shape)
        values = np.fromfile(self._path, np.uint8, (stop - start) * size, offset=self._offset + start * size)
        if values.size != (stop - start) * size:
            raise ValueError(f"{quoted(self._path)} has become shorter while it was read; let nothing write to it.")
        if self._fortran_order and values.size:
            values = values.reshape(self._whole, order="F")
        return np.ascontiguousarray(values.reshape(stop - start, *self.shape))

    def entries(self) -> Iterator[tuple[str, int, int]]:
        """Yields the name, size in bytes and time of the last change in nanoseconds of the file."""
        yield _entry(self._path)


def _listing(path: Path) -> tuple[list[Path], list[str]]:
    """Lists the PNGs of a folder in the order of their names, and a sentence for each kind of file that is left out."""
    names: list[Path] = []
    hidden: list[str] = []
    folders: list[str] = []
    others: list[str] = []
    for entry in sorted(path.iterdir()):
        if entry.name.startswith("."):
            hidden.append(entry.name)
        elif entry.is_dir():
            folders.append(entry.name)
        elif entry.suffix.lower() != ".png":
            others.append(entry.name)
        elif entry.exists():
            require_regular(entry)
            names.append(entry)
        else:
            raise ValueError(f"{quoted(entry)} is a link to nothing; take it out of the folder.")
    kinds = (
        (hidden, "hidden", ""),
        (folders, "a folder in it", "; only its own PNGs are taken"),
        (others, "no PNG by name", ""),
    )
    left_out = [
        f"{quoted(path)}: left out as {why}{more}: {image_notes.few(members)}."
        for members, why, more in kinds
        if members
    ]
    if not names:
        rest = image_notes.few([*others, *folders, *hidden])
        beside = f", only {rest}" if rest else ""
        raise ValueError(f"the folder {quoted(path)} holds no PNG{beside}; give a folder whose names end in .png.")
    return names, left_out


def _looks(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} x {shape[0]} {'RGB' if len(shape) == 3 else 'grey'}"


def _entry(path: Path) -> tuple[str, int, int]:
    info = path.stat()
    return path.name, info.st_size, info.st_mtime_ns
