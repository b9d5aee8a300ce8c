"""Finds the model that a file was made with: the one given, or the released one whose digest the header states."""

from collections.abc import Callable
from typing import TypeVar

from recjax.container.file import Header
from recjax.errors import FormatError, UnknownModelError
from recjax.models.inr.model import INRModel
from recjax.models.pixel_network.model import PixelModel
from recjax.models.vae.evaluate import Model
from recjax.pretrained.cards import name_of, released_name, unknown_model

Owner = TypeVar("Owner", Model, INRModel, PixelModel)


def model_of(header: Header, model: Owner | None, find: Callable[[str], Owner]) -> Owner:
    """Returns the model that a file was made with, and checks that it is the right one.

    Args:
        header: The header of the file.
        model: The model that the caller gives; None takes the released one.
        find: Maps the digest in a header to the released model; raises ValueError if that model cannot be loaded.

    Returns:
        The model.

    Raises:
        UnknownModelError: No model is given, and no released one has the digest.
        FormatError: Another model is given, the released one cannot be loaded, or the file declares no images.
    """
    if header.count == 0:
        raise FormatError("the file declares no images, which are stored raw; it is damaged, fetch it again.")
    digest = header.model_digest.hex()
    if model is None:
        if released_name(digest) is None:
            raise UnknownModelError(unknown_model(digest))
        try:
            model = find(digest)
        except ValueError as error:
            raise FormatError(str(error)) from error
    if not model.digest.startswith(digest):
        name = name_of(digest)
        raise FormatError(
            f"the file was made with the model {f'{name} ' if name else ''}of digest {digest}, got {model.name!r} of "
            f"{model.digest[:16]}; give the model that made it."
        )
    return model
