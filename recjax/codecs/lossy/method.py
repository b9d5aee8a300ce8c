"""The lossy method as the table of methods calls it; see `recjax.container.coder.Coder`."""

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8

from recjax import compiler
from recjax.codecs.lossy import compression
from recjax.codecs.lossy.options import LossyOptions
from recjax.codecs.lossy.progress import tell
from recjax.codecs.lossy.quality import psnr
from recjax.codecs.model_place import model_place
from recjax.container.coder import Compressed, Progress
from recjax.container.file import File
from recjax.errors import FormatError
from recjax.models.inr import model as inr_model
from recjax.models.inr.model import INRModel
from recjax.models.vae.evaluate import Model
from recjax.pretrained.cards import choose_lossy, read_lossy_cards
from recjax.text import quoted


def load_model(name: str | None, images: np.ndarray, method: str, options: LossyOptions) -> INRModel:
    """Loads the model to encode pictures with.

    Args:
        name: The name of a released model, or the path of a trained one; None takes the released model that suits the
            shape and the rate.
        images: The pictures, uint8 [count, height, width, 3].
        method: Not used.
        options: The options of the method.

    Returns:
        The model.

    Raises:
        ValueError: There is no such model, or no released model for these pictures.
    """
    if name is None:
        name = choose_lossy(read_lossy_cards(), images.shape[1:], options.bpp).name
    return load_named_model(name)


def load_named_model(name: str) -> INRModel:
    """Loads a model by its name.

    Args:
        name: The name of a released model, or the path of a trained one.

    Returns:
        The model.

    Raises:
        ValueError: There is no such model.
    """
    return inr_model.load_model(model_place(name, inr_model.list_models()))


def check_images(images: np.ndarray, model: INRModel) -> None:
    """Checks that a model can code pictures.

    Args:
        images: The pictures.
        model: The model.

    Raises:
        ValueError: The model cannot code these pictures.
    """
    compression.check_pictures(images, model)


def compress(
    images: UInt8[np.ndarray, "count height width 3"],
    model: INRModel,
    method: str,
    options: LossyOptions,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Compressed:
    """Compresses pictures to a file, which is decoded again to check it before this returns.

    Args:
        images: The pictures.
        model: The model.
        method: The name of the method, for the report.
        options: The options of the method.
        seed: The seed of the randomness that encoder and decoder share.
        progress: Called while the work goes on; None reports nothing.

    Returns:
        The file and what to report about it, with the rate in bits per pixel and the mean PSNR in dB.

    Raises:
        ValueError: The model cannot code such pictures, or not at such a rate.
    """
    encoding = compression.encode(
        images,
        model,
        bits_per_pixel=options.bpp,
        effort=options.effort,
        partition=bool(options.partition),
        candidates=options.candidates,
        block_bits=options.block_bits,
        index_code=options.index_code,
        seed=seed,
        progress=None if progress is None else tell(progress, images.shape),
    )
    quality = float(psnr(encoding.pixels, images).mean())
    count, size = len(images), len(encoding.data)
    rate = 8 * size / (count * images.shape[1] * images.shape[2])
    sentence = (
        f"{count} picture{'s' * (count != 1)}, {size:,} bytes, {rate:.3f} bits per pixel, {quality:.2f} dB. Coded by "
        f"{method} with the model {quoted(model.name)}."
    )
    return Compressed(encoding.data, sentence, {"bits_per_pixel": round(rate, 4), "psnr_db": round(quality, 2)})


@compiler.in_32_bits
def decode(
    file: File,
    model: INRModel | None = None,
    *,
    index: int | None = None,
    max_bytes: int,
    ignore_fingerprint: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> UInt8[np.ndarray, "..."]:
    """Decodes all pictures of a lossy file, or one of them.

    Args:
        file: The parsed file.
        model: The model that made it; None takes the released model whose digest the header states.
        index: The number of a picture, from 0; None decodes all.
        max_bytes: Largest number of bytes of pixels that rendering may take; more is refused.
        ignore_fingerprint: Not used, as decoders of this method compute with integers.
        progress: Called with the number of pictures decoded and the number of all; None reports nothing.

    Returns:
        The pictures [count, height, width, 3], or the one picture [height, width, 3].

    Raises:
        FormatError: The file is damaged, was made with another model, or is too large.
    """
    if isinstance(model, Model):
        raise FormatError(
            f"the file is of method {file.header.method}, which the model {model.name!r} is not for; name another."
        )
    images = compression.decode(file, model, index=index, max_bytes=max_bytes, progress=progress)
    return images if index is None else images[0]
