"""Lossless compression of images: arrays to bytes to arrays. The host edge, where errors are raised."""

import math
import operator
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import UInt8

from recjax import chunks, container
from recjax.codecs import bits_back, bits_back_rec, relative_entropy
from recjax.codecs.plan import LEARNED, MAX_CANDIDATES_LOG2, Settings
from recjax.errors import FaultError, FormatError
from recjax.models import model as models
from recjax.models.model import Model

METHODS = ("bb-ans", "bb-ans-rec", "pfr", "orc")

Progress = Callable[[int, int], None]

# (candidates, KL bits per block) by method and partition: what a search of well under a millisecond per block can do.
_DEFAULTS = {
    ("pfr", True): (1 << 16, 8.0),
    ("pfr", False): (1 << 16, 6.0),
    ("orc", True): (1 << 12, 24.0),
    ("orc", False): (1 << 12, 8.0),
}


def compress(
    images: UInt8[np.ndarray, "count height width"],
    model: Model,
    *,
    method: str = "bb-ans",
    partition: bool = True,
    candidates: int | None = None,
    block_bits: float | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> bytes:
    """Images as the bytes of a file, which was decoded and compared before this returns.

    method: "bb-ans", one stream; "bb-ans-rec", one stream whose first bits are images sent by ORC, so that it has no
    initial bits; "pfr" or "orc", each image alone. For all but the first, `partition` searches within bins of equal
    prior mass, `candidates` (a power of two) bounds the search of a block, and `block_bits` is the KL divergence that a
    block of latents holds; by default what suits the method. `seed` names the shared randomness and is in the file.
    What would exceed the images' own size is stored as it is. `progress(done, total)` is called meanwhile; every image
    counts twice, as it is decoded too. ValueError says what is wrong with an argument.
    """
    images = check_images(images, model)
    settings = make_settings(model, method, partition, candidates, block_bits)
    count, raw = len(images), chunks.write_raw(images)
    encoded, verified = _halves(progress, count)
    if count == 0:
        return raw
    try:
        if settings is None:
            data = bits_back.encode(images, model, seed=seed, progress=encoded)[0]
        elif method == bits_back_rec.NAME:
            data = bits_back_rec.encode(images, model, settings, seed=seed, progress=encoded).data
        else:
            data = relative_entropy.encode(images, model, settings, seed=seed, progress=encoded).data
    except FaultError:
        data = raw
    if len(data) > images.size:
        data = min(data, raw, key=len)
    if not _decodes_to(data, images, model, verified):
        warnings.warn(
            f"a file of method {method} did not decode to the {count} images, which were stored raw instead; "
            "please report them",
            stacklevel=2,
        )
        return raw
    return data


def _halves(progress: Progress | None, count: int) -> tuple[Progress | None, Progress | None]:
    """Progress of encoding and of the decoding that follows it, as one task of 2 count images."""
    if progress is None:
        return None, None
    return lambda done, _: progress(done, 2 * count), lambda done, _: progress(count + done, 2 * count)


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
    progress: Progress | None = None,
) -> UInt8[np.ndarray, "..."]:
    """The images [count, *shape] of a file, or image `index` alone, [*shape].

    model: the one that made the file; by default the released one of its digest. FormatError if the file is damaged, of
    another model, or its images would take more than `max_bytes`.
    """
    file = container.read(data, max_bytes)
    header = file.header
    place = None if index is None else file.locate(index)
    if header.method == "raw":
        images = chunks.read_raw(file)
    else:
        model = _model_of(file, model)
        chains = {"bb-ans": bits_back, bits_back_rec.NAME: bits_back_rec}
        if header.method not in chains:
            images = relative_entropy.decode(file, model, index=index, progress=progress)
            return images if index is None else images[0]
        images = chains[header.method].decode(file, model, progress=progress)
    return images if place is None else images[index]


def check_images(images: np.ndarray, model: Model) -> np.ndarray:
    """The images as a contiguous array; ValueError says why the model cannot code them."""
    images = np.asarray(images)
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


def check_settings(
    method: str, partition: bool = True, candidates: int | None = None, block_bits: float | None = None
) -> Settings | None:
    """Settings of relative entropy coding for any model, None for bits-back alone; ValueError says what is wrong."""
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; choose one of {', '.join(METHODS)}.")
    if method == "bb-ans":
        if candidates is not None or block_bits is not None:
            raise ValueError("bb-ans searches nothing; candidates and block_bits belong to the other methods.")
        return None
    # A chain without initial bits starts on images that are sent so.
    search = bits_back_rec.SEARCH if method == bits_back_rec.NAME else method
    default_candidates, default_block_bits = _DEFAULTS[search, bool(partition)]
    candidates = default_candidates if candidates is None else candidates
    block_bits = default_block_bits if block_bits is None else block_bits
    try:
        candidates = operator.index(candidates)
    except TypeError:
        raise ValueError(f"candidates must be a whole number, got {candidates!r}; use int().") from None
    nearest_log2 = min(max(candidates, 1).bit_length() - 1, MAX_CANDIDATES_LOG2)
    if candidates != 1 << nearest_log2:
        raise ValueError(
            f"candidates must be a power of two up to 2^{MAX_CANDIDATES_LOG2}, got {candidates}; "
            f"try {1 << nearest_log2}."
        )
    if not (math.isfinite(block_bits) and 1 / 1024 <= block_bits <= 1024):
        raise ValueError(f"block_bits must lie between 1/1024 and 1024 bits, got {block_bits}.")
    return Settings(search, bool(partition), nearest_log2, round(block_bits * 1024))


def make_settings(
    model: Model, method: str, partition: bool, candidates: int | None, block_bits: float | None
) -> Settings | None:
    """The settings of `check_settings`, with the learned code of indices where the model has one for them."""
    settings = check_settings(method, partition, candidates, block_bits)
    if settings is not None and settings.histogram in model.index_counts:
        return replace(settings, index_code=LEARNED)
    return settings


def _model_of(file: container.File, model: Model | None) -> Model:
    header = file.header
    if header.count == 0:
        raise FormatError("the file declares no images, which are stored raw; it is damaged, fetch it again.")
    digest = header.model_digest.hex()
    if model is None:
        try:
            model = models.find_model(digest)
        except ValueError as error:
            raise FormatError(str(error)) from error
    if not model.digest.startswith(digest):
        raise FormatError(
            f"the file was made with the model of digest {digest}, got {model.name!r} of {model.digest[:16]}; "
            "name the model that made it."
        )
    if header.image_shape != model.image_shape:
        raise FormatError(
            f"the file declares images of shape {header.image_shape} and its model codes {model.image_shape}; "
            "it is damaged, fetch it again."
        )
    return model
