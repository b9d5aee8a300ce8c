"""Writes images to disk as a PNG of one image, an .npy, or a folder of PNGs, which appear whole or not at all."""

import functools
import itertools
import operator
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from jaxtyping import UInt8
from numpy.lib import format as npy
from PIL import Image

from recjax.images.source import Images
from recjax.io.atomic import (
    follow,
    names_errors,
    require_file_place,
    require_parent,
    set_permissions,
    status,
    write_atomically,
)
from recjax.io.folder_swap import swap
from recjax.io.part_files import PNG_NAME, part_folder, sweep
from recjax.text import quoted

Form = Literal["npy", "png", "folder"]


def write_images(path: str | Path, images: Images, *, overwrite: bool = False) -> None:
    """Writes images to PATH.png (a single image), PATH.npy, or the folder PATH as 00000.png, 00001.png, ...

    The whole output appears at once or not at all.

    Args:
        path: The path of the output; any suffix other than .npy and .png is refused.
        images: The images, uint8 [count, height, width] or [count, height, width, 3].
        overwrite: Whether a file may be replaced, or a folder that holds nothing but such images.

    Raises:
        ValueError: The images have another type or shape, or the path cannot be written to or must not be replaced.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] != 3):
        raise ValueError(f"images must be uint8 [count, height, width(, 3)], got {images.dtype} {images.shape}.")
    write_parts(path, [images], images.shape[0], images.shape[1:], overwrite=overwrite)


def write_parts(
    path: str | Path,
    parts: Iterable[Images],
    count: int,
    shape: tuple[int, ...],
    *,
    overwrite: bool = False,
) -> None:
    """Writes images as `write_images` does, but from parts, of which only one is in memory at a time.

    Args:
        path: The path of the output.
        parts: The images in order, uint8 arrays [any number, *shape].
        count: The number of all images.
        shape: The shape of an image.
        overwrite: Whether a file may be replaced, or a folder that holds nothing but such images.

    Raises:
        ValueError: The images differ in number or shape from what was announced, or the path cannot be written to or
            must not be replaced. Nothing is written then.
    """
    path, parts = Path(path), _checked(parts, count, shape)
    form = form_of(path, count)
    if form == "folder":
        _write_folder(path, parts, count, overwrite)
        return

    def save(part: Path) -> None:
        if form == "npy":
            with part.open("wb") as file:
                write_npy(file, parts, count, shape)
        else:
            for images in parts:
                for image in images:
                    _save_png(part, image)

    write_atomically(path, save, replace=overwrite)


def write_npy(file: BinaryIO, parts: Iterable[Images], count: int, shape: tuple[int, ...]) -> None:
    """Writes images as an .npy, without seeking, so that the file may be a pipe.

    Args:
        file: A file that is open for writing in binary mode.
        parts: The images in order, uint8 arrays [any number, *shape].
        count: The number of all images.
        shape: The shape of an image.
    """
    npy.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)})
    for images in parts:
        file.write(np.ascontiguousarray(images).data)


def require_images_place(path: Path, count: int, *, overwrite: bool) -> None:
    """Makes sure that images can be written to `path`, by making a temporary file or folder beside it.

    Args:
        path: The path of the output.
        count: The number of images.
        overwrite: Whether a file or a folder of images may be replaced.

    Raises:
        ValueError: The suffix does not fit, the folder of the output does not exist, or something is at the path that
            must not be replaced.
        OSError: No file can be made in the folder.
    """
    if form_of(path, count) == "folder":
        with names_errors(path), part_folder(_folder_target(path, overwrite)[0]):
            pass
    else:
        require_file_place(path, replace=overwrite)


def form_of(path: Path, count: int) -> Form:
    """Decides from the suffix of a path how images are written to it.

    Args:
        path: The path of the output.
        count: The number of images.

    Returns:
        "npy", "png" or "folder".

    Raises:
        ValueError: The suffix is another one, or is .png and there is not exactly one image.
    """
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return "npy"
    if suffix == ".png":
        if count != 1:
            raise ValueError(f"{quoted(path)} can hold one image, got {count}; name a folder or an .npy instead.")
        return "png"
    if suffix and not path.is_dir():
        raise ValueError(
            f"{quoted(path)} has the suffix {path.suffix!r}; name a PNG, an .npy or a folder without a suffix."
        )
    return "folder"


def _write_folder(path: Path, parts: Iterable[Images], count: int, overwrite: bool) -> None:
    target, _ = _folder_target(path, overwrite)
    with names_errors(path), part_folder(target) as part:
        # Enough digits for the names to have the order of the images.
        digits = max(len(str(count)), 5)
        for number, image in enumerate(itertools.chain.from_iterable(parts)):
            _save_png(part / f"{number:0{digits}}.png", image)
        set_permissions(part, target)
        # Files may have appeared at the path while the images were written.
        _, old = _folder_target(path, overwrite)
        if status(target) is None:
            part.rename(target)
            return
        kept = functools.reduce(operator.and_, (image.lstat().st_mode for image in old), 0o777)
        for image in part.iterdir():
            if old:
                image.chmod(0o600 | kept)
            # The old images are removed next, so the new ones must be on the disk in case the machine crashes.
            with image.open("rb") as file:
                os.fsync(file.fileno())
        swap(part, target)


def _folder_target(path: Path, overwrite: bool) -> tuple[Path, list[Path]]:
    """Finds the folder that images are written to, links followed, and the images in it.

    ValueError if the folder cannot be made there or must not be replaced.
    """
    target = follow(path)
    require_parent(target)
    info = status(target)
    if info is not None and (not stat.S_ISDIR(info.st_mode) or (any(target.iterdir()) and not overwrite)):
        # The next write would remove what a killed one left, but it is refused here.
        sweep(target)
        raise ValueError(
            f"{quoted(path)} exists and is not an empty folder; name another, or ask for a folder of images to be "
            "replaced (--force)."
        )
    return target, _images_of(target)


def _images_of(folder: Path) -> list[Path]:
    """Lists the files of a folder of images; ValueError if it holds others, which nobody must lose."""
    if status(folder) is None:
        return []
    with os.scandir(folder) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for number, entry in enumerate(listed):
        ours = PNG_NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
        if not ours or int(entry.name[:-4]) != number:
            raise ValueError(
                f"{quoted(folder)} holds more than the images 00000.png, 00001.png, ... that an earlier output has, "
                f"such as {entry.name!r}; name another folder."
            )
    return [Path(entry.path) for entry in listed]


def _checked(parts: Iterable[Images], count: int, shape: tuple[int, ...]) -> Iterator[Images]:
    others = f"there must be {count} images of shape {shape}, and others came; compress them again."
    total = 0
    for images in parts:
        total += len(images)
        if images.shape[1:] != shape or total > count:
            raise ValueError(others)
        yield images
    if total < count:
        raise ValueError(others)


def _save_png(path: Path, image: UInt8[np.ndarray, "height width *channels"]) -> None:
    Image.fromarray(np.ascontiguousarray(image)).save(path, format="PNG", optimize=False)
