"""Functions that several commands share: reading and decoding files, reports, and progress.

JAX is imported only by what codes images.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from recjax.container.limits import Limits
from recjax.io.inputs import STANDARD, images_file, read_file, read_standard
from recjax.text import complain, quoted, tell

if TYPE_CHECKING:
    import numpy as np

    from recjax.cli.outputs import Output
    from recjax.container.file import File

Progress = Callable[[int, int], None]


def read_container(path: Path, limits: Limits, index: int | None = None) -> "File":
    """Reads and parses a file, and refuses what the container can refuse before JAX is imported.

    Args:
        path: The path of the file; `-` is standard input.
        limits: Limits of decoding.
        index: The number of an image that the file must have; None for none.

    Returns:
        The parsed file.

    Raises:
        ValueError: The file is damaged or too large, is not a regular file, or has no such image.
        OSError: The file cannot be read.
    """
    from recjax.container import file as container

    file = container.read(read_bytes(path, limits.max_bytes), limits.max_bytes)
    if index is not None:
        file.locate(index)
    return file


def decode(file: "File", model_name: str | None, limits: Limits, index: int | None) -> "np.ndarray":
    """Decodes all images of a parsed file, or one of them.

    Args:
        file: The parsed file.
        model_name: The name of a released model, or the path of a trained one; None takes the released model whose
            digest the header states.
        limits: Limits of decoding.
        index: The number of an image, from 0; None decodes all.

    Returns:
        The images [count, *shape], with a count of 1 for one image.

    Raises:
        ValueError: There is no such model, or the file cannot be decoded.
    """
    from recjax.codecs.decompress import decode
    from recjax.container.methods import METHODS

    model = None
    if model_name is not None:
        model = METHODS[file.header.method].load_coder().load_named_model(model_name)
    images = decode(file, index=index, model=model, **limits._asdict())
    return images if index is None else images[None]


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """Reads the bytes of a file.

    Args:
        path: The path of the file; `-` is standard input.
        max_bytes: Largest size of the decoded images, in bytes; larger files than such images can have are refused.

    Returns:
        The bytes.

    Raises:
        ValueError: The file is too large, or is not a regular file.
        OSError: The file cannot be read.
    """
    from recjax.container.file import MAGIC, largest_file

    most = largest_file(max_bytes)
    data = read_standard(most, {MAGIC: "a file of recjax"}) if path == STANDARD else read_file(path, most)
    if data is None:
        name = "standard input" if path == STANDARD else quoted(path)
        raise ValueError(
            f"{name} has more than {most} bytes, too many for images of {max_bytes} bytes; raise --max-bytes."
        )
    return data


def read_source(path: Path) -> "np.ndarray":
    """Reads the images to compress or to compare with.

    Args:
        path: The path of a PNG, a folder of PNGs or an .npy; `-` is a PNG or an .npy on standard input.

    Returns:
        The images, uint8 [count, height, width] or [count, height, width, channels].
    """
    from recjax.images.files import MAX_BYTES, read_images

    # Beside its pixels, a file has a header, and a PNG may hold text.
    with images_file(path, MAX_BYTES + (1 << 20)) as place:
        # Standard input is kept in a temporary file, whose name means nothing to the user.
        return read_images(place, tell=lambda line: complain(line.replace(str(place), quoted(path))))


def shown(value: object) -> str:
    """Formats a fact for a person.

    Args:
        value: A JSON value.

    Returns:
        The text.
    """
    if value is None:
        return "-"
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return "x".join(map(str, value)) if isinstance(value, list) else str(value)


def tell_written(source: Path, output: "Output", count: int, shape: Sequence[int], as_json: bool) -> None:
    """Prints that images have been decoded and written.

    Args:
        source: The file that they are from.
        output: Where they were written to.
        count: The number of images.
        shape: The shape of an image.
        as_json: Whether to print a JSON object instead of a sentence.
    """
    facts = {"file": str(source), "out": str(output.path), "images": count, "image_shape": list(shape)}
    output.tell(f"{quoted(output.path)}: {count:,} image{'s' * (count != 1)}", facts, as_json)


def tell_good(
    path: Path,
    said: str,
    sizes: Mapping[str, object],
    against: Path | None,
    as_json: bool,
    psnr_db: float | None = None,
) -> None:
    """Prints that a file is good.

    Args:
        path: The path of the file.
        said: A sentence about its size.
        sizes: The same as facts by name.
        against: The images that it was compared with; None for none.
        as_json: Whether to print a JSON object instead of a sentence.
        psnr_db: Mean PSNR of a lossy file against these images, in dB; None for others.
    """
    compared = {"against": None if against is None else str(against), "psnr_db": psnr_db}
    tell(f"{quoted(path)} is good: {said}", {"file": str(path), "good": True, **sizes, **compared}, as_json)


@contextmanager
def progress(task: str, *, steady: bool = True) -> Iterator[Progress]:
    """Shows a progress bar of one stage on standard error, where that is a terminal.

    Args:
        task: The name of the stage.
        steady: Whether equal parts of the stage take equal times, so that the remaining time can be estimated.

    Yields:
        A function of how much is done and how much there is.
    """
    from recjax.cli.process.bars import bar

    with bar() as report:
        yield lambda done, total: report(task, done, total, steady=steady)
