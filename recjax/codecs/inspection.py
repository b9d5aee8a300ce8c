"""Tells what a file holds, and whether it is good. JAX is imported only to decode."""

from typing import Any

import numpy as np
from jaxtyping import UInt8

from recjax.codecs.checks import require_bytes, require_images, require_number
from recjax.codecs.decompress import Progress, decode
from recjax.container import file as container
from recjax.container.file import File
from recjax.container.limits import MAX_RAW_BYTES, MAX_SECONDS
from recjax.container.methods import METHODS
from recjax.pretrained.cards import name_of


def info(data: bytes, *, max_bytes: int = MAX_RAW_BYTES) -> dict[str, object]:
    """Tells what a file holds, and checks the checksums of its chunks, without decoding it.

    Args:
        data: The bytes of the file.
        max_bytes: Largest size of the decoded images, in bytes; a file with more is refused.

    Returns:
        Facts by name, as JSON values: those that `recjax info --json` prints, such as the method, the number and shape
        of the images, the sizes in bytes, the rate in bits per dimension, and the model.

    Raises:
        FormatError: It is not a file of recjax, is damaged, or exceeds the limit.
        ValueError: An argument is wrong.

    Example:
        >>> import numpy as np
        >>> import recjax
        >>> facts = recjax.info(recjax.compress(np.zeros((4, 8, 8), np.uint8), "digits"))
        >>> facts["method"], facts["images"], facts["image_shape"], facts["model"]
        ('bb-ans', 4, [8, 8], 'digits')
    """
    require_number("max_bytes", max_bytes)
    return facts(container.read(require_bytes(data), max_bytes))


def verify(
    data: bytes,
    images: UInt8[np.ndarray, "count height width *channels"] | None = None,
    *,
    model: Any = None,
    max_bytes: int = MAX_RAW_BYTES,
    max_seconds: float = MAX_SECONDS,
    ignore_fingerprint: bool = False,
    progress: Progress | None = None,
) -> dict[str, object]:
    """Decodes a whole file to check that it is good, and compares its images with others where those are given.

    Args:
        data: The bytes of the file.
        images: The images that the file was made of. Those of a lossless file must be equal to them; of those of a
            lossy file, the PSNR is computed. None compares nothing.
        model: The model that made the file, the name of a released one, or the path of a trained one; None takes the
            released model whose digest the header states.
        max_bytes: Largest size of the decoded images, in bytes; a file with more is refused.
        max_seconds: Longest time that decoding may take, in seconds. It is checked between batches of images.
        ignore_fingerprint: Whether to decode a file that was made with float arithmetic even if floats come out
            differently here, in which case the images may be garbage.
        progress: Called with the number of images decoded and the number of all; None reports nothing.

    Returns:
        Facts by name, as JSON values: "images", their number; "file_bytes"; "raw_bytes", the size of the images in
        bytes; "bits_per_dimension"; and "psnr_db", the mean PSNR in dB of a lossy file against `images`, else None.

    Raises:
        FormatError: The file is damaged, was made with another model or in floats that come out differently here, or
            exceeds a limit.
        ValueError: The images are not those of the file, or an argument is wrong.

    Example:
        >>> import numpy as np
        >>> import recjax
        >>> images = np.zeros((4, 8, 8), np.uint8)
        >>> facts = recjax.verify(recjax.compress(images, "digits"), images)
        >>> facts["images"], facts["raw_bytes"], facts["psnr_db"]
        (4, 256, None)
    """
    data = require_bytes(data)
    images = None if images is None else require_images(images)
    require_number("max_bytes", max_bytes)
    file = container.read(data, max_bytes)
    decoded = decode(
        file,
        model=model,
        max_bytes=max_bytes,
        max_seconds=max_seconds,
        ignore_fingerprint=ignore_fingerprint,
        progress=progress,
    )
    psnr_db = None if images is None else compare(file, decoded, images)
    return {**size_facts(len(decoded), len(data), decoded.size), "psnr_db": psnr_db}


def compare(
    file: File,
    decoded: UInt8[np.ndarray, "..."],
    images: UInt8[np.ndarray, "..."],
    names: tuple[str, str] = ("the file", "the array"),
) -> float | None:
    """Compares the images of a file with those that it was made of.

    Args:
        file: The parsed file.
        decoded: All its images.
        images: The images to compare with.
        names: What to call the file and the images to compare with in the sentence of an error.

    Returns:
        The mean PSNR in dB, rounded to 2 digits, of a lossy file; None for a lossless one, whose images are equal.

    Raises:
        ValueError: The images have another shape, or those of a lossless file differ.
    """
    if decoded.shape != images.shape:
        shapes = ["x".join(map(str, one.shape)) for one in (decoded, images)]
        raise ValueError(
            f"{names[0]} holds images of shape {shapes[0]}, and {names[1]} those of {shapes[1]}; name the images that "
            "were compressed."
        )
    if not METHODS[file.header.method].lossless:
        from recjax.codecs.lossy.quality import psnr

        return round(float(psnr(decoded, images).mean()), 2)
    if not np.array_equal(decoded, images):
        raise ValueError(f"the images of {names[0]} are not those of {names[1]}; compress them again.")
    return None


def facts(file: File) -> dict[str, object]:
    """Collects what a parsed file holds, and checks the checksums of its chunks.

    Args:
        file: The parsed file.

    Returns:
        Facts by name, as JSON values.

    Raises:
        FormatError: A chunk is damaged.
    """
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


def bits_per_dimension(file_bytes: int, raw_bytes: int) -> float | None:
    """Computes the rate of a file.

    Args:
        file_bytes: The size of the file, in bytes.
        raw_bytes: The size of its images before compression, in bytes.

    Returns:
        Bits per dimension, rounded to 4 digits; None for a file without images.
    """
    return round(8 * file_bytes / raw_bytes, 4) if raw_bytes else None


def size_facts(count: int, file_bytes: int, raw_bytes: int) -> dict[str, object]:
    """Collects the sizes of a file for JSON.

    Args:
        count: The number of images.
        file_bytes: The size of the file, in bytes.
        raw_bytes: The size of its images before compression, in bytes.

    Returns:
        Facts by name, with the rate in bits per dimension.
    """
    return {
        "images": count,
        "file_bytes": file_bytes,
        "raw_bytes": raw_bytes,
        "bits_per_dimension": bits_per_dimension(file_bytes, raw_bytes),
    }
