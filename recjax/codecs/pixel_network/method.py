"""The pixel network as the table of methods calls it; see `recjax.container.coder.Coder`."""

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8

from recjax.codecs.lossless.progress import by_stage
from recjax.codecs.model_place import model_place
from recjax.codecs.pixel_network import compression
from recjax.codecs.pixel_network.options import PixelOptions
from recjax.codecs.sentences import size_of
from recjax.container import file as container
from recjax.container.coder import Compressed, Progress
from recjax.container.file import File
from recjax.errors import FormatError
from recjax.models.pixel_network.model import PixelModel, list_models
from recjax.models.pixel_network.model import load_model as load_pixel_model
from recjax.pretrained.cards import choose_pixel_network, read_pixel_cards
from recjax.text import quoted


def load_model(name: str | None, images: np.ndarray, method: str, options: PixelOptions) -> PixelModel:
    """Loads the model to encode pictures with.

    Args:
        name: The name of a released model, or the path of a trained one; None takes the released model for pictures of
            this size and as many channels.
        images: The pictures, uint8 [count, height, width] or [count, height, width, 3].
        method: Not used.
        options: Not used.

    Returns:
        The model.

    Raises:
        ValueError: There is no such model, or no released model for these pictures.
    """
    if name is None:
        name = choose_pixel_network(read_pixel_cards(), images.shape[1:]).name
    return load_named_model(name)


def load_named_model(name: str) -> PixelModel:
    """Loads a model by its name.

    Args:
        name: The name of a released model, or the path of a trained one.

    Returns:
        The model.

    Raises:
        ValueError: There is no such model.
    """
    return load_pixel_model(model_place(name, list_models()))


def check_images(images: np.ndarray, model: PixelModel) -> None:
    """Checks that a model can code pictures.

    Args:
        images: The pictures.
        model: The model.

    Raises:
        ValueError: The model cannot code these pictures.
    """
    compression.check_images(images, model)


def compress(
    images: UInt8[np.ndarray, "count height width *channels"],
    model: PixelModel,
    method: str,
    options: PixelOptions,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Compressed:
    """Compresses pictures to a file, which is decoded and compared with them before this returns.

    Args:
        images: The pictures.
        model: The model.
        method: Not used.
        options: The options of the method.
        seed: Stored in the file; no randomness is used.
        progress: Called while the work goes on; None reports nothing.

    Returns:
        The file and what to report about it.

    Raises:
        ValueError: The model cannot code these pictures.
    """
    told = None if progress is None else by_stage(progress)
    if not isinstance(model, PixelModel):
        raise ValueError(f"the model must be a pixel network, got {getattr(model, 'name', model)!r}; name one.")
    data = compression.encode(images, model, seed=seed, progress=told)
    stored = container.read(data, max(images.size, 1)).header.method == "raw"
    how = "Stored as they are." if stored else f"Coded by {method} with the model {quoted(model.name)}."
    return Compressed(data, f"{size_of(len(images), len(data), images.size)} {how}", {})


def decode(
    file: File,
    model: PixelModel | None = None,
    *,
    index: int | None = None,
    max_bytes: int = 0,
    ignore_fingerprint: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> UInt8[np.ndarray, "..."]:
    """Decodes all pictures of a file, or one of them.

    Args:
        file: The parsed file.
        model: The model that made it; None takes the released model whose digest the header states.
        index: The number of a picture, from 0; None decodes all.
        max_bytes: Not used, as the container has checked the size of the pictures.
        ignore_fingerprint: Not used, as decoders of this method compute with integers.
        progress: Called with the number of pictures decoded and the number of all; None reports nothing.

    Returns:
        The pictures [count, *shape], or the one picture [*shape].

    Raises:
        FormatError: The file is damaged, or was made with another model.
    """
    if model is not None and not isinstance(model, PixelModel):
        raise FormatError(
            f"the file is of method {file.header.method}, which the model {model.name!r} is not for; name another."
        )
    return compression.decode(file, model, index=index, progress=progress)
