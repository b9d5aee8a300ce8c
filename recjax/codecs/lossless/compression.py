"""Lossless compression of images with a given model: from arrays to the bytes of a file and back.

Arguments are checked here, and errors are raised here. `recjax.compress` and `recjax.decompress` do the same for any
method and find the model by its name.
"""

import warnings
from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8

from recjax import compiler, memory, randomness
from recjax.codecs.arguments import require_model
from recjax.codecs.checks import require_bytes, require_images, require_index
from recjax.codecs.lossless import fingerprint, relative_entropy
from recjax.codecs.lossless.chains import bits_back, bits_back_rec
from recjax.codecs.lossless.options import LosslessOptions
from recjax.codecs.lossless.progress import counted_twice
from recjax.codecs.lossless.resolve import check_settings, lossless_options, make_settings, resolve
from recjax.codecs.lossless.settings import CHAIN_METHOD
from recjax.codecs.model_lookup import model_of
from recjax.container import chunks
from recjax.container import file as container
from recjax.errors import FaultError, FormatError
from recjax.models.vae import evaluate as models
from recjax.models.vae.evaluate import Model

__all__ = ["check_images", "check_settings", "compress", "decode", "decompress", "encode", "make_settings"]

Progress = Callable[[int, int], None]


@compiler.in_32_bits
def compress(
    images: UInt8[np.ndarray, "count height width"],
    model: Model,
    *,
    method: str = "bb-ans",
    partition: bool = True,
    candidates: int | None = None,
    block_bits: float | None = None,
    blocks: int | None = None,
    max_depth: int | None = None,
    branch_code: str | None = None,
    index_code: str | None = None,
    bin_code: str | None = None,
    arithmetic: str = "exact",
    seed: int = 0,
    progress: Progress | None = None,
) -> bytes:
    """Compresses images to the bytes of a file, which is decoded and compared with them before this returns.

    The methods are "bb-ans", one stream; "bb-ans-rec", one stream without initial bits, as it starts on images sent by
    "orc"; and methods that code each image alone, by samples of its latents. Of these, "pfr" and "orc" send blocks of
    latents by the index of a candidate; "as-star", "ad-star", "dad-star" and "gprs" send latents one by one, by a path
    down a tree of intervals. Options of another method than the one chosen are refused; None leaves an option to the
    method and the model.

    Args:
        images: The images, with the shape and the pixel values that the model is for.
        model: The model, from `recjax.load_model`.
        method: The name of the method.
        partition: Whether blocks are searched within bins of equal prior mass (pfr, orc, bb-ans-rec).
        candidates: Number of candidates of a block, a power of two: the most that pfr examines, and all that orc
            examines.
        block_bits: KL divergence that a block holds, in bits, by training means; not together with `blocks`.
        blocks: Largest number of blocks of an image, in place of `block_bits`.
        max_depth: Depth of the tree (dad-star), 0 to 16; None stands for 10.
        branch_code: Code of the branches of a path (as-star, gprs): "arithmetic" (the default) or "raw" bits, which is
            quicker and makes larger files.
        index_code: Code of the indices of candidates, or of the depths of paths: "zeta", "delta" (Elias's) or
            "learned". None takes the learned one if the model has it, else zeta.
        bin_code: Code of the intervals of bins: "uniform" or "learned". None takes the learned one if the model has it,
            else uniform.
        arithmetic: Arithmetic of the networks: "exact", in integers, or "float", for research. A file in floats states
            a fingerprint of how floats come out here, and is refused where they come out differently; also when one
            image is decoded by its index.
        seed: The seed of the randomness that encoder and decoder share, in [0, 2^64); it is stored in the file.
        progress: Called with the number of images done and the number of all; every image counts twice, once encoded
            and once decoded.

    Returns:
        The bytes of the file. Images that would take more bytes coded than raw are stored raw.

    Raises:
        ValueError: An argument is wrong, the model cannot code these images, or it lacks a learned code that is asked
            for.

    Example:
        >>> import numpy as np
        >>> import recjax
        >>> from recjax.codecs.lossless import compression
        >>> images = np.zeros((4, 8, 8), np.uint8)
        >>> data = compression.compress(images, recjax.load_model("digits"), method="bb-ans", seed=7)
        >>> np.array_equal(compression.decompress(data), images)
        True
    """
    options = lossless_options(
        method, partition=partition, candidates=candidates, block_bits=block_bits, blocks=blocks, max_depth=max_depth,
        branch_code=branch_code, index_code=index_code, bin_code=bin_code, arithmetic=arithmetic,
    )  # fmt: skip
    return encode(images, model, method, options, seed=seed, progress=progress)


@compiler.in_32_bits
def encode(
    images: UInt8[np.ndarray, "count height width"],
    model: Model,
    method: str,
    options: LosslessOptions,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> bytes:
    """Compresses images with a method's dataclass of options; otherwise like `compress`.

    Args:
        images: The images, with the shape and the pixel values that the model is for.
        model: The model.
        method: The name of a lossless method.
        options: The options of the method.
        seed: The seed of the randomness that encoder and decoder share, in [0, 2^64); it is stored in the file.
        progress: Called with the number of images done and the number of all; every image counts twice, once encoded
            and once decoded.

    Returns:
        The bytes of the file. Images that would take more bytes coded than raw are stored raw.

    Raises:
        ValueError: The model cannot code these images, or lacks a learned code that the options ask for.
    """
    model = require_model(model, Model)
    images = check_images(images, model)
    randomness.key(seed)
    settings = resolve(model, method, options)
    if options.arithmetic == "float":
        model = models.in_floats(model)
    elif model.arithmetic == "float":
        raise ValueError(f"model {model.name!r} is in floats; ask for arithmetic 'float', or give the exact model.")
    count, raw = len(images), chunks.write_raw(images)
    encoding, verification = counted_twice(progress, count)
    if count == 0:
        return raw
    memory.bound()
    try:
        if settings is None:
            data = bits_back.encode(images, model, seed=seed, progress=encoding)[0]
        elif method == CHAIN_METHOD:
            data = bits_back_rec.encode(images, model, settings, seed=seed, progress=encoding).data
        else:
            data = relative_entropy.encode(images, model, settings, seed=seed, progress=encoding).data
    except (FaultError, FormatError):
        # The message cannot be written, or the file would exceed a limit of the reader.
        data = raw
    if len(data) > images.size:
        data = min(data, raw, key=len)
    if not _decodes_to(data, images, model, verification):
        warnings.warn(
            f"a file of method {method} did not decode to the {count} images, which were stored raw instead; "
            "please report them",
            stacklevel=2,
        )
        return raw
    return data


def _decodes_to(data: bytes, images: np.ndarray, model: Model, progress: Progress | None) -> bool:
    try:
        return np.array_equal(decompress(data, model=model, max_bytes=images.size, progress=progress), images)
    except FormatError:
        return False


def decompress(
    data: bytes,
    *,
    index: int | None = None,
    model: Model | None = None,
    max_bytes: int = container.MAX_RAW_BYTES,
    ignore_fingerprint: bool = False,
    progress: Progress | None = None,
) -> UInt8[np.ndarray, "..."]:
    """Decompresses all images of a lossless file, or one of them.

    Args:
        data: The bytes of the file.
        index: The number of an image, from 0, or negative to count from the end; None decodes all.
        model: The model that made the file; None takes the released model whose digest the header states.
        max_bytes: Largest size of the decoded images, in bytes; a file with more is refused.
        ignore_fingerprint: Whether to decode a file that was made with float arithmetic even if floats come out
            differently here, in which case the images may be garbage.
        progress: Called with the number of images decoded and the number of all; None reports nothing.

    Returns:
        All images [count, *shape], or the one image [*shape].

    Raises:
        FormatError: The file is damaged, was made with another model or in floats that come out differently here, or
            its images exceed `max_bytes`.
        ValueError: An argument is wrong, or the file has no such image.

    Example:
        >>> import numpy as np
        >>> import recjax
        >>> from recjax.codecs.lossless import compression
        >>> model, images = recjax.load_model("digits"), np.zeros((4, 8, 8), np.uint8)
        >>> compression.decompress(compression.compress(images, model), model=model, index=2).shape
        (8, 8)
    """
    data, index = require_bytes(data), require_index(index)
    file = container.read(data, max_bytes)
    return decode(file, model, index=index, ignore_fingerprint=ignore_fingerprint, progress=progress)


def decode(
    file: container.File,
    model: Model | None = None,
    *,
    index: int | None = None,
    ignore_fingerprint: bool = False,
    progress: Progress | None = None,
) -> UInt8[np.ndarray, "..."]:
    """Decodes all images of a parsed file of a lossless method, or one of them.

    Args:
        file: The parsed file.
        model: The model that made it; None takes the released model whose digest the header states.
        index: The number of an image, from 0, or negative to count from the end; None decodes all.
        ignore_fingerprint: Whether to decode a file that was made with float arithmetic even if floats come out
            differently here.
        progress: Called with the number of images decoded and the number of all; None reports nothing.

    Returns:
        The images [count, *shape], or the one image [*shape].

    Raises:
        FormatError: The file is damaged, or was made with another model or in floats that come out differently here.
        ValueError: The file has no such image, or is exact and the model is in floats.

    Example:
        >>> import numpy as np
        >>> from recjax.codecs.lossless import compression
        >>> from recjax.container import chunks, file
        >>> images = np.arange(128, dtype=np.uint8).reshape(2, 8, 8)
        >>> stored = file.read(chunks.write_raw(images))
        >>> np.array_equal(compression.decode(stored), images)
        True
    """
    model = None if model is None else require_model(model, Model)
    memory.bound()
    header = file.header
    place = None if index is None else file.locate(index)
    if header.method == "raw":
        images = chunks.read_raw(file)
    else:
        chains = {"bb-ans": bits_back, CHAIN_METHOD: bits_back_rec}
        chain = chains.get(header.method)
        batches = chain.batch_sizes(header) if chain else relative_entropy.batch_sizes(header, index)
        model = fingerprint.model_for(header, _model_of(file, model), batches, ignore=ignore_fingerprint)
        if chain is None:
            images = relative_entropy.decode(file, model, index=index, progress=progress)
            return images if index is None else images[0]
        images = chain.decode(file, model, progress=progress)
    return images if place is None else images[index]


def check_images(images: np.ndarray, model: Model) -> np.ndarray:
    """Checks that a model can code images.

    Args:
        images: The images, [count, *shape].
        model: The model.

    Returns:
        The images as a contiguous uint8 array.

    Raises:
        ValueError: They are not uint8 images of the model's shape, or have larger values than it codes.

    Example:
        >>> import numpy as np
        >>> import recjax
        >>> from recjax.codecs.lossless import compression
        >>> compression.check_images(np.zeros((2, 8, 8), np.uint8), recjax.load_model("digits")).shape
        (2, 8, 8)
    """
    images = require_images(images)
    if images.dtype != np.uint8 or images.ndim != 1 + len(model.image_shape) or images.shape[1:] != model.image_shape:
        raise ValueError(
            f"model {model.name!r} codes uint8 images of shape {model.image_shape}, got {images.dtype} "
            f"{images.shape[1:]}; convert them or pick another model with `recjax models`."
        )
    if images.size and images.max() >= model.levels:
        raise ValueError(
            f"model {model.name!r} codes pixel values 0 to {model.levels - 1}, got up to {images.max()}; "
            "rescale them or pick another model with `recjax models`."
        )
    return np.ascontiguousarray(images)


def _model_of(file: container.File, model: Model | None) -> Model:
    header = file.header
    model = model_of(header, model, models.find_model)
    if header.image_shape != model.image_shape:
        raise FormatError(
            f"the file declares images of shape {header.image_shape} and its model codes {model.image_shape}; "
            "it is damaged, fetch it again."
        )
    return model
