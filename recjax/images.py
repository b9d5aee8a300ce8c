"""Images on disk: a PNG, a folder of PNGs in the order of their names, or an .npy of uint8 images."""

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from math import prod
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from numpy.lib import format as npy
from PIL import Image

from recjax.atomic import require_parent, umask, write_atomically
from recjax.interrupts import undone

MAX_BYTES = 1 << 30

Images = UInt8[np.ndarray, "count height width *channels"]


def read_images(path: str | Path, max_bytes: int = MAX_BYTES) -> Images:
    """Images of a PNG (one), a folder of PNGs or an .npy of shape [count, height, width] or [count, height, width, 3].

    An .npy of shape [height, width] is one image. ValueError with a sentence for anything else, for images of unequal
    shape, and when they would take more than `max_bytes`, which is found out before they are read.
    """
    path = Path(path)
    if path.is_dir():
        return _read_folder(path, max_bytes)
    if not path.is_file():
        raise ValueError(f"{path} does not exist; give a PNG, a folder of PNGs or an .npy of uint8 images.")
    if path.suffix.lower() == ".npy":
        return _read_npy(path, max_bytes)
    if path.suffix.lower() == ".png":
        return read_png(path, max_bytes)[None]
    raise ValueError(f"{path} has the suffix {path.suffix!r}; give a PNG, a folder of PNGs or an .npy of uint8 images.")


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


def png_names(path: Path) -> list[Path]:
    """PNGs of a folder in the order of their names; ValueError if there is none."""
    names = sorted(entry for entry in path.iterdir() if entry.suffix.lower() == ".png")
    if not names:
        raise ValueError(f"the folder {path} holds no PNG; give a folder whose names end in .png.")
    return names


def read_pngs(names: Sequence[Path], shape: tuple[int, ...], max_bytes: int) -> Images:
    """The named PNGs, which all must have this shape."""
    images = np.zeros((len(names), *shape), np.uint8)
    for number, name in enumerate(names):
        image = read_png(name, max_bytes)
        if image.shape != shape:
            raise ValueError(f"{name} has the shape {image.shape} and others {shape}; make folders of one shape.")
        images[number] = image
    return images


def _read_folder(path: Path, max_bytes: int) -> Images:
    names = png_names(path)
    first = read_png(names[0], max_bytes)
    if first.nbytes * len(names) > max_bytes:
        raise ValueError(
            f"the {len(names)} images of {path} take more than {max_bytes} bytes; split the folder, or compress it in "
            "shards."
        )
    return read_pngs(names, first.shape, max_bytes)


def read_png(path: Path, max_bytes: int) -> UInt8[np.ndarray, "height width *channels"]:
    """One PNG; ValueError unless it is opaque, of 8-bit grey or RGB, and takes no more than `max_bytes`."""
    try:
        # The size is checked below, against a limit of our own, before any pixel is decoded.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(path, formats=["PNG"])
    except Exception as error:  # parsers of foreign bytes fail in many ways
        raise ValueError(f"{path} is not a readable PNG ({error}); write it again.") from error
    with picture:
        if picture.mode not in ("L", "RGB") or "transparency" in picture.info or getattr(picture, "n_frames", 1) > 1:
            raise ValueError(
                f"{path} must be one opaque image of 8-bit grey or RGB, got mode {picture.mode}; convert it first."
            )
        if picture.width * picture.height * len(picture.getbands()) > max_bytes:
            raise ValueError(f"{path} has {picture.width} x {picture.height} pixels, more than {max_bytes} bytes.")
        try:
            return np.asarray(picture, np.uint8)
        except Exception as error:
            raise ValueError(f"{path} is a damaged PNG ({error}); write it again.") from error


def npy_layout(path: Path) -> tuple[tuple[int, ...], bool, int]:
    """Shape, whether in Fortran's order, and offset of an .npy of uint8 images; ValueError if it is not one."""
    with path.open("rb") as file:
        try:
            version = npy.read_magic(file)
            read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
            shape, fortran_order, dtype = read_header(file)
        except Exception as error:  # numpy's parser raises SyntaxError, TokenError, RecursionError and more
            raise ValueError(f"{path} is not a readable .npy of an array; write it again with numpy.save.") from error
        if dtype != np.uint8 or len(shape) not in (2, 3, 4) or (len(shape) == 4 and shape[3] != 3):
            raise ValueError(
                f"{path} must hold uint8 [count, height, width(, 3)], got {dtype} {tuple(shape)}; convert it first."
            )
        size = path.stat().st_size - file.tell()
        if min(shape) < 0 or prod(shape) != size:
            raise ValueError(f"{path} declares {prod(shape)} bytes of images but holds {size}; write it again.")
        one = shape if len(shape) == 2 else shape[1:]
        if min(one) < 1:
            raise ValueError(f"{path} holds images of shape {one}, which have no pixels.")
        return tuple(shape), fortran_order, file.tell()


def _read_npy(path: Path, max_bytes: int) -> Images:
    shape, fortran_order, offset = npy_layout(path)
    if prod(shape) > max_bytes:
        raise ValueError(
            f"{path} holds {prod(shape)} bytes of images, more than {max_bytes}; split it, or compress it in shards."
        )
    data = path.read_bytes()[offset:]
    images = np.frombuffer(data, np.uint8).reshape(shape, order="F" if fortran_order else "C")
    return np.ascontiguousarray(images if images.ndim > 2 else images[None])


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
    with undone(lambda: shutil.rmtree(part, ignore_errors=True)):
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
