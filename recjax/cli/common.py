"""What the commands share: models by name, files decoded, progress. JAX is imported by what codes images alone."""

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
    """Reads and parses a file; whatever the container can refuse is refused here, before JAX is imported.

    Args:
        path: The path of the file; `-` is standard input.
        limits: What decoding may take.
        index: The number of an image that the file must have, None for any.

    Returns:
        The parsed file.

    Raises:
        ValueError: There is no such file, it is damaged or too large, or has no such image.
    """
    from recjax.container import file as container

    file = container.read(read_bytes(path, limits.max_bytes), limits.max_bytes)
    if index is not None:
        file.locate(index)
    return file


def decode(file: "File", model_name: str | None, limits: Limits, index: int | None) -> "np.ndarray":
    """Decodes the images of a parsed file, or one of them.

    Args:
        file: The parsed file.
        model_name: A released model or the path of a trained one; None takes the one of the header's digest.
        limits: What decoding may take.
        index: The number of an image, None for all.

    Returns:
        The images [count, *shape], also of one.

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
    """Reads a file, or standard input for `-`; ValueError if it is larger than files of so many bytes of images."""
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
    """Reads the images of a PNG, a folder of PNGs or an .npy; `-` is a PNG or an .npy on standard input."""
    from recjax.images.files import MAX_BYTES, read_images

    # Beside its pixels a file has a header, and a PNG perhaps a text.
    with images_file(path, MAX_BYTES + (1 << 20)) as place:
        # Who sent standard input does not know the temporary file.
        return read_images(place, tell=lambda line: complain(line.replace(str(place), quoted(path))))


def facts(file: "File") -> dict[str, object]:
    """Tells what a parsed file holds, and checks the checksums of its chunks.

    Args:
        file: The parsed file.

    Returns:
        Facts by name, as JSON has them.

    Raises:
        FormatError: A chunk is damaged.
    """
    from recjax.container.methods import METHODS
    from recjax.pretrained.cards import name_of

    header, method = file.header, METHODS[file.header.method]
    bodies = [file.chunk(number) for number in range(header.num_chunks)]
    size = len(file.data)
    facts: dict[str, object] = {
        "method": header.method,
        "images": header.count,
        "image_shape": list(header.image_shape),
        "file_bytes": size,
        "raw_bytes": header.raw_bytes,
        "bits_per_dimension": bits_per_dimension(size, header.raw_bytes),
        "overhead_bytes": size - sum(map(len, bodies)),
        "model": name_of(header.model_digest.hex()),
        "model_digest": header.model_digest.hex(),
        "arithmetic": f"float, of fingerprint {header.fingerprint.hex()}" if header.fingerprint else "exact",
        "format": header.format_version,
        "stream": header.stream_version,
        "seed": header.seed,
        "parameters": dict(header.parameters),
        "chunks": header.num_chunks,
    }
    if facts["model"] is None and method.has_model:
        facts["model_note"] = "not released; the file holds the digest of its model, and no name"
    describe = method.load_describer()
    return facts if describe is None else {**facts, **describe(file)}


def shown(value: object) -> str:
    """A fact for a person."""
    if value is None:
        return "-"
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return "x".join(map(str, value)) if isinstance(value, list) else str(value)


def bits_per_dimension(file_bytes: int, raw_bytes: int) -> float | None:
    return round(8 * file_bytes / raw_bytes, 4) if raw_bytes else None


def size_facts(count: int, file_bytes: int, raw_bytes: int) -> dict[str, object]:
    """The size of a file, for JSON."""
    return {
        "images": count,
        "file_bytes": file_bytes,
        "raw_bytes": raw_bytes,
        "bits_per_dimension": bits_per_dimension(file_bytes, raw_bytes),
    }


def tell_written(source: Path, output: "Output", count: int, shape: Sequence[int], as_json: bool) -> None:
    """Print that images have been decoded."""
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
    """Print that a file is good."""
    compared = {"against": None if against is None else str(against), "psnr_db": psnr_db}
    tell(f"{quoted(path)} is good: {said}", {"file": str(path), "good": True, **sizes, **compared}, as_json)


@contextmanager
def progress(task: str, *, steady: bool = True) -> Iterator[Progress]:
    """Shows a progress bar of one stage on standard error, where that is a terminal.

    Args:
        task: The name of the stage.
        steady: Whether equal parts of it take equal times.

    Yields:
        A function of how much is done, and of all.
    """
    from recjax.cli.process.bars import bar

    with bar() as report:
        yield lambda done, total: report(task, done, total, steady=steady)
