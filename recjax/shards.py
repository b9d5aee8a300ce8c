"""Many images as a folder of files, one for each run of them (a shard): in bounded memory, and what stopped goes on.

A manifest says what is coded and how; a shard that is there is done, as files appear whole. So several processes may
share the work, each with its own part of the shards.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from recjax import container
from recjax.atomic import require_parent, write_atomically
from recjax.image_source import Source
from recjax.images import MAX_BYTES, Images

MANIFEST = "shards.json"
_VERSION = 1


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


class Plan(NamedTuple):
    """What a folder of shards holds. images_each: of every shard but the last. shape: of an image."""

    images: int
    images_each: int
    shape: tuple[int, ...]

    @property
    def shards(self) -> int:
        """How many files there are."""
        return -(-self.images // self.images_each)

    def images_of(self, number: int) -> range:
        """The images of a shard."""
        return range(number * self.images_each, min((number + 1) * self.images_each, self.images))


def compress(
    source: Source,
    out: Path,
    images_each: int,
    settings: dict[str, Any],
    encode: Callable[[Images], bytes],
    *,
    part: Part | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Code what is missing of a part's shards of the source, and return how many that were.

    settings: all that `encode` depends on, as JSON has it; ValueError if the folder holds shards of others, or of other
    images. progress(done, images): of the part.
    """
    part, plan = part or Part(), Plan(source.count, images_each, source.shape)
    if images_each < 1 or images_each * prod(source.shape) > MAX_BYTES:
        most = MAX_BYTES // prod(source.shape)
        raise ValueError(f"a shard holds 1 to {most:,} images of shape {source.shape}, got {images_each}; change it.")
    _begin(out, {"version": _VERSION, **plan._asdict(), "source": _digest(source), "settings": settings})
    own = range(part.index, plan.shards, part.of)
    missing = [number for number in own if not _is_whole(_path(out, number), plan, number)]
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
            data = encode(images)
            write_atomically(_path(out, number), lambda file, data=data: file.write_bytes(data))
            done += len(images)
            if progress:
                progress(done, total)
    return len(missing)


def is_shards(path: Path) -> bool:
    """Whether a path is a folder of shards."""
    return (path / MANIFEST).is_file()


def read_plan(folder: Path) -> Plan:
    """The plan of a folder of shards; ValueError if its manifest is damaged."""
    manifest = _manifest(folder)
    shape: Any = manifest.get("shape")
    numbers: list[Any] = [manifest.get("images"), manifest.get("images_each"), *(shape if type(shape) is list else "?")]
    if manifest.get("version") != _VERSION or any(type(x) is not int or x < 0 for x in numbers) or not numbers[1]:
        raise ValueError(f"{folder / MANIFEST} is not a manifest of shards of version {_VERSION}; compress them again.")
    return Plan(numbers[0], numbers[1], tuple(shape))


def file(folder: Path, number: int) -> Path:
    """The file of a shard; ValueError if it is missing, damaged or another one's."""
    path = _path(folder, number)
    if not _is_whole(path, read_plan(folder), number):
        raise ValueError(f"{path} is missing or damaged; compress the images again, which makes what is missing.")
    return path


def files(folder: Path) -> Iterator[Path]:
    """The files of all shards in order, as of `file`."""
    return (file(folder, number) for number in range(read_plan(folder).shards))


def _ends(plan: Plan, number: int) -> tuple[int, int]:
    images = plan.images_of(number)
    return images.start, images.stop


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:05}.rjx"


def _is_whole(path: Path, plan: Plan, number: int) -> bool:
    """Whether a file has right checksums, and as many images of the shape as the plan says."""
    try:
        found = container.read(path.read_bytes(), MAX_BYTES)
        for chunk in range(found.header.num_chunks):
            found.chunk(chunk)
    except (OSError, ValueError):
        return False
    return (found.header.count, found.header.image_shape) == (len(plan.images_of(number)), plan.shape)


def _begin(out: Path, manifest: dict[str, Any]) -> None:
    """Make the folder with its manifest, or find the same one there."""
    require_parent(out)
    # Another part may be about to begin the same folder: hidden files are what it has not renamed yet.
    foreign = not out.is_dir() or any(entry.name != MANIFEST and entry.name[0] != "." for entry in out.iterdir())
    if out.exists() and foreign and not is_shards(out):
        raise ValueError(f"{out} exists and is neither an empty folder nor one of shards; name another.")
    out.mkdir(exist_ok=True)
    text = json.dumps(manifest, indent=2) + "\n"
    write_atomically(out / MANIFEST, lambda part: part.write_bytes(text.encode()), once=True)
    found, wanted = _manifest(out), json.loads(text)
    other = [name for name in {**wanted, **found} if found.get(name) != wanted.get(name)]
    if other:
        raise ValueError(f"{out} holds shards of other {', '.join(other)}; name another folder or remove it.")


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder / MANIFEST} cannot be read ({error}); compress the images again.") from error
    if not isinstance(manifest, dict):
        raise ValueError(f"{folder / MANIFEST} is not a manifest of shards; compress the images again.")
    return manifest


def _digest(source: Source) -> str:
    """SHA-256 (hex) of names, sizes and times of what is coded; its pixels would have to be read twice."""
    whole = hashlib.sha256()
    for name, size, changed in source.entries():
        whole.update(f"{name}\0{size}\0{changed}\n".encode())
    return whole.hexdigest()
