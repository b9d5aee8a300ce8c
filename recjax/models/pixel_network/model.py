"""A pixel network as a file: its integers, its digest and its card."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from recjax.io import tensor_file
from recjax.models import document as documents
from recjax.models.fixed_point import network as fixed_point
from recjax.models.fixed_point.network import ExactLayer, ExactNetwork
from recjax.models.pixel_network.context import num_inputs
from recjax.models.pixel_network.exact import ExactChannel, PreparedChannel, prepare
from recjax.models.pixel_network.mixture import COMPONENTS
from recjax.pretrained.cards import PIXEL_NETWORKS, read_pixel_cards

FORMAT = 1
"""Version of the file format and of the arithmetic with a model's integers."""

KIND = "pixel network"
_CHANNELS = (1, 3)
_MAX_LAYERS, _MAX_UNITS = 4, 480


@dataclass(frozen=True, eq=False)
class PixelModel:
    """A causal network that predicts each pixel of a picture: a pytree of integers.

    Attributes:
        channels: The network of each channel, in the order of coding.
        name: The name for people; not part of the digest.
        card: JSON text about the model; not part of the digest.
    """

    channels: tuple[ExactChannel, ...]
    name: str = field(metadata={"static": True})
    card: str = field(default="{}", metadata={"static": True})

    @property
    def metadata(self) -> dict[str, Any]:
        """The card, parsed."""
        return json.loads(self.card)

    @functools.cached_property
    def networks(self) -> tuple[PreparedChannel, ...]:
        """The networks in the form that codecs evaluate."""
        return tuple(map(prepare, self.channels))

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of all that decoding depends on."""
        return tensor_file.digest(tensors_of(self), document_of(self))


jax.tree_util.register_dataclass(PixelModel)


def document_of(model: PixelModel) -> dict[str, Any]:
    """Returns all that decoding depends on besides the tensors.

    Args:
        model: The model.

    Returns:
        Values for JSON, by their names in the document of a model file.
    """
    return {"kind": KIND, "format": FORMAT, "channels": len(model.channels)}


def tensors_of(model: PixelModel) -> dict[str, np.ndarray]:
    """Collects every integer array of a model by its name in a file.

    Args:
        model: The model.

    Returns:
        NumPy arrays by name; without the `weight_low` of a layer where all of it is 0.
    """
    tensors = {}
    for number, channel in enumerate(model.channels):
        named = {f"layers.{position}": layer for position, layer in enumerate(channel.network.layers)}
        for label, layer in (named | {"skip": channel.skip}).items():
            stored = layer._asdict()
            if not np.any(stored["weight_low"]):
                del stored["weight_low"]
            tensors |= {f"{number}.{label}.{name}": np.asarray(array) for name, array in stored.items()}
    return tensors


def save_model(path: str | Path, model: PixelModel) -> None:
    """Writes a model to a safetensors file, which `load_model` reads.

    Args:
        path: The path of the file, which is replaced if it exists.
        model: The model.
    """
    document = {**document_of(model), "name": model.name, "digest": model.digest, "card": model.metadata}
    tensor_file.write(path, tensors_of(model), document)


def with_card(model: PixelModel, card: Mapping[str, Any]) -> PixelModel:
    """Replaces the card of a model, which keeps its digest.

    Args:
        model: The model.
        card: The new card.

    Returns:
        The changed model.
    """
    return replace(model, card=json.dumps(card, sort_keys=True))


def list_models() -> list[str]:
    """Returns the names of the released pixel networks, sorted."""
    return sorted(path.stem for path in PIXEL_NETWORKS.glob("*.safetensors"))


def load_model(name_or_path: str | Path) -> PixelModel:
    """Loads a released pixel network by its name, or a model file by its path.

    Args:
        name_or_path: One of `list_models`, or the path of a file that `save_model` wrote.

    Returns:
        The model; for a released one, the same object each time.

    Raises:
        ValueError: There is no such model, or its file is damaged or not of a pixel network.
    """
    path = documents.path_of(name_or_path)
    if str(name_or_path) in list_models():
        return _load_released(str(name_or_path))
    if not path.is_file():
        raise ValueError(
            f"there is no pixel network {str(name_or_path)!r}; give the path of a model file or one of "
            f"{', '.join(list_models()) or 'none, as none is released'}."
        )
    return _load(path)


def find_model(digest: str) -> PixelModel:
    """Finds the released pixel network of a digest.

    Args:
        digest: The hexadecimal digest of a model, or at least its first 8 digits.

    Returns:
        The first released model whose digest begins so.

    Raises:
        ValueError: The digest has fewer than 8 digits, or no released model has it.
    """
    for card in read_pixel_cards() if len(digest) >= 8 else []:
        if card.digest.startswith(digest.lower()):
            return load_model(card.name)
    raise ValueError(f"no released pixel network has the digest {digest}; give the model file that has it.")


def check(model: PixelModel) -> None:
    """Checks that the parts of a model fit together and that none of its sums can leave int32.

    Args:
        model: The model.

    Raises:
        ValueError: The parts do not fit together, or a sum can overflow; the message says which.
    """
    count = len(model.channels)
    if count not in _CHANNELS:
        raise ValueError(f"a pixel network has {' or '.join(map(str, _CHANNELS))} channels, got {count}")
    for number, channel in enumerate(model.channels):
        layers = channel.network.layers
        if not 2 <= len(layers) <= _MAX_LAYERS or max(layer.bias.size for layer in layers) > _MAX_UNITS:
            raise ValueError(f"its layers must be 2 to {_MAX_LAYERS} of at most {_MAX_UNITS} units")
        fixed_point.check(channel.network)
        fixed_point.check(ExactNetwork((channel.skip,)))
        ends = (num_inputs(count, number), 3 * COMPONENTS)
        widths = (layers[0].weight_high.shape[0], layers[-1].bias.size)
        if widths != ends or channel.skip.weight_high.shape != ends:
            raise ValueError(f"the network of channel {number} must have {ends[0]} inputs and {ends[1]} outputs")


@functools.cache
def _load_released(name: str) -> PixelModel:
    return _load(PIXEL_NETWORKS / f"{name}.safetensors")


def _load(path: Path) -> PixelModel:
    tensors, document = tensor_file.read(path)
    if document.get("kind") != KIND or document.get("format") != FORMAT:
        raise ValueError(f"{path} is not a {KIND} of format {FORMAT}; name another, or train one.")
    try:
        documents.require_integers(tensors)
        count = documents.whole(document, "channels", 1, max(_CHANNELS))
        channels = tuple(_channel(tensors, number) for number in range(count))
        name, card = documents.check_name(document["name"]), json.dumps(documents.card(document), sort_keys=True)
        model = PixelModel(channels, name, card)
        check(model)
        documents.check_tensors(tensors, tensors_of(model))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"{path} does not hold a usable model ({error}); convert or fetch it again.") from error
    if model.digest != document.get("digest"):
        raise ValueError(f"{path} does not have the digest it states; it is damaged, fetch it again.")
    return model


def _channel(tensors: Mapping[str, np.ndarray], number: int) -> ExactChannel:
    layers: list[ExactLayer] = []
    while len(layers) <= _MAX_LAYERS and f"{number}.layers.{len(layers)}.bias" in tensors:
        layers.append(_layer(tensors, f"{number}.layers.{len(layers)}."))
    return ExactChannel(ExactNetwork(tuple(layers)), _layer(tensors, f"{number}.skip."))


def _layer(tensors: Mapping[str, np.ndarray], prefix: str) -> ExactLayer:
    stored: Any = {name: tensors[prefix + name] for name in ExactLayer._fields if prefix + name in tensors}
    return ExactLayer(**{"weight_low": np.zeros_like(stored["weight_high"])} | stored)
