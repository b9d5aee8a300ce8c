"""Lossless methods as the table of methods calls them; see `recjax.container.coder.Coder`."""

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8

from recjax import compiler
from recjax.codecs.lossless import compression
from recjax.codecs.lossless.options import LosslessOptions
from recjax.codecs.lossless.progress import by_stage
from recjax.codecs.lossless.settings import CHAIN_METHOD
from recjax.codecs.model_place import model_place
from recjax.codecs.sentences import size_of
from recjax.container import file as container
from recjax.container.coder import Compressed, Progress
from recjax.container.file import File
from recjax.errors import FormatError, UsageError
from recjax.models.inr.model import INRModel
from recjax.models.vae.evaluate import Model, list_models
from recjax.models.vae.evaluate import load_model as load_vae
from recjax.pretrained.cards import LOSSY, choose, read_cards
from recjax.text import quoted


def load_model(name: str | None, images: np.ndarray, method: str, options: LosslessOptions) -> Model:
    """Loads the model to encode images with.

    Args:
        name: The name of a released model, or the path of a trained one; None takes the released model of the lowest
            measured rate with the method.
        images: The images, uint8 [count, height, width].
        method: The name of a lossless method.
        options: Not used.

    Returns:
        The model.

    Raises:
        ValueError: There is no such model, or no released model for these images.
    """
    if name is None:
        name = choose(read_cards(), images.shape[1:], int(images.max(initial=0)), method).name
        return load_vae(name)
    return load_named_model(name)


def load_named_model(name: str) -> Model:
    """Loads a model by its name.

    Args:
        name: The name of a released model, or the path of a trained one.

    Returns:
        The model.

    Raises:
        UsageError: The model is one for lossy files.
        ValueError: There is no such model.
    """
    released = list_models()
    place = model_place(name, released)
    if place == name and name not in released and (LOSSY / f"{name}.safetensors").is_file():
        raise UsageError(f"the model {quoted(name)} is of lossy files; add --method inr to use it.")
    return load_vae(place)


def check_images(images: np.ndarray, model: Model) -> None:
    """Checks that a model can code images.

    Args:
        images: The images.
        model: The model.

    Raises:
        ValueError: The model cannot code these images.
    """
    compression.check_images(images, model)


def compress(
    images: UInt8[np.ndarray, "count height width"],
    model: Model,
    method: str,
    options: LosslessOptions,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Compressed:
    """Compresses images to a file, which is decoded and compared with them before this returns.

    Args:
        images: The images, with the shape and the pixel values that the model is for.
        model: The model.
        method: The name of a lossless method.
        options: The options of the method.
        seed: The seed of the randomness that encoder and decoder share.
        progress: Called while the work goes on; None reports nothing.

    Returns:
        The file and what to report about it.

    Raises:
        ValueError: The model cannot code these images, or lacks a learned code that the options ask for.
    """
    # A chain that starts narrow takes as long for each of its first images as for many of its last ones.
    report = None if progress is None else by_stage(progress, steady=method != CHAIN_METHOD)
    data = compression.encode(images, model, method, options, seed=seed, progress=report)
    header = container.read(data, max(images.size, 1)).header
    if header.method == "raw":
        how = "Stored as they are."
    else:
        floats = ", in floats, for research: it decodes here, if at all" if header.fingerprint else ""
        how = f"Coded by {header.method} with the model {quoted(model.name)}{floats}."
    return Compressed(data, f"{size_of(len(images), len(data), images.size)} {how}", {})


@compiler.in_32_bits
def decode(
    file: File,
    model: Model | None = None,
    *,
    index: int | None = None,
    max_bytes: int = 0,
    ignore_fingerprint: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> UInt8[np.ndarray, "..."]:
    """Decodes all images of a file of a lossless method, or one of them.

    Args:
        file: The parsed file.
        model: The model that made it; None takes the released model whose digest the header states.
        index: The number of an image, from 0; None decodes all.
        max_bytes: Not used, as the container has checked the size of the images.
        ignore_fingerprint: Whether to decode a file that was made with float arithmetic even if floats come out
            differently here.
        progress: Called with the number of images decoded and the number of all; None reports nothing.

    Returns:
        The images [count, *shape], or the one image [*shape].

    Raises:
        FormatError: The file is damaged, or was made with another model or in floats that come out differently here.
    """
    if isinstance(model, INRModel):
        raise FormatError(
            f"the file is of method {file.header.method}, which the model {model.name!r} is not for; name another."
        )
    return compression.decode(file, model, index=index, ignore_fingerprint=ignore_fingerprint, progress=progress)
