"""Outputs of commands, checked before the work begins, so that nobody waits for a result that cannot be written."""

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
    """Describes a place that can be written to.

    Attributes:
        path: The path of a file or of a folder of images; `-` is standard output.
        source: The path of the input; the output is readable by no more users than it is.
        force: Whether an existing output may be replaced.
    """

    path: Path
    source: Path
    force: bool

    def write(self, data: bytes) -> None:
        """Writes a whole file.

        Args:
            data: The bytes.
        """
        if self.path == STANDARD:
            with _standard_output() as stream:
                stream.write(data)
        else:
            with private_as(self.source, self.path.parent):
                write_atomically(self.path, lambda part: part.write_bytes(data), replace=self.force)

    def write_images(self, parts: Iterable["Images"], count: int, shape: tuple[int, ...]) -> None:
        """Writes images that come in parts.

        Standard output gets an .npy; for other places see `recjax.images.output.write_parts`.

        Args:
            parts: Arrays of some images each.
            count: The number of all images.
            shape: The shape of an image.
        """
        from recjax.images.output import write_npy, write_parts

        if self.path == STANDARD:
            with _standard_output() as stream:
                write_npy(stream, parts, count, shape)
        else:
            with private_as(self.source, self.path.parent):
                write_parts(self.path, parts, count, shape, overwrite=self.force)

    def tell(self, line: str, facts: Mapping[str, Any], as_json: bool) -> None:
        """Prints what was written, on standard error if the data go to standard output.

        Args:
            line: A sentence.
            facts: The same by name.
            as_json: Whether to print the facts as a JSON object instead of the sentence.
        """
        tell(line, facts, as_json, sys.stderr if self.path == STANDARD else sys.stdout)


def file_output(path: Path, source: Path, model: str | None, *, force: bool) -> Output:
    """Checks the place of a file that is to be made.

    Args:
        path: The path of the file; `-` is standard output.
        source: The path of the input.
        model: The name or the path of the model that is used; None for none.
        force: Whether an existing file may be replaced.

    Returns:
        The place.

    Raises:
        ValueError: The file is itself an input, lies in a folder that is read, exists already without `force`, or
            cannot be made.
        OSError: Its folder takes no files.
    """
    if path == STANDARD:
        _require_open_standard_output()
    else:
        _require_apart(path, source, model)
        require_file_place(path, replace=force)
    return Output(path, source, force)


def images_output(path: Path, count: int, source: Path, model: str | None, *, force: bool) -> Output:
    """Checks the place of images that are to be written: a PNG, an .npy or a folder.

    Args:
        path: The path; `-` is standard output.
        count: The number of images.
        source: The path of the input.
        model: The name or the path of the model that is used; None for none.
        force: Whether an existing output may be replaced.

    Returns:
        The place.

    Raises:
        ValueError: The output is itself an input, lies in a folder that is read, exists already without `force`, or
            cannot be made.
        OSError: Its folder takes no files.
    """
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
    # A new stream, so that data that cannot be written raise one error, and Python does not try again when it ends.
    return open(sys.stdout.fileno(), "wb", closefd=False)


def _require_apart(path: Path, source: Path, model: str | None) -> None:
    """Raises ValueError if writing to `path` could remove or change an input."""
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


def _same(first: Path, second: Path) -> bool:
    """Tells whether two paths lead to the same existing file or folder."""
    try:
        return os.path.samefile(first, second)
    except OSError:
        return False


def _model_files(name: str | None) -> list[Path]:
    """Lists the paths at which the model of a name may be: a file, a folder of training, or a released one."""
    if name is None:
        return []
    from recjax.pretrained.cards import LOSSY, PRETRAINED

    return [Path(name), Path(name) / "model.safetensors", *(of / f"{name}.safetensors" for of in (PRETRAINED, LOSSY))]


def require_shards_place(path: Path, source: Path, model: str | None) -> None:
    """Checks that shards can be written to a folder.

    Nothing is replaced there: shards that the folder lacks are added to it.

    Args:
        path: The path of the folder.
        source: The path of the images.
        model: The name or the path of the model that is used; None for none.

    Raises:
        UsageError: One of the paths is that of a standard stream.
        ValueError: The folder is itself an input, lies in a folder that is read, or cannot be made.
        OSError: The folder takes no files.
    """
    from recjax.shards.folder import require_place

    if STANDARD in (source, path):
        raise UsageError("shards are made of images that have a name, in a folder that has one; name both.")
    _require_apart(path, source, model)
    with names_errors(path):
        target = require_place(path)
        with part_folder(target) if status(target) is None else part_file(target / "part"):
            pass
