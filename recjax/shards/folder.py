"""Many images as a folder of files, one for each run of them (a shard): in bounded memory, and what stopped goes on.

A manifest says what is coded and how (`recjax.shards.manifest`); a shard that is there is done, as files appear whole.
So several processes may share the work, each with its own part of the shards.
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
from recjax.shards.manifest import Manifest, Plan
from recjax.text import quoted


class Part(NamedTuple):
    """Which shards a process codes: those whose number leaves `index` on division by `of`."""

    index: int = 0
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> "Part":
        """As "2/8"; ValueError for anything else."""
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
    """Codes what is missing of a part's shards of the source, and returns how many that were.

    Args:
        source: the images.
        out: the folder, which is made if it is not there.
        images_each: images of every shard but the last.
        settings: all that `encode` depends on, as JSON has it.
        encode: the file of some images, made with a seed that tells the shard from all others.
        model_name: what the model of the settings is called, for people.
        part: which shards are coded, by default all.
        progress: called with how many images of the part are done, and how many it has.

    Raises:
        ValueError: if the folder holds shards of other images or settings, or in the place of a shard a whole file that
            is not this shard, which is left as it is.
    """
    part, plan = part or Part(), Plan(source.count, images_each, source.shape)
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
    # One shard is read while another is coded, and no more.
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
    """Says whether a path is a folder of shards."""
    return (path / shard_manifest.NAME).is_file()


def require_place(folder: Path) -> Path:
    """Returns where a folder of shards is or can be made, links followed; ValueError if something else is there."""
    target = follow(folder)
    require_parent(target)
    # Another part may be about to begin the same folder: hidden files are what it has not renamed yet.
    foreign = status(target) is not None and (
        not target.is_dir() or any(entry.name[0] != "." for entry in target.iterdir())
    )
    if foreign and not is_shards(target):
        raise ValueError(f"{quoted(folder)} exists and is neither an empty folder nor one of shards; name another.")
    return target


def file(folder: Path, number: int) -> Path:
    """Returns the file of a shard; ValueError if it is missing, damaged or another one's."""
    return _checked(folder, shard_manifest.read(folder), number)


def files(folder: Path) -> Iterator[Path]:
    """Yields the files of all shards in order, each checked as by `file` when its turn comes."""
    manifest = shard_manifest.read(folder)
    return (_checked(folder, manifest, number) for number in range(manifest.plan.shards))


def _checked(folder: Path, manifest: Manifest, number: int) -> Path:
    path = _path(folder, number)
    if not _is_there(path, manifest, number):
        again = "compress the images again, which makes what is missing"
        raise ValueError(f"{quoted(path)} is missing or damaged; {again if manifest.numbered else 'fetch it again'}.")
    return path


def _is_there(path: Path, manifest: Manifest, number: int) -> bool:
    """Whether a shard is there and whole; ValueError if a whole file in its place is another one."""
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
    """The header of a file with right checksums, None if there is none at the path."""
    try:
        if not path.is_file() or path.stat().st_size > container.largest_file(MAX_BYTES):
            return None
        found = container.read(path.read_bytes(), MAX_BYTES)
        for chunk in range(found.header.num_chunks):
            found.chunk(chunk)
    except (OSError, ValueError):
        return None
    return found.header


def _with_seed(data: bytes, seed: int) -> bytes:
    """A file with the seed in its header: one that is stored raw has no use for it, and may have been made without."""
    found = container.read(data, MAX_BYTES)
    if found.header.method != "raw":
        return data
    return container.write(replace(found.header, seed=seed), [found.chunk(0)])


def _ends(plan: Plan, number: int) -> tuple[int, int]:
    images = plan.images_of(number)
    return images.start, images.stop


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:05}.rjx"


def _digest(source: Source) -> str:
    """SHA-256 (hex) of names, sizes and times of what is coded; its pixels would have to be read twice."""
    whole = hashlib.sha256()
    for name, size, changed in source.entries():
        whole.update(f"{name}\0{size}\0{changed}\n".encode())
    return whole.hexdigest()
