"""Compresses images to a file with any method of the table of methods. JAX is imported only when it is needed."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import UInt8

from recjax.codecs.checks import require_images
from recjax.codecs.default_method import default_method
from recjax.container.methods import chosen_method, options_of


def compress(
    images: UInt8[np.ndarray, "count height width *channels"],
    model: Any = None,
    *,
    method: str | None = None,
    seed: int = 0,
    progress: Callable[[str, int, int | None], None] | None = None,
    **options: Any,
) -> bytes:
    """Compresses images to the bytes of a file, which is decoded again to check it before this returns.

    Args:
        images: The images, with the shape and the pixel values that the model is for.
        model: A model, the name of a released one, or the path of a trained one; None takes the released model that
            suits the images and the method best.
        method: The name of the method. `bb-ans` makes one stream, smallest for many images; with `orc`, each image can
            be decoded alone; `pixel-network` takes pictures of any size; `recjax compress --help` lists all methods.
            None takes `bb-ans` if the model, or a released one for images of this shape, is a variational autoencoder,
            otherwise `pixel-network`.
        seed: The seed of the randomness that encoder and decoder share, in [0, 2^64); it is stored in the file.
        progress: Called with the name of a stage, how much of it is done, and how much it consists of (None if that is
            not known).
        **options: Options of the method: the fields of its dataclass of options, see `recjax.codecs.lossless.options`
            and `recjax.codecs.lossy.options`.

    Returns:
        The bytes of the file.

    Raises:
        ValueError: An argument is wrong, or the model cannot code these images.

    Example:
        >>> import numpy as np
        >>> import recjax
        >>> images = np.zeros((4, 8, 8), np.uint8)
        >>> data = recjax.compress(images, "digits")
        >>> np.array_equal(recjax.decompress(data), images)
        True
    """
    if method is not None:
        chosen_method(method)
    images = require_images(images)
    if method is None:
        method = default_method(images.shape[1:], model)
    row, chosen = chosen_method(method), options_of(method, options)
    coder = row.load_coder()
    if isinstance(model, str | os.PathLike):
        model = coder.load_named_model(os.fspath(model))
    elif model is None:
        model = coder.load_model(None, images, method, chosen)

    def tell(stage: str, done: int, total: int | None, note: str = "", *, steady: bool = True) -> None:
        if progress is not None:
            progress(stage, done, total)

    return coder.compress(images, model, method, chosen, seed=seed, progress=tell).data
