"""What the commands share: models by name, files decoded, progress. JAX is imported by what codes images alone."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from recjax.container.limits import Limits
from recjax.errors import UsageError
from recjax.io.inputs import STANDARD, images_file, read_file, read_standard
from recjax.text import complain, quoted, tell

if TYPE_CHECKING:
    import numpy as np

    from recjax.cli.outputs import Output
    from recjax.container.file import Header
    from recjax.models.inr.model import INRModel
    from recjax.models.vae.evaluate import Model

Progress = Callable[[int, int], None]


def load(name: str) -> "Model":
    from recjax.models.vae.evaluate import list_models, load_model
    from recjax.pretrained.cards import LOSSY

    released = list_models()
    if name not in released and (LOSSY / f"{name}.safetensors").is_file() and not Path(name).is_dir():
        raise UsageError(f"the model {quoted(name)} is of lossy files; add --method inr to use it.")
    return load_model(model_place(name, released))


def load_lossy(name: str) -> "INRModel":
    from recjax.models.inr.model import list_models, load_model

    return load_model(model_place(name, list_models()))


def model_place(name: str, released: list[str]) -> str | Path:
    """A released model's name, or the path of a trained one."""
    trained = Path(name) / "model.safetensors"
    # A folder of images may be called like a released model.
    return trained if Path(name).is_dir() and (name not in released or trained.is_file()) else name


def model_for(images: "np.ndarray", method: str, name: str | None) -> "Model":
    """The model of a name; without one the released model that suits images and method best."""
    if name is None:
        from recjax.models.vae.evaluate import load_model
        from recjax.pretrained.cards import choose, read_cards

        return load_model(choose(read_cards(), images.shape[1:], int(images.max(initial=0)), method).name)
    return load(name)


def decode(path: Path, model_name: str | None, limits: Limits, index: int | None) -> "np.ndarray":
    data = read_bytes(path, limits.max_bytes)
    read_header(data, limits, index)
    return decode_bytes(data, model_name, limits, index)


def read_header(data: bytes, limits: Limits, index: int | None) -> "Header":
    """Reads the header of a file; whatever the container can refuse is refused here, before JAX is imported."""
    from recjax.container import file as container

    file = container.read(data, limits.max_bytes)
    if index is not None:
        file.locate(index)
    return file.header


def decode_bytes(data: bytes, model_name: str | None, limits: Limits, index: int | None) -> "np.ndarray":
    """Decodes the images of a file, or one of them."""
    from recjax.codecs.decompress import decompress

    model = None
    if model_name is not None:
        model = (load_lossy if is_lossy(data) else load)(model_name)
    images = decompress(data, index=index, model=model, **limits._asdict())
    return images if index is None else images[None]


def is_lossy(data: bytes) -> bool:
    from recjax.container import file as container

    return container.read(data, sys.maxsize).header.method == "inr"


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


def facts(data: bytes) -> dict[str, object]:
    from recjax.container import chunks
    from recjax.container import file as container
    from recjax.pretrained.cards import name_of

    file = container.read(data, sys.maxsize)
    header = file.header
    bodies = [file.chunk(number) for number in range(header.num_chunks)]
    facts: dict[str, object] = {
        "method": header.method,
        "images": header.count,
        "image_shape": list(header.image_shape),
        "file_bytes": len(data),
        "raw_bytes": header.raw_bytes,
        "bits_per_dimension": bits_per_dimension(len(data), header.raw_bytes),
        "overhead_bytes": len(data) - sum(map(len, bodies)),
        "model": name_of(header.model_digest.hex()),
        "model_digest": header.model_digest.hex(),
        "arithmetic": f"float, of fingerprint {header.fingerprint.hex()}" if header.fingerprint else "exact",
        "format": header.format_version,
        "stream": header.stream_version,
        "seed": header.seed,
        "parameters": dict(header.parameters),
        "chunks": header.num_chunks,
    }
    if facts["model"] is None and header.method != "raw":
        facts["model_note"] = "not released; the file holds the digest of its model, and no name"
    # How many messages a picture has is the model's to know, where it has several levels.
    if "chunk_images" in header.parameters and header.count and header.method != "inr":
        found = [chunks.unpack_messages(body, len(header.images_of(n))) for n, body in enumerate(bodies)]
        lengths = [int(bits) for messages in found for bits in messages.lengths_bits]
        facts["directory_bytes"] = sum(map(len, bodies)) - sum(messages.payload.size for messages in found)
        facts["message_bits"] = {
            "mean": round(sum(lengths) / len(lengths), 2),
            "min": min(lengths),
            "max": max(lengths),
        }
    return facts


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
    """What `rate` says, for JSON."""
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


def rate(count: int, file_bytes: int, raw_bytes: int) -> str:
    per_dimension = f", {8 * file_bytes / raw_bytes:.3f} bits per dimension" if raw_bytes else ""
    return f"{count} image{'s' * (count != 1)}, {file_bytes:,} bytes{per_dimension}."


def coded_with(data: bytes, model: "Model") -> str:
    from recjax.container import file as container

    header = container.read(data, sys.maxsize).header
    if header.method == "raw":
        return "Stored as they are."
    floats = ", in floats, for research: it decodes here, if at all" if header.fingerprint else ""
    return f"Coded by {header.method} with the model {quoted(model.name)}{floats}."


@contextmanager
def progress(task: str, *, steady: bool = True) -> Iterator[Progress]:
    from recjax.cli.process.bars import bar

    with bar() as report:
        yield lambda done, total: report(task, done, total, steady=steady)


@contextmanager
def compressing(method: str) -> Iterator[Progress]:
    from recjax.cli.process.bars import bar, halves

    with bar() as report:
        # A chain that begins narrow takes as long for its first images as for many of its last.
        yield halves(report, steady=method != "bb-ans-rec")
