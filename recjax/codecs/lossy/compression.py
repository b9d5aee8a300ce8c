"""Lossy compression of RGB pictures to a wanted size: arrays to bytes to arrays. The host edge, which raises errors."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from recjax import compiler, memory, randomness
from recjax.codecs.arguments import require_model
from recjax.codecs.checks import log2_of_candidates, require_block_bits, require_choice, require_images
from recjax.codecs.lossy import encode as inr
from recjax.codecs.lossy import file as inr_file
from recjax.codecs.lossy import plan as inr_plan
from recjax.codecs.lossy.encode import Effort, Facts
from recjax.codecs.lossy.file import Encoding
from recjax.codecs.lossy.options import require_bits_per_pixel
from recjax.codecs.lossy.plan import INDEX_CODES, PARTITIONS, SHIFT_ZERO, INRSettings
from recjax.codecs.lossy.quality import psnr
from recjax.codecs.model_lookup import model_of
from recjax.container import file as container
from recjax.container.file import File
from recjax.errors import FormatError
from recjax.models.inr import model as inr_model
from recjax.models.inr.fit import WEIGHT_POWER
from recjax.models.inr.model import INRModel

__all__ = ["EFFORTS", "EffortName", "Facts", "compress", "decode", "make_settings", "psnr"]

EffortName = Literal["quick", "normal", "thorough"]

EFFORTS = {"quick": Effort(300, 20), "normal": Effort(1000, 50), "thorough": Effort(4000, 150)}
"""How long an encoder fits; a decoder does the same work always."""

Progress = Callable[[int, int, Facts], None]

MAX_PATCHES = 1 << 14
"""Of a picture, all of which are rendered together."""

_SHIFT_STEP = 16

_DEFAULTS = {True: (1 << 14, 11.0), False: (1 << 16, 15.8)}
"""Candidates of a block, and bits that fill it: of what bins leave, or of divergence where there are none."""


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
    """Pictures as the bytes of a file, which was decoded before this returns.

    bits_per_pixel: of the file, about; by default what the model's middle prior comes to. effort: how long is fitted,
    one of EFFORTS. partition, candidates, block_bits, index_code: how blocks of latents are searched for, see
    `make_settings`. `seed` names the shared randomness and is in the file. `progress(batch, batches, facts)` is called
    meanwhile. ValueError says what is wrong with an argument.
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
    """Compresses pictures as `compress` does, and keeps what their decoder shows.

    Args:
        pictures: The pictures.
        model: The model that they are coded with.
        bits_per_pixel: The rate of the file, about; by default what the model's middle prior comes to.
        effort: How long is fitted, one of EFFORTS.
        partition: Whether blocks are searched within bins of equal prior mass.
        candidates: Candidates of a block, a power of two.
        block_bits: Bits that fill a block; see `make_settings`.
        index_code: The code of the indices of candidates.
        seed: The seed of the randomness that encoder and decoder share.
        progress: Called with a batch, the number of batches, and facts of it.

    Returns:
        The file, and the pixels to which it was decoded.

    Raises:
        ValueError: An argument is wrong, or the model cannot code such pictures.
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
        # A block without bins has a place of constant length, more or less, which is best used.
        chosen = replace(chosen, room_bits=float(settings.candidates_log2), fill=True)
    if bits_per_pixel is None:
        settings = replace(settings, prior=len(model.rates) // 2)
        return inr_file.encode(pictures, model, settings, chosen, seed=seed, progress=progress)
    tall, wide = inr.patches_of(model, *pictures.shape[1:3])
    settings = at_rate(model, settings, bits_per_pixel, *pictures.shape[:3])
    wanted, trained = (
        inr_plan.expected(model, one, tall, wide).divergence_bits for one in (settings, replace(settings, shift_q10=0))
    )
    weight = model.weights[settings.prior] * (wanted / trained) ** WEIGHT_POWER
    return inr_file.encode(
        pictures, model, settings, chosen, weight=weight, divergence_bits=0.0 if chosen.fill else wanted, seed=seed,
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
    """The effort that is asked for; ValueError says what is wrong with an argument of `compress`, for any model."""
    if bits_per_pixel is not None:
        require_bits_per_pixel("bits_per_pixel", bits_per_pixel)
    if not isinstance(partition, bool) and partition not in PARTITIONS:
        raise ValueError(f"partition must be one of {', '.join(PARTITIONS)}, got {partition!r}.")
    if block_bits is not None:
        require_block_bits("block_bits", block_bits)
    require_choice("index_code", index_code, INDEX_CODES)
    if candidates is not None:
        log2_of_candidates(candidates)
    if isinstance(effort, Effort):
        return effort
    if not isinstance(effort, str) or effort not in EFFORTS:
        raise ValueError(f"effort must be one of {', '.join(EFFORTS)}, got {effort!r}.")
    return EFFORTS[effort]


def make_settings(
    model: INRModel,
    *,
    partition: bool | str = True,
    candidates: int | None = None,
    block_bits: float | None = None,
    index_code: str | None = None,
) -> INRSettings:
    """How blocks of latents are sent; ValueError says what is wrong.

    partition: search within bins of equal prior mass; or by name, how their intervals are assigned to latents
    (`recjax.codecs.lossy.plan.PARTITIONS`). candidates: of a block, a power of two. block_bits: what fills a
    block: of what the bins leave, or without them of divergence. index_code: law of the indices of candidates, "zeta",
    "learned" or "uniform"; by default learned, if the model has it.
    """
    check_settings(None, "normal", partition, candidates, block_bits, index_code)
    if isinstance(partition, bool):
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
    """The settings for a file of pictures at some rate: the nearest prior, and of every latent more bits than trained,
    or fewer; ValueError if header and bins alone take more.

    Where the error is the same in all directions, so is the change of all bits (reverse water-filling).
    """
    tall, wide = inr.patches_of(model, height, width)
    overhead = inr_file.overhead_bits(model, pictures, tall, wide)
    wanted = bits_per_pixel * height * width - overhead

    def bits(prior: int, shift: int) -> float:
        return inr_plan.expected(model, replace(settings, prior=prior, shift_q10=shift), tall, wide).code_bits

    trained = np.array([bits(prior, 0) for prior in range(len(model.rates))])
    prior = int(np.abs(np.log(trained / max(wanted, 1.0))).argmin())
    least = bits(prior, -SHIFT_ZERO)
    if wanted < least:
        possible = math.ceil(100 * (least + overhead) / (height * width)) / 100
        raise ValueError(
            f"{bits_per_pixel:g} bits per pixel are too few for {pictures} of {height}x{width} pixels with the model "
            f"{model.name!r}; ask for {possible:g} at least, or put more pictures into a file."
        )
    low, high = -SHIFT_ZERO // _SHIFT_STEP, SHIFT_ZERO // _SHIFT_STEP
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if bits(prior, middle * _SHIFT_STEP) <= wanted else (low, middle)
    return replace(settings, prior=prior, shift_q10=low * _SHIFT_STEP)


def decode(
    file: File,
    model: INRModel | None = None,
    *,
    index: int | None = None,
    max_bytes: int = container.MAX_RAW_BYTES,
    progress: Callable[[int, int], None] | None = None,
) -> UInt8[np.ndarray, "..."]:
    """The pictures [picture, height, width, 3] of a file, or picture `index` alone; see `recjax.decompress`."""
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
    """The pictures as a contiguous array; ValueError says why the model cannot code them."""
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
    """ValueError unless a model codes pictures of a shape [height, width, channels]."""
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
