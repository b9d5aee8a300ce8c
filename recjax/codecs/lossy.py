"""Lossy compression of RGB pictures to a wanted size: arrays to bytes to arrays. The host edge, which raises errors."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from recjax.codecs import inr_file
from recjax.codecs.inr import Effort, Facts, psnr
from recjax.codecs.inr_plan import INDEX_CODES, PARTITIONS, SHIFT_ZERO, INRSettings
from recjax.codecs.options import log2_of_candidates
from recjax.container import File
from recjax.errors import FormatError
from recjax.models import inr_model
from recjax.models.inr_model import INRModel

__all__ = ["EFFORTS", "EffortName", "Facts", "compress", "decode", "make_settings", "psnr"]

EffortName = Literal["quick", "normal", "thorough"]

EFFORTS = {"quick": Effort(300, 20), "normal": Effort(1000, 50), "thorough": Effort(4000, 150)}
"""How long an encoder fits; a decoder does the same work always."""

Progress = Callable[[int, int, Facts], None]

_DEFAULTS = {True: (1 << 14, 11.0), False: (1 << 16, 15.8)}
"""Candidates of a block, and bits that fill it: of what bins leave, or of divergence where there are none."""


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
    pictures = check_pictures(pictures, model)
    settings = make_settings(
        model, partition=partition, candidates=candidates, block_bits=block_bits, index_code=index_code
    )
    if isinstance(effort, str):
        if effort not in EFFORTS:
            raise ValueError(f"effort must be one of {', '.join(EFFORTS)}, got {effort!r}.")
        effort = EFFORTS[effort]
    if bits_per_pixel is None:
        settings = replace(settings, prior=len(model.rates) // 2)
    else:
        settings = at_rate(model, settings, bits_per_pixel)
    return inr_file.encode(
        pictures, model, settings, effort, bits_per_pixel=bits_per_pixel, seed=seed, progress=progress
    ).data


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
    (`recjax.codecs.inr_plan.PARTITIONS`). candidates: of a block, a power of two. block_bits: what fills a
    block: of what the bins leave, or without them of divergence. index_code: law of the indices of candidates, "zeta",
    "learned" or "uniform"; by default learned, if the model has it.
    """
    if isinstance(partition, bool):
        partition = "information" if partition else "none"
    if partition not in PARTITIONS:
        raise ValueError(f"partition must be one of {', '.join(PARTITIONS)}, got {partition!r}.")
    default_candidates, default_bits = _DEFAULTS[partition != "none"]
    block_bits = default_bits if block_bits is None else block_bits
    if not (math.isfinite(block_bits) and 1 / 1024 <= block_bits <= 1024):
        raise ValueError(f"block_bits must lie between 1/1024 and 1024 bits, got {block_bits}.")
    candidates_log2 = log2_of_candidates(default_candidates if candidates is None else candidates)
    if index_code is not None and index_code not in INDEX_CODES:
        raise ValueError(f"index_code must be one of {', '.join(INDEX_CODES)}, got {index_code!r}.")
    settings = INRSettings(partition, candidates_log2, round(block_bits * 1024))
    learned = settings.histogram in model.index_counts
    if index_code == "learned" and not learned:
        raise ValueError(f"model {model.name!r} has no histogram {settings.histogram!r}; take index_code 'zeta'.")
    return replace(settings, index_code=INDEX_CODES.index(index_code or ("learned" if learned else "zeta")))


def at_rate(model: INRModel, settings: INRSettings, bits_per_pixel: float) -> INRSettings:
    """The settings for a file at some rate: the nearest prior, and of every latent more bits than trained, or fewer.

    Where the error is the same in all directions, so is the change of all bits (reverse water-filling).
    """
    if not (math.isfinite(bits_per_pixel) and 0 < bits_per_pixel <= 24):
        raise ValueError(f"bits_per_pixel must lie above 0 and up to 24, got {bits_per_pixel}.")
    prior = int(np.argmin(np.abs(np.log(np.asarray(model.rates) / bits_per_pixel))))
    wanted = model.kl_bits[prior, -1].sum() * bits_per_pixel / model.rates[prior]
    kl = np.asarray(model.kl_bits[prior, -1], np.int64)
    kl = kl[kl > 0]
    shifts = np.arange(-SHIFT_ZERO, SHIFT_ZERO + 1, 16)
    reached = np.array([np.maximum(kl + shift, 0).sum() for shift in shifts])
    return replace(settings, prior=prior, shift_q10=int(shifts[np.abs(reached - wanted).argmin()]))


def decode(file: File, model: INRModel | None = None, *, index: int | None = None) -> UInt8[np.ndarray, "..."]:
    """The pictures [picture, height, width, 3] of a file, or picture `index` alone; see `recjax.decompress`."""
    header = file.header
    if header.count == 0:
        raise FormatError("the file declares no pictures, which are stored raw; it is damaged, fetch it again.")
    digest = header.model_digest.hex()
    if model is None:
        try:
            model = inr_model.find_model(digest)
        except ValueError as error:
            raise FormatError(str(error)) from error
    if not model.digest.startswith(digest):
        raise FormatError(
            f"the file was made with the model of digest {digest}, got {model.name!r} of {model.digest[:16]}; "
            "name the model that made it."
        )
    if len(header.image_shape) != 3 or header.image_shape[2] != model.shape.channels:
        raise FormatError(f"the file declares pictures of shape {header.image_shape}, not of RGB; it is damaged.")
    return inr_file.decode(file, model, index=index)


def check_pictures(pictures: np.ndarray, model: INRModel) -> np.ndarray:
    """The pictures as a contiguous array; ValueError says why the model cannot code them."""
    pictures = np.asarray(pictures)
    channels = model.shape.channels
    if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[-1] != channels or not pictures.size:
        raise ValueError(
            f"model {model.name!r} codes uint8 pictures [picture, height, width, {channels}], got {pictures.dtype} "
            f"{pictures.shape}; convert them, or take a lossless method."
        )
    if len(model.spans) == 1 and pictures.shape[1:3] != (model.shape.height, model.shape.width):
        raise ValueError(
            f"model {model.name!r} codes pictures of {model.shape.height}x{model.shape.width}, got "
            f"{pictures.shape[1]}x{pictures.shape[2]}; take one for photos with `recjax models`."
        )
    return np.ascontiguousarray(pictures)
