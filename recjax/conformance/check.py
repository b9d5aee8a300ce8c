"""Decodes reference files, which every later version must decode to the same bytes on every machine.

`recjax doctor --conformance` decodes them for a user. When there is a new codec, released model or format version,
`add` writes a file for it; no file is ever changed or removed.
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
    """A reference file.

    Attributes:
        name: The name of the file, without its suffix.
        method: The method in its header.
        model: The name of its model.
        format: Its format version.
        shape: The shape of the decoded images, with their number first.
        sha256: The SHA-256 digest of the decoded pixels in hexadecimal, last index fastest.
    """

    name: str
    method: str
    model: str
    format: int
    shape: tuple[int, ...]
    sha256: str

    @property
    def data(self) -> bytes:
        """The bytes of the file."""
        return (FOLDER / f"{self.name}.rjx").read_bytes()


def references(folder: Path | None = None) -> list[Reference]:
    """Reads the list of reference files in a folder.

    Args:
        folder: The folder; None for recjax's own.

    Returns:
        The reference files, in the order in which they were added.
    """
    rows = json.loads(((folder or FOLDER) / INDEX).read_text(encoding="utf-8"))
    return [Reference(**{**row, "shape": tuple(row["shape"])}) for row in rows]


def digest(images: np.ndarray) -> str:
    """Computes the SHA-256 digest of decoded pixels.

    Args:
        images: The images, uint8.

    Returns:
        The digest in hexadecimal.
    """
    return hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest()


def failure(reference: Reference) -> str:
    """Decodes a reference file on this machine and says what is wrong.

    Args:
        reference: The file.

    Returns:
        A clause on what is wrong; empty if nothing is.
    """
    try:
        images = decompress(reference.data)
    except Exception as error:
        return f"it must decode, and gave {type(error).__name__}: {error}"
    if images.shape != reference.shape or digest(images) != reference.sha256:
        return f"it must decode to {reference.shape} of SHA-256 {reference.sha256[:12]}, and gave other pixels"
    return ""


class Check(NamedTuple):
    """The result of one check of this machine.

    Attributes:
        name: What was checked.
        error: What is wrong; empty if nothing is.
    """

    name: str
    error: str


def checks() -> Iterator[Check]:
    """Decodes all reference files, one after another, and yields the results."""
    models = ""
    for reference in sorted(references(), key=lambda reference: reference.model):
        if reference.model != models:
            # Each model compiles its own programs, which other models cannot use: free their memory.
            jax.clear_caches()
            models = reference.model
        yield Check(reference.name, failure(reference))


def examine(report: Callable[[str], object]) -> bool:
    """Decodes all reference files and reports on each.

    Args:
        report: A function that gets a line for each file.

    Returns:
        Whether all of them decoded correctly.
    """
    return all_pass(checks(), report)


def all_pass(results: Iterable[Check], report: Callable[[str], object]) -> bool:
    """Reports on checks one by one, as they are made.

    Args:
        results: The results of the checks.
        report: A function that gets a line for each check.

    Returns:
        Whether all checks passed.
    """
    good = True
    for name, error in results:
        report(f"{'FAILED' if error else 'ok':7}{name}{f': {error}' if error else ''}")
        good = good and not error
    return good


def add(name: str, model: str, data: bytes, folder: Path) -> Reference:
    """Adds a file to the reference files in a folder.

    Args:
        name: The name of the file, without its suffix.
        model: The name of the released model that it was made with.
        data: The bytes of the file.
        folder: The folder of the reference files.

    Returns:
        The new entry of the list.

    Raises:
        ValueError: There is a reference file of this name already.
    """
    known = references(folder) if (folder / INDEX).exists() else []
    if name in [reference.name for reference in known]:
        raise ValueError(f"the set holds a file {name!r} already, which must not change; take another name.")
    header, images = container.read(data).header, decompress(data)
    new = Reference(name, header.method, model, header.format_version, images.shape, digest(images))
    write_atomically(folder / f"{name}.rjx", lambda part: part.write_bytes(data))
    text = json.dumps([reference._asdict() for reference in (*known, new)], indent=1) + "\n"
    write_atomically(folder / INDEX, lambda part: part.write_text(text, encoding="utf-8"))
    return new
