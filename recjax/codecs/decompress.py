"""Files of any method to images."""

import time

import numpy as np
from jaxtyping import UInt8

from recjax import compiler
from recjax.codecs.arguments import require_bytes, require_index, require_known_model, require_number
from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless.compression import Progress
from recjax.codecs.lossy import compression as lossy
from recjax.codecs.lossy import file as inr_file
from recjax.container import file as container
from recjax.container.limits import MAX_RAW_BYTES, MAX_SECONDS
from recjax.errors import FormatError
from recjax.models.inr.model import INRModel
from recjax.models.vae.evaluate import Model


@compiler.in_32_bits
def decompress(
    data: bytes,
    *,
    index: int | None = None,
    model: Model | INRModel | None = None,
    max_bytes: int = MAX_RAW_BYTES,
    max_seconds: float = MAX_SECONDS,
    ignore_fingerprint: bool = False,
    progress: Progress | None = None,
) -> UInt8[np.ndarray, "..."]:
    """The images [count, *shape] of a file, or image `index` alone, [*shape]; of a lossy file, what it holds of them.

    model: the one that made the file; by default the released one of its digest. FormatError if the file is damaged, of
    another model, or its images would take more than `max_bytes`, or their decoding more than `max_seconds` (looked at
    between batches of images); or if it was made in floats elsewhere, see `lossless.decompress`.
    """
    data, index, model = require_bytes(data), require_index(index), require_known_model(model)
    require_number("max_seconds", max_seconds)
    require_number("max_bytes", max_bytes)
    progress = _limited(progress, max_seconds)
    file = container.read(data, max_bytes)
    method = file.header.method
    if model is not None and method != "raw" and isinstance(model, INRModel) != (method == inr_file.METHOD):
        raise FormatError(f"the file is of method {method}, which the model {model.name!r} is not for; name another.")
    if method == inr_file.METHOD:
        assert not isinstance(model, Model)
        images = lossy.decode(file, model, index=index, max_bytes=max_bytes, progress=progress)
        return images if index is None else images[0]
    others = None if isinstance(model, INRModel) else model
    return lossless.decompress(
        data,
        index=index,
        model=others,
        max_bytes=max_bytes,
        ignore_fingerprint=ignore_fingerprint,
        progress=progress,
    )


def _limited(progress: Progress | None, max_seconds: float) -> Progress:
    """Progress that ends what takes too long."""
    end = time.monotonic() + max_seconds

    def report(done: int, total: int) -> None:
        if done < total and time.monotonic() > end:
            raise FormatError(
                f"{done} of {total} images took {max_seconds:g} seconds to decode; raise max_seconds if you trust the "
                "file."
            )
        if progress is not None:
            progress(done, total)

    return report
