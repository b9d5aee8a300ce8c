"""Where commands write to: checked before they work, so that nobody waits for an output that cannot be."""

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from recjax.errors import UsageError
from recjax.io.atomic import names_errors, require_file_place, status, write_atomically
from recjax.io.inputs import STANDARD
from recjax.io.part_files import part_file, part_folder
from recjax.io.privacy import private_as
from recjax.text import quoted, tell

if TYPE_CHECKING:
    from recjax.images.files import Images


@dataclass(frozen=True)
class Output:
    """A place that can be written to.

    path: of a file or a folder of images, or `-` for standard output.
    source: what it is made of, and is no more readable than.
    force: what is there may be replaced.
    """

    path: Path
    source: Path
    force: bool

    def write(self, data: bytes) -> None:
        """Writes a whole file."""
        if self.path == STANDARD:
            with _standard_output() as stream:
                stream.write(data)
        else:
            with private_as(self.source, self.path.parent):
                write_atomically(self.path, lambda part: part.write_bytes(data), replace=self.force)

    def write_images(self, parts: Iterable["Images"], count: int, shape: tuple[int, ...]) -> None:
        """Writes images that come in parts: to standard output as an .npy, else as `images.files.write_images` does."""
        from recjax.images.output import write_npy, write_parts

        if self.path == STANDARD:
            with _standard_output() as stream:
                write_npy(stream, parts, count, shape)
        else:
            with private_as(self.source, self.path.parent):
                write_parts(self.path, parts, count, shape, overwrite=self.force)

    def tell(self, line: str, facts: Mapping[str, Any], as_json: bool) -> None:
        """Prints what was written, as `recjax.text.tell`, where it does not get between data."""
        tell(line, facts, as_json, sys.stderr if self.path == STANDARD else sys.stdout)


def file_output(path: Path, source: Path, model: str | None, *, force: bool) -> Output:
    """A file to be made of a source with a model.

    Raises:
        ValueError: it is what is read, lies in a folder that is read, is there without `force`, or cannot be made.
        OSError: its folder takes no files.
    """
    if path == STANDARD:
        _require_open_standard_output()
    else:
        _require_apart(path, source, model)
        require_file_place(path, replace=force)
    return Output(path, source, force)


def images_output(path: Path, count: int, source: Path, model: str | None, *, force: bool) -> Output:
    """So many images to be made of a source with a model: a PNG, an .npy or a folder; raises as `file_output`."""
    from recjax.images.output import require_images_place

    if path == STANDARD:
        _require_open_standard_output()
    else:
        _require_apart(path, source, model)
        require_images_place(path, count, overwrite=force)
    return Output(path, source, force)


def _require_open_standard_output() -> None:
    if sys.stdout is None:
        raise ValueError("standard output is closed; name a file.")
    if sys.stdout.isatty():
        raise ValueError("standard output is a terminal; send it to a file or through a pipe, or name an output.")


def _standard_output() -> BinaryIO:
    sys.stdout.flush()
    # A stream of its own: what cannot be written is told once, and is not tried again when Python ends.
    return open(sys.stdout.fileno(), "wb", closefd=False)


def _require_apart(path: Path, source: Path, model: str | None) -> None:
    """ValueError if writing to `path` could take away or change what is read."""
    _require_no_stream(path)
    if any(_same(path, one) for one in (source, *_model_files(model))):
        raise ValueError(f"{quoted(path)} is what is read; name another output.")
    if source == STANDARD:
        return
    place, origin = Path(os.path.realpath(path)), Path(os.path.realpath(source))
    if source.is_dir() and (
        any(_same(parent, origin) for parent in place.parents) or any(_same(path, one) for one in origin.iterdir())
    ):
        raise ValueError(f"{quoted(path)} belongs to {quoted(source)}, all of which is read; name an output elsewhere.")
    if any(_same(place, parent) for parent in origin.parents):
        raise ValueError(f"{quoted(source)}, which is read, lies in {quoted(path)}; name another output.")


def _require_no_stream(path: Path) -> None:
    if str(path) in ("/dev/stdin", "/dev/stdout", "/dev/stderr") or path.parent == Path("/dev/fd"):
        raise ValueError(f"{quoted(path)} is no file; name - for standard output.")


def _same(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file or folder that is there."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _model_files(name: str | None) -> list[Path]:
    """Where the model of a name may be: a file, a folder of training, or a released one."""
    if name is None:
        return []
    from recjax.pretrained.cards import LOSSY, PRETRAINED

    return [Path(name), Path(name) / "model.safetensors", *(of / f"{name}.safetensors" for of in (PRETRAINED, LOSSY))]


def require_shards_place(path: Path, source: Path, model: str | None) -> None:
    """Makes sure that shards of a source can be written to a folder; raises as `file_output`.

    Nothing is replaced there: what a folder of shards lacks is added to it.
    """
    from recjax.shards.folder import require_place

    if STANDARD in (source, path):
        raise UsageError("shards are made of images that have a name, in a folder that has one; name both.")
    _require_apart(path, source, model)
    with names_errors(path):
        target = require_place(path)
        with part_folder(target) if status(target) is None else part_file(target / "part"):
            pass
