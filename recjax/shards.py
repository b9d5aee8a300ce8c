"""Many images as a folder of files, one for each run of them (a shard): in bounded memory, and what stopped goes on.

A manifest says what is coded and how; a shard that is there is done, as files appear whole. So several processes may
share the work, each with its own part of the shards.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
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
    """What a folder of shards holds. images_each: of every shard but the last."""

    images: int
    images_each: int

    @property
    def shards(self) -> int:
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
    if images_each < 1:
        raise ValueError(f"a shard holds at least 1 image, got {images_each}; raise it.")
    part, plan = part or Part(), Plan(source.count, images_each)
    _begin(out, {"version": _VERSION, **plan._asdict(), "source": _digest(source), "settings": settings})
    own = range(part.index, plan.shards, part.of)
    missing = [number for number in own if not _is_there(_path(out, number), len(plan.images_of(number)))]
    total = sum(len(plan.images_of(number)) for number in own)
    done = total - sum(len(plan.images_of(number)) for number in missing)
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
    images, each = manifest.get("images"), manifest.get("images_each")
    if manifest.get("version") != _VERSION or not isinstance(images, int) or not isinstance(each, int) or each < 1:
        raise ValueError(f"{folder / MANIFEST} is not a manifest of shards of version {_VERSION}; compress them again.")
    return Plan(images, each)


def files(folder: Path) -> Iterator[Path]:
    """The files of all shards in order; ValueError if one is missing or holds another number of images."""
    plan = read_plan(folder)
    for number in range(plan.shards):
        path = _path(folder, number)
        if not _is_there(path, len(plan.images_of(number))):
            raise ValueError(f"{path} is missing or damaged; run the compression of {folder} again, which adds it.")
        yield path


def _ends(plan: Plan, number: int) -> tuple[int, int]:
    images = plan.images_of(number)
    return images.start, images.stop


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:05}.rjx"


def _is_there(path: Path, count: int) -> bool:
    try:
        return container.read(path.read_bytes(), MAX_BYTES).header.count == count
    except (OSError, ValueError):
        return False


def _begin(out: Path, manifest: dict[str, Any]) -> None:
    """Make the folder with its manifest, or find the same one there."""
    if is_shards(out):
        found = _manifest(out)
        if found != json.loads(json.dumps(manifest)):
            other = [name for name in manifest if found.get(name) != manifest[name]]
            raise ValueError(f"{out} holds shards of other {', '.join(other)}; name another folder or remove it.")
        return
    require_parent(out)
    # Another part may be about to begin the same folder: hidden files are what it has not renamed yet.
    if out.exists() and (not out.is_dir() or any(not entry.name.startswith(".") for entry in out.iterdir())):
        raise ValueError(f"{out} exists and is neither an empty folder nor one of shards; name another.")
    out.mkdir(exist_ok=True)
    text = json.dumps(manifest, indent=2) + "\n"
    write_atomically(out / MANIFEST, lambda file: file.write_text(text, encoding="utf-8"))


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder / MANIFEST} cannot be read ({error}); compress the images again.") from error
    if not isinstance(manifest, dict):
        raise ValueError(f"{folder / MANIFEST} is not a manifest of shards; compress the images again.")
    return manifest


def _digest(source: Source) -> str:
    """SHA-256 (hex) of the names and sizes of what is coded: not of its pixels, which would have to be read twice."""
    whole = hashlib.sha256()
    for name, size in source.entries():
        whole.update(f"{name}\0{size}\n".encode())
    return whole.hexdigest()
