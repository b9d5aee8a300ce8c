"""Reference files that every later recjax must decode to the same bytes, on every machine: kept for ever.

`recjax doctor --conformance` decodes them for a user. A file joins the set when a codec, a released model or a format
version is new; `add` writes it, and none is ever changed or taken out.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from recjax.codecs.decompress import decompress
from recjax.container import file as container
from recjax.io.atomic import write_atomically

FOLDER = Path(__file__).resolve().parent / "references"
INDEX = "index.json"


class Reference(NamedTuple):
    """A file of the set. sha256: of the decoded pixels, last index fastest; shape: of them, with the count in front."""

    name: str
    method: str
    model: str
    format: int
    shape: tuple[int, ...]
    sha256: str

    @property
    def data(self) -> bytes:
        """The file's bytes."""
        return (FOLDER / f"{self.name}.rjx").read_bytes()


def references(folder: Path | None = None) -> list[Reference]:
    """The whole set of a folder, by default recjax's own, in the order in which files joined it."""
    rows = json.loads(((folder or FOLDER) / INDEX).read_text(encoding="utf-8"))
    return [Reference(**{**row, "shape": tuple(row["shape"])}) for row in rows]


def digest(images: np.ndarray) -> str:
    """SHA-256 (hex) of decoded pixels."""
    return hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest()


def failure(reference: Reference) -> str:
    """What is wrong with how this machine decodes a file, in a sentence; empty if nothing is."""
    try:
        images = decompress(reference.data)
    except Exception as error:
        return f"it must decode, and gave {type(error).__name__}: {error}"
    if images.shape != reference.shape or digest(images) != reference.sha256:
        return f"it must decode to {reference.shape} of SHA-256 {reference.sha256[:12]}, and gave other pixels"
    return ""


class Check(NamedTuple):
    """What a check of this machine found. error: what is wrong, empty if nothing is."""

    name: str
    error: str


def checks() -> Iterator[Check]:
    """Decode the set, file after file."""
    models = ""
    for reference in sorted(references(), key=lambda reference: reference.model):
        if reference.model != models:
            # Each model compiles its own programs, which are of no use to others.
            jax.clear_caches()
            models = reference.model
        yield Check(reference.name, failure(reference))


def examine(report: Callable[[str], object]) -> bool:
    """Decode the set and report file by file; whether all of it came out right."""
    return all_pass(checks(), report)


def all_pass(found: Iterable[Check], report: Callable[[str], object]) -> bool:
    """Report on checks one by one, as they are made; whether every one passed."""
    good = True
    for name, error in found:
        report(f"{'FAILED' if error else 'ok':7}{name}{f': {error}' if error else ''}")
        good = good and not error
    return good


def add(name: str, model: str, data: bytes, folder: Path) -> Reference:
    """Put a file of a released model into the set of a folder; ValueError if there is one of this name."""
    known = references(folder) if (folder / INDEX).exists() else []
    if name in [reference.name for reference in known]:
        raise ValueError(f"the set holds a file {name!r} already, which must not change; take another name.")
    header, images = container.read(data).header, decompress(data)
    new = Reference(name, header.method, model, header.format_version, images.shape, digest(images))
    write_atomically(folder / f"{name}.rjx", lambda part: part.write_bytes(data))
    text = json.dumps([reference._asdict() for reference in (*known, new)], indent=1) + "\n"
    write_atomically(folder / INDEX, lambda part: part.write_text(text, encoding="utf-8"))
    return new
