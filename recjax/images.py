"""Images on disk: a PNG, a folder of PNGs in the order of their names, or an .npy of uint8 images."""

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from math import prod
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from numpy.lib import format as npy
from PIL import Image

from recjax.atomic import require_parent, umask, write_atomically
from recjax.image_notes import NotKeptWarning
from recjax.image_source import MAX_BYTES, Images, open_source


def warn(line: str) -> None:
    """Issues a sentence on what is not kept of images as a Python warning of whoever called `read_images`."""
    warnings.warn(line, NotKeptWarning, stacklevel=3)


def read_images(path: str | Path, max_bytes: int = MAX_BYTES, *, tell: Callable[[str], object] = warn) -> Images:
    """Reads the images of a PNG (one), a folder of PNGs in the order of their names, or an .npy.

    Args:
        path: of an .npy of shape [count, height, width] or [count, height, width, 3], or [height, width] for one image;
            of a folder, of which hidden files and whatever else is no PNG are left out; or of a PNG.
        max_bytes: that all images may take, which is found out before they are read.
        tell: gets a sentence for each kind of thing that is not kept, such as ICC profiles, and for files left out.

    Returns:
        The images, [count, height, width] or [count, height, width, 3].

    Raises:
        ValueError: they are damaged, differ in shape, hold what 8-bit grey or RGB cannot keep, or take too much.
    """
    source = open_source(path, max_bytes)
    size = source.count * prod(source.shape)
    if size > max_bytes:
        raise ValueError(
            f"the {source.count:,} images of {path} take {size:,} bytes, more than {max_bytes:,}; split them, or "
            "compress them in shards."
        )
    images = source.read(0, source.count)
    for line in source.notes():
        tell(line)
    return images


def write_images(path: str | Path, images: Images) -> None:
    """Write images to PATH.png (a single image), PATH.npy, or the folder PATH as 00000.png, 00001.png, ...

    The whole output appears at once or not at all. A file is replaced; a folder must be new or empty.
    """
    path = Path(path)
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] != 3):
        raise ValueError(f"images must be uint8 [count, height, width(, 3)], got {images.dtype} {images.shape}.")
    if path.suffix.lower() == ".npy":
        write_atomically(path, lambda part: _save_npy(part, images))
    elif path.suffix.lower() == ".png":
        if images.shape[0] != 1:
            raise ValueError(f"{path} can hold one image, got {images.shape[0]}; name a folder or an .npy instead.")
        write_atomically(path, lambda part: _save_png(part, images[0]))
    elif path.suffix and not path.is_dir():
        raise ValueError(f"{path} has the suffix {path.suffix!r}; name a PNG, an .npy or a folder without a suffix.")
    else:
        _write_folder(path, [images], len(images))


def write_parts(path: str | Path, parts: Iterable[Images], count: int, shape: tuple[int, ...]) -> None:
    """`write_images` of `count` images of a shape that come in parts, of which one is in memory at a time: an .npy or a
    folder. ValueError, and nothing is written, if they are others."""
    path = Path(path)
    if path.suffix.lower() == ".npy":
        write_atomically(path, lambda part: _save_npy_parts(part, parts, count, shape))
    elif path.suffix and not path.is_dir():
        raise ValueError(f"{path} has the suffix {path.suffix!r}; name an .npy or a folder without a suffix.")
    else:
        _write_folder(path, _checked(parts, count, shape), count)


def _write_folder(path: Path, parts: Iterable[Images], count: int) -> None:
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise ValueError(f"{path} exists and is not an empty folder; remove it or name another.")
    require_parent(path)
    part = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        # Enough digits that the order of the names is that of the images.
        digits = max(len(str(count)), 5)
        for number, image in enumerate(itertools.chain.from_iterable(parts)):
            _save_png(part / f"{number:0{digits}}.png", image)
        part.chmod(0o777 & ~umask())
        with suppress(FileNotFoundError):
            path.rmdir()
        part.rename(path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _save_npy_parts(path: Path, parts: Iterable[Images], count: int, shape: tuple[int, ...]) -> None:
    with path.open("wb") as file:
        npy.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)})
        for images in _checked(parts, count, shape):
            file.write(np.ascontiguousarray(images).data)


def _checked(parts: Iterable[Images], count: int, shape: tuple[int, ...]) -> Iterator[Images]:
    found = 0
    for images in parts:
        found += len(images)
        if images.shape[1:] != shape or found > count:
            found = -1
            break
        yield images
    if found != count:
        raise ValueError(f"there must be {count} images of shape {shape}, and others came; compress them again.")


def _save_png(path: Path, image: UInt8[np.ndarray, "height width *channels"]) -> None:
    Image.fromarray(np.ascontiguousarray(image)).save(path, format="PNG", optimize=False)


def _save_npy(path: Path, images: Images) -> None:
    with path.open("wb") as file:
        np.save(file, images, allow_pickle=False)
