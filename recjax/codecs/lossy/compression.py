"""Lossy compression of RGB pictures to a given rate: from arrays to the bytes of a file and back.

Arguments are checked here, and errors are raised here.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from jaxtyping import UInt8

from recjax import compiler, memory, randomness
from recjax.codecs.arguments import require_model
from recjax.codecs.checks import log2_of_candidates, require_choice, require_images
from recjax.codecs.lossy import encode as inr
from recjax.codecs.lossy import file as inr_file
from recjax.codecs.lossy import plan as inr_plan
from recjax.codecs.lossy.encode import Effort, EncoderProgress
from recjax.codecs.lossy.file import Encoding
from recjax.codecs.lossy.options import LossyOptions, require_bits_per_pixel
from recjax.codecs.lossy.plan import INDEX_CODES, PARTITIONS, SHIFT_ZERO, INRSettings
from recjax.codecs.lossy.quality import psnr
from recjax.codecs.model_lookup import model_of
from recjax.container import file as container
from recjax.container.file import File
from recjax.errors import FormatError
from recjax.models.inr import model as inr_model
from recjax.models.inr.fit import WEIGHT_POWER
from recjax.models.inr.model import INRModel

__all__ = ["EFFORTS", "EffortName", "EncoderProgress", "compress", "decode", "make_settings", "psnr"]

EffortName = Literal["quick", "normal", "thorough"]

EFFORTS = {"quick": Effort(300, 20), "normal": Effort(1000, 50), "thorough": Effort(4000, 150)}
"""How long an encoder fits pictures, by name. Decoding takes the same time whatever the effort."""

Progress = Callable[[int, int, EncoderProgress], None]

MAX_PATCHES = 1 << 14
"""Largest number of patches of a picture, all of which are rendered together."""

_SHIFT_STEP = 16

_DEFAULTS = {True: (1 << 14, 11.0), False: (1 << 16, 15.8)}
"""Number of candidates of a block, and bits that fill it, by whether there is a partition. With one, these are the bits
that the bins do not send; without, they are the KL divergence."""


@compiler.in_32_bits
def compress(
    pictures: UInt8[np.ndarray, "picture height width 3"],
    model: INRModel,
    *,
    bits_per_pixel: float | None = None,
    effort: str | Effort = "normal",
    partition: bool = True,
    candidates: int | None = None,
    block_bits: float | None = None,
    index_code: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> bytes:
    """Compresses pictures to the bytes of a file, which is decoded again to check it before this returns.

    Args:
        pictures: The pictures. Some models take one size only, others pictures of any size.
        model: The model, from `recjax.load_lossy_model`.
        bits_per_pixel: Approximate rate of the file, above 0 and at most 24; None takes that of the model's middle
            prior.
        effort: How long the pictures are fitted: "quick", "normal", "thorough", or an `Effort`. More effort gives
            better pictures at the same rate.
        partition: Whether blocks of latents are searched within bins of equal prior mass, which needs far fewer
            candidates.
        candidates: Number of candidates of a block, a power of two; None takes 2^14, or 2^16 without a partition.
        block_bits: Bits that fill a block; see `make_settings`.
        index_code: Code of the indices of candidates; see `make_settings`.
        seed: The seed of the randomness that encoder and decoder share, in [0, 2^64); it is stored in the file.
        progress: Called with the number of a batch of pictures, the number of batches, and an `EncoderProgress`;
            None reports nothing.

    Returns:
        The bytes of the file, which `recjax.decompress` decodes.

    Raises:
        ValueError: An argument is wrong, or the model cannot code such pictures, or not at such a rate.

    Example:
        >>> import numpy as np
        >>> import recjax
        >>> from recjax.codecs.lossy import compression
        >>> pictures, model = np.zeros((1, 32, 32, 3), np.uint8), recjax.load_lossy_model("cifar10")
        >>> compression.make_settings(model).candidates_log2
        14
        >>> data = recjax.compress_lossy(pictures, model, bits_per_pixel=1.0)  # doctest: +SKIP
    """
    return encode(
        pictures, model, bits_per_pixel=bits_per_pixel, effort=effort, partition=partition, candidates=candidates,
        block_bits=block_bits, index_code=index_code, seed=seed, progress=progress,
    ).data  # fmt: skip


@compiler.in_32_bits
def encode(
    pictures: UInt8[np.ndarray, "picture height width 3"],
    model: INRModel,
    *,
    bits_per_pixel: float | None = None,
    effort: str | Effort = "normal",
    partition: bool = True,
    candidates: int | None = None,
    block_bits: float | None = None,
    index_code: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Encoding:
    """Compresses pictures as `compress` does, and also returns what their decoder shows.

    Args:
        pictures: The pictures. Some models take one size only, others pictures of any size.
        model: The model, from `recjax.load_lossy_model`.
        bits_per_pixel: Approximate rate of the file, above 0 and at most 24; None takes that of the model's middle
            prior.
        effort: How long the pictures are fitted: "quick", "normal", "thorough", or an `Effort`.
        partition: Whether blocks of latents are searched within bins of equal prior mass.
        candidates: Number of candidates of a block, a power of two; None takes 2^14, or 2^16 without a partition.
        block_bits: Bits that fill a block; see `make_settings`.
        index_code: Code of the indices of candidates; see `make_settings`.
        seed: The seed of the randomness that encoder and decoder share, in [0, 2^64); it is stored in the file.
        progress: Called with the number of a batch of pictures, the number of batches, and an `EncoderProgress`;
            None reports nothing.

    Returns:
        The file, and the pixels to which it was decoded.

    Raises:
        ValueError: An argument is wrong, or the model cannot code such pictures, or not at such a rate.
    """
    model = require_model(model, INRModel)
    randomness.key(seed)
    chosen = check_settings(bits_per_pixel, effort, partition, candidates, block_bits, index_code)
    pictures = check_pictures(pictures, model)
    settings = make_settings(
        model, partition=partition, candidates=candidates, block_bits=block_bits, index_code=index_code
    )
    memory.bound()
    if not partition and chosen.room_bits is None:
        # Without bins, the code of a block has about the same length whatever its divergence, so blocks are filled.
        chosen = replace(chosen, room_bits=float(settings.candidates_log2), fill=True)
    if bits_per_pixel is None:
        settings = replace(settings, prior=len(model.rates) // 2)
        return inr_file.encode(pictures, model, settings, chosen, seed=seed, progress=progress)
    tall, wide = inr.patches_of(model, *pictures.shape[1:3])
    settings = at_rate(model, settings, bits_per_pixel, *pictures.shape[:3])
    divergence, trained = (
        inr_plan.expected(model, one, tall, wide).divergence_bits for one in (settings, replace(settings, shift_q10=0))
    )
    weight = model.weights[settings.prior] * (divergence / trained) ** WEIGHT_POWER
    return inr_file.encode(
        pictures, model, settings, chosen, weight=weight, divergence_bits=0.0 if chosen.fill else divergence, seed=seed,
        progress=progress,
    )  # fmt: skip


def check_settings(
    bits_per_pixel: float | None = None,
    effort: str | Effort = "normal",
    partition: bool | str = True,
    candidates: int | None = None,
    block_bits: float | None = None,
    index_code: str | None = None,
) -> Effort:
    """Checks the arguments of `compress` that do not depend on the model, as those of the command line are checked.

    Args:
        bits_per_pixel: Rate of the file, or None.
        effort: The name of an effort, or an `Effort`.
        partition: Whether there is a partition, or one of `recjax.codecs.lossy.plan.PARTITIONS`.
        candidates: Number of candidates of a block, or None.
        block_bits: Bits that fill a block, or None.
        index_code: Code of the indices of candidates, or None.

    Returns:
        The effort, by its name if a name is given.

    Raises:
        ValueError: An argument is wrong.
    """
    if bits_per_pixel is not None:
        require_bits_per_pixel("bits_per_pixel", bits_per_pixel)
    given: dict[str, Any] = {"candidates": candidates, "block_bits": block_bits, "index_code": index_code}
    if isinstance(partition, str):
        require_choice("partition", partition, PARTITIONS)
    else:
        given["partition"] = partition
    if not isinstance(effort, Effort):
        given["effort"] = effort
    chosen = LossyOptions(**given)
    return effort if isinstance(effort, Effort) else EFFORTS[chosen.effort]


def make_settings(
    model: INRModel,
    *,
    partition: bool | str = True,
    candidates: int | None = None,
    block_bits: float | None = None,
    index_code: str | None = None,
) -> INRSettings:
    """Makes the settings by which blocks of latents are sent, for the model's first prior.

    Args:
        model: The model.
        partition: Whether blocks are searched within bins of equal prior mass; or how the numbers of intervals are
            assigned to latents, one of `recjax.codecs.lossy.plan.PARTITIONS`.
        candidates: Number of candidates of a block, a power of two; None takes 2^14, or 2^16 without a partition.
        block_bits: Bits that fill a block: of the KL divergence that the bins do not send or, without bins, of the
            whole divergence, by training means. None takes what the default number of candidates can carry.
        index_code: Code of the indices of candidates: "zeta", "learned" or "uniform". None takes the learned one if the
            model has it, else zeta.

    Returns:
        The settings.

    Raises:
        ValueError: An argument is wrong, or the model lacks the learned code.

    Example:
        >>> import recjax
        >>> from recjax.codecs.lossy.compression import make_settings
        >>> settings = make_settings(recjax.load_lossy_model("cifar10"), candidates=1024, index_code="zeta")
        >>> settings.partition, settings.candidates_log2
        ('information', 10)
    """
    check_settings(None, "normal", partition, candidates, block_bits, index_code)
    if not isinstance(partition, str):
        partition = "information" if partition else "none"
    default_candidates, default_bits = _DEFAULTS[partition != "none"]
    block_bits = default_bits if block_bits is None else block_bits
    candidates_log2 = log2_of_candidates(default_candidates if candidates is None else candidates)
    settings = INRSettings(partition, candidates_log2, round(block_bits * 1024))
    learned = settings.histogram in model.index_counts
    if index_code == "learned" and not learned:
        raise ValueError(f"model {model.name!r} has no histogram {settings.histogram!r}; take index_code 'zeta'.")
    return replace(settings, index_code=INDEX_CODES.index(index_code or ("learned" if learned else "zeta")))


def at_rate(
    model: INRModel, settings: INRSettings, bits_per_pixel: float, pictures: int, height: int, width: int
) -> INRSettings:
    """Chooses the prior and the shift of all divergences with which pictures take a given rate.

    The prior is the one whose trained rate is nearest. Then every latent is given the same number of bits more, or
    fewer, than in training: where the error is equal in all directions, a change of the rate changes the bits of all
    directions alike (reverse water-filling).

    Args:
        model: The model.
        settings: The settings, whose prior and shift are replaced.
        bits_per_pixel: Rate of the file.
        pictures: Number of pictures in the file.
        height: Height of a picture, in pixels.
        width: Width of a picture, in pixels.

    Returns:
        The settings for this rate.

    Raises:
        ValueError: The rate is lower than the least that a shift gives.
    """
    tall, wide = inr.patches_of(model, height, width)
    overhead = inr_file.overhead_bits(model, pictures, tall, wide)
    budget = bits_per_pixel * height * width - overhead

    def bits(prior: int, shift: int) -> float:
        return inr_plan.expected(model, replace(settings, prior=prior, shift_q10=shift), tall, wide).code_bits

    trained = np.array([bits(prior, 0) for prior in range(len(model.rates))])
    prior = int(np.abs(np.log(trained / max(budget, 1.0))).argmin())
    least = bits(prior, -SHIFT_ZERO)
    if budget < least:
        possible = math.ceil(100 * (least + overhead) / (height * width)) / 100
        raise ValueError(
            f"{bits_per_pixel:g} bits per pixel are too few for {pictures} of {height}x{width} pixels with the model "
            f"{model.name!r}; ask for {possible:g} at least, or put more pictures into a file."
        )
    low, high = -SHIFT_ZERO // _SHIFT_STEP, SHIFT_ZERO // _SHIFT_STEP
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if bits(prior, middle * _SHIFT_STEP) <= budget else (low, middle)
    return replace(settings, prior=prior, shift_q10=low * _SHIFT_STEP)


def decode(
    file: File,
    model: INRModel | None = None,
    *,
    index: int | None = None,
    max_bytes: int = container.MAX_RAW_BYTES,
    progress: Callable[[int, int], None] | None = None,
) -> UInt8[np.ndarray, "..."]:
    """Decodes all pictures of a parsed lossy file, or one of them; see `recjax.decompress`.

    Args:
        file: The parsed file.
        model: The model that made it; None takes the released model whose digest the header states.
        index: The number of a picture, from 0; None decodes all.
        max_bytes: Largest number of bytes of pixels that rendering may take; more is refused.
        progress: Called with the number of pictures decoded and the number of all; None reports nothing.

    Returns:
        The pictures, uint8 [picture, height, width, 3]; of one picture, [1, height, width, 3].

    Raises:
        FormatError: The file is damaged, was made with another model, or is too large.
        ValueError: The file has no such picture.
    """
    header = file.header
    model = None if model is None else require_model(model, INRModel)
    model = model_of(header, model, inr_model.find_model)
    try:
        check_shape(header.image_shape, model)
    except ValueError as error:
        raise FormatError(f"{str(error).rstrip('.')}: the file is damaged.") from error
    patches = math.prod(inr.patches_of(model, *header.image_shape[:2]))
    rendered = header.count * patches * model.shape.height * model.shape.width * model.shape.channels
    if rendered > max_bytes:
        raise FormatError(
            f"the pictures of the file take {rendered:,} bytes to render, more than max_bytes, which is {max_bytes:,}; "
            "raise it if you trust the file."
        )
    memory.bound()
    return inr_file.decode(file, model, index=index, progress=progress)


def check_pictures(pictures: np.ndarray, model: INRModel) -> np.ndarray:
    """Checks that a model can code pictures.

    Args:
        pictures: The pictures, [picture, height, width, channel].
        model: The model.

    Returns:
        The pictures as a contiguous uint8 array.

    Raises:
        ValueError: They are not uint8 pictures of the model's channels, there are none, or the model does not take
            their size.
    """
    pictures = require_images(pictures)
    channels = model.shape.channels
    if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[-1] != channels or not pictures.size:
        raise ValueError(
            f"model {model.name!r} codes uint8 pictures [picture, height, width, {channels}], got {pictures.dtype} "
            f"{pictures.shape}; convert them, or take a lossless method."
        )
    check_shape(pictures.shape[1:], model)
    return np.ascontiguousarray(pictures)


def check_shape(shape: tuple[int, ...], model: INRModel) -> None:
    """Checks that a model codes pictures of a shape.

    Args:
        shape: Shape of a picture, (height, width, channels).
        model: The model.

    Raises:
        ValueError: The model takes other channels or another size, or such a picture has too many patches.
    """
    side = (model.shape.height, model.shape.width)
    if len(shape) != 3 or shape[2] != model.shape.channels:
        raise ValueError(f"model {model.name!r} codes pictures [height, width, {model.shape.channels}], got {shape}.")
    if len(model.spans) == 1 and shape[:2] != side:
        raise ValueError(
            f"model {model.name!r} codes pictures of {side[0]}x{side[1]}, got {shape[0]}x{shape[1]}; take one for "
            "photos with `recjax models`."
        )
    if math.prod(inr.patches_of(model, *shape[:2])) > MAX_PATCHES:
        raise ValueError(
            f"a picture may have {MAX_PATCHES:,} patches of {side[0]}x{side[1]}, got {shape[0]}x{shape[1]} pixels; cut "
            "it into pieces."
        )
