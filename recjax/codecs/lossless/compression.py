"""Lossless compression of images: arrays to bytes to arrays. The host edge, where errors are raised."""

import warnings
from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8

from recjax import compiler, memory, randomness
from recjax.codecs.arguments import require_model
from recjax.codecs.checks import require_bytes, require_images, require_index
from recjax.codecs.lossless import bits_back, bits_back_rec, fingerprint, relative_entropy
from recjax.codecs.lossless.options import LosslessOptions
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
    """Images as the bytes of a file, which was decoded and compared before this returns.

    method: "bb-ans", one stream; "bb-ans-rec", one stream without initial bits, as it starts on images sent by "orc";
    all others code each image alone, by samples of its latents. "pfr" and "orc" send blocks of latents: `partition`
    searches within bins of equal prior mass, `candidates` (a power of two) bounds the search of a block, and
    `block_bits` is the KL divergence that a block holds, unless `blocks` says how many blocks there may be. "as-star",
    "ad-star", "dad-star" and "gprs" send latents one by one, down a tree of at most `max_depth` branches (dad-star),
    which as-star and gprs code by "arithmetic" or as "raw" bits (`branch_code`). index_code: law of the indices of
    candidates or the depths of paths, "zeta", "delta" (Elias's) or "learned"; and bin_code: of the intervals of bins,
    "uniform" or "learned". Learned ones are in the model; the default is to take them where they are, else zeta and
    uniform. What is left out is what suits the method, and ValueError says what is wrong with an argument.

    arithmetic: of the networks, "exact", in integers; or "float", for research: such a file says how floats come out
    here, and is refused where they come out otherwise, also if one image of it is decoded by its index.

    `seed` names the shared randomness and is in the file. What would exceed the images' own size is stored as it is.
    `progress(done, total)` is called meanwhile; every image counts twice, as it is decoded too.
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
    """Compresses images to the bytes of a file, which is decoded and compared before this returns.

    Args:
        images: The images, with the shape and the values that the model is for.
        model: The model that they are coded with.
        method: The name of a lossless method.
        options: Its options.
        seed: The seed of the randomness that encoder and decoder share.
        progress: Called with the numbers of images that are done, and of all; every image counts twice.

    Returns:
        The bytes of the file; the images as they are where coding would not make them smaller.

    Raises:
        ValueError: The model cannot code such images, or lacks what the options ask for.
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
    encoded, verified = _halves(progress, count)
    if count == 0:
        return raw
    memory.bound()
    try:
        if settings is None:
            data = bits_back.encode(images, model, seed=seed, progress=encoded)[0]
        elif method == CHAIN_METHOD:
            data = bits_back_rec.encode(images, model, settings, seed=seed, progress=encoded).data
        else:
            data = relative_entropy.encode(images, model, settings, seed=seed, progress=encoded).data
    except (FaultError, FormatError):
        # A message that cannot be written, or a file that its own reader would take for a hostile one.
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
    ignore_fingerprint: bool = False,
    progress: Progress | None = None,
) -> UInt8[np.ndarray, "..."]:
    """The images [count, *shape] of a file, or image `index` alone, [*shape].

    model: the one that made the file; by default the released one of its digest. FormatError if the file is damaged, of
    another model, or its images would take more than `max_bytes`; or if it was made in floats, and floats come out
    otherwise here, unless `ignore_fingerprint` asks for what they make of it.
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
    """Decodes the images of a parsed file of a lossless method, or one of them.

    Args:
        file: The parsed file.
        model: The model that made it; None takes the released one of the header's digest.
        index: The number of an image, None for all.
        ignore_fingerprint: Whether a file in floats is decoded wherever it was made.
        progress: Called with the numbers of images that are done, and of all.

    Returns:
        The images [count, *shape], or the one [*shape].

    Raises:
        FormatError: The file is damaged, of another model, or was made in floats that come out otherwise here.
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
    """The images as a contiguous array; ValueError says why the model cannot code them."""
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
