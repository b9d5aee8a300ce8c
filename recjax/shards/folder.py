"""Compresses many images to a folder of files (shards), in bounded memory and so that an interrupted run can go on.

A manifest says what is coded and how (`recjax.shards.manifest`). As files appear whole or not at all, a shard that
exists is done. So several processes may share the work, each with a part of the shards.
"""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from recjax.container import file as container
from recjax.container.file import Header
from recjax.images.files import MAX_BYTES, Images
from recjax.images.source import Source
from recjax.io.atomic import follow, require_parent, status, write_atomically
from recjax.shards import manifest as shard_manifest
from recjax.shards.manifest import Manifest, ShardPlan
from recjax.text import quoted


class Part(NamedTuple):
    """The shards that one of several processes codes: every `of`-th one, starting with shard `index`.

    Attributes:
        index: The number of the part, from 0 on.
        of: The number of parts.
    """

    index: int = 0
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> "Part":
        """Reads a part from text such as "2/8".

        Args:
            text: The index and the number of parts, separated by a slash.

        Returns:
            The part.

        Raises:
            ValueError: The text is anything else, or the index is not below the number of parts.
        """
        index, slash, of = text.partition("/")
        if not (slash and index.isdecimal() and of.isdecimal() and int(index) < int(of)):
            raise ValueError(
                f"a part is a number and how many there are, such as 0/4 ... 3/4, got {text!r}; correct it."
            )
        return cls(int(index), int(of))


def compress(
    source: Source,
    out: Path,
    images_each: int,
    settings: dict[str, Any],
    encode: Callable[[Images, int], bytes],
    *,
    model_name: str | None = None,
    part: Part | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Codes the missing shards of a part.

    Args:
        source: The images.
        out: The folder, which is made if it does not exist.
        images_each: The number of images of every shard but the last.
        settings: Everything that `encode` depends on, of types that JSON has.
        encode: A function that codes some images to a file, given a seed that differs from shard to shard.
        model_name: The name of the model of the settings, for people.
        part: Which shards to code; None for all.
        progress: A callback that gets the number of images of the part that are done, and the number that it has.

    Returns:
        The number of shards that were coded.

    Raises:
        ValueError: A shard would have too few or too many images, or the folder cannot be made, or it holds something
            other than shards, shards of other images or settings, or in the place of a shard a whole file that is
            another one (which is left as it is).
    """
    part, plan = part or Part(), ShardPlan(source.count, images_each, source.shape)
    if images_each < 1 or images_each * prod(source.shape) > MAX_BYTES:
        most = MAX_BYTES // prod(source.shape)
        raise ValueError(f"a shard holds 1 to {most:,} images of shape {source.shape}, got {images_each}; change it.")
    require_place(out).mkdir(exist_ok=True)
    manifest = shard_manifest.begin(out, Manifest(plan, _digest(source), settings, model_name))
    own = range(part.index, plan.shards, part.of)
    missing = [number for number in own if not _is_there(_path(out, number), manifest, number)]
    total = sum(len(plan.images_of(number)) for number in own)
    done = total - sum(len(plan.images_of(number)) for number in missing)
    if progress:
        progress(done, total)
    # The next shard is read while this one is coded; no more are in memory.
    with ThreadPoolExecutor(1) as reader:
        waiting = [reader.submit(source.read, *_ends(plan, number)) for number in missing[:1]]
        for place, number in enumerate(missing):
            images = waiting.pop().result()
            waiting += [reader.submit(source.read, *_ends(plan, after)) for after in missing[place + 1 : place + 2]]
            seed = manifest.seed(number)
            data = _with_seed(encode(images, seed), seed)
            write_atomically(_path(out, number), lambda file, data=data: file.write_bytes(data))
            done += len(images)
            if progress:
                progress(done, total)
    return len(missing)


def is_shards(path: Path) -> bool:
    """Checks whether a path is a folder of shards.

    Args:
        path: Any path.

    Returns:
        Whether there is a manifest in it.
    """
    return (path / shard_manifest.NAME).is_file()


def require_place(folder: Path) -> Path:
    """Makes sure that a folder of shards is at a path or can be made there.

    Args:
        folder: The path of the folder.

    Returns:
        The path with symbolic links followed.

    Raises:
        ValueError: Something else is there, or the folder that is to hold it does not exist.
    """
    target = follow(folder)
    require_parent(target)
    # Another process may be about to begin the same folder: hidden files are temporary ones, not yet renamed.
    foreign = status(target) is not None and (
        not target.is_dir() or any(entry.name[0] != "." for entry in target.iterdir())
    )
    if foreign and not is_shards(target):
        raise ValueError(f"{quoted(folder)} exists and is neither an empty folder nor one of shards; name another.")
    return target


def file(folder: Path, number: int) -> Path:
    """Finds the file of a shard and checks it.

    Args:
        folder: The folder of shards.
        number: The number of the shard, from 0 on.

    Returns:
        The path of the file.

    Raises:
        ValueError: The file is missing, damaged or another shard's.
    """
    return _checked(folder, shard_manifest.read(folder), number)


def files(folder: Path) -> Iterator[Path]:
    """Finds the files of all shards, in order.

    Args:
        folder: The folder of shards.

    Returns:
        An iterator over the paths, which checks each file as `file` does when its turn comes.

    Raises:
        ValueError: The manifest is missing or damaged, or (from the iterator) a file is missing, damaged or another
            shard's.
    """
    manifest = shard_manifest.read(folder)
    return (_checked(folder, manifest, number) for number in range(manifest.plan.shards))


def _checked(folder: Path, manifest: Manifest, number: int) -> Path:
    path = _path(folder, number)
    if not _is_there(path, manifest, number):
        again = "compress the images again, which makes what is missing"
        raise ValueError(f"{quoted(path)} is missing or damaged; {again if manifest.numbered else 'fetch it again'}.")
    return path


def _is_there(path: Path, manifest: Manifest, number: int) -> bool:
    """Checks whether a shard exists and is whole; ValueError if a whole file in its place is another one."""
    header = _header(path)
    if header is None or manifest.owns(header, number):
        return header is not None
    place = manifest.place_of(header) if manifest.numbered else None
    what = "of other images or settings" if place is None else f"shard {place}"
    raise ValueError(
        f"{quoted(path)} should be shard {number} of its folder and is {what}; put the right file in its place, or "
        "move it away and compress the images again."
    )


def _header(path: Path) -> Header | None:
    """Reads the header of a file whose checksums are right; None if there is no such file at the path."""
    try:
        if not path.is_file() or path.stat().st_size > container.largest_file(MAX_BYTES):
            return None
        parsed = container.read(path.read_bytes(), MAX_BYTES)
        for chunk in range(parsed.header.num_chunks):
            parsed.chunk(chunk)
    except (OSError, ValueError):
        return None
    return parsed.header


def _with_seed(data: bytes, seed: int) -> bytes:
    """Puts the seed of a shard into the header of a raw file, which may have been made without it."""
    parsed = container.read(data, MAX_BYTES)
    if parsed.header.method != "raw":
        return data
    return container.write(replace(parsed.header, seed=seed), [parsed.chunk(0)])


def _ends(plan: ShardPlan, number: int) -> tuple[int, int]:
    images = plan.images_of(number)
    return images.start, images.stop


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:05}.rjx"


def _digest(source: Source) -> str:
    """Computes the SHA-256 digest (hexadecimal) of the names, sizes and times of the source's files.

    Pixels are left out, since they would have to be read twice.
    """
    whole = hashlib.sha256()
    for name, size, changed in source.entries():
        whole.update(f"{name}\0{size}\0{changed}\n".encode())
    return whole.hexdigest()
