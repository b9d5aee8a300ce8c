"""Chooses the method for images when the caller names none. Imports no JAX."""

import os
from pathlib import Path
from typing import Any

from recjax.codecs.model_place import model_place
from recjax.pretrained.cards import read_cards, read_pixel_cards

STREAM = "bb-ans"
"""The method for images of a shape that a variational autoencoder is for."""

PICTURES = "pixel-network"
"""The method for all other images."""


def default_method(image_shape: tuple[int, ...], model: Any = None) -> str:
    """Chooses a method by the model if there is one, otherwise by the shape of the images.

    Args:
        image_shape: The shape of an image: (height, width) or (height, width, 3).
        model: A model, the name of a released one, the path of a trained one, or None.

    Returns:
        `bb-ans` for models that are variational autoencoders, and for shapes that a released one of them is for;
        otherwise `pixel-network`.
    """
    if model is None:
        return STREAM if any(card.image_shape == tuple(image_shape) for card in read_cards()) else PICTURES
    if isinstance(model, str | os.PathLike):
        return PICTURES if _names_pixel_network(os.fspath(model)) else STREAM
    return PICTURES if type(model).__name__ == "PixelModel" else STREAM


def _names_pixel_network(name: str) -> bool:
    released = [card.name for card in read_pixel_cards()]
    place = model_place(name, [*released, *(card.name for card in read_cards())])
    if place == name and name in released:
        return True
    if not Path(place).is_file():
        return False
    # NumPy is imported where a model file is read, and not for help.
    from recjax.io import tensor_file

    try:
        return tensor_file.read(place)[1].get("kind") == "pixel network"
    except ValueError:
        # Whoever loads the model says what is wrong with its file.
        return False
