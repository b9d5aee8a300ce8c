"""The parts of a trained model that the codec of representations needs, in integers and with a digest.

A decoder renders in these integers. An encoder fits posteriors with floats that are made from them.
"""

import functools
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Int32, UInt8

from recjax.io import tensor_file
from recjax.models import document as documents
from recjax.models.fixed_point import network as exact
from recjax.models.fixed_point.network import ACCUMULATOR_DROPPED_BITS, ExactLayer
from recjax.models.inr import exact as inr_exact
from recjax.models.inr import hierarchy as levels
from recjax.models.inr import network as inr
from recjax.models.inr.exact import UNIT_BITS, VALUE_BITS, WEIGHT_BITS, ExactINR
from recjax.models.inr.mosaic import Mosaic
from recjax.models.inr.network import Affine, INRShape, Shared
from recjax.models.inr.weight_posterior import Gaussian
from recjax.pretrained.cards import LOSSY, read_lossy_cards

FORMAT = 1
"""Version of the file format and of the arithmetic with a model's integers."""
RATIO_BITS = 12
"""Fraction bits of `INRModel.ratios`."""

MAX_LEVELS, MAX_PRIORS = 4, 16
"""Largest numbers of levels and of priors of a model."""
_MAX_LAYERS, _MAX_VALUE_BITS = 64, 30
_MAX_RATIO = 4 << RATIO_BITS
_MAX_SIZE, _MAX_PIXELS, _MAX_SPAN, _MAX_INPUTS = 1 << 13, 1 << 16, 1 << 10, 480


@dataclass(frozen=True, eq=False)
class INRModel:
    """A model of representations: a pytree of integers, with one network and a prior for each of some rates.

    Attributes:
        network: The network, whose latents are in units of the widest prior.
        means: Mean of each prior in these units, with UNIT_BITS fraction bits.
        ratios: Scale of each prior's latents on each level, in these units, with RATIO_BITS fraction bits.
        kl_bits: Mean KL divergence of each latent on the training pictures, in units of 1/1024 bit; latents with 0 are
            never sent.
        index_counts: Histograms of index classes, by the name of the settings that made them, for learned index codes.
        shape: Sizes of the representations.
        spans: Span of each level, in patches (`recjax.models.inr.hierarchy`).
        value_bits: Fraction bits of the encodings and of the outputs of each layer of the upsampler.
        name: Name for people; not part of the digest.
        card: JSON text about the model; not part of the digest. Encoders read from it the weights of the squared error
            in the objectives, and the rates.
    """

    network: ExactINR
    means: Int32[np.ndarray, "prior variable"]
    ratios: Int32[np.ndarray, "prior level variable"]
    kl_bits: Int32[np.ndarray, "prior level variable"]
    index_counts: dict[str, Int32[np.ndarray, "classes"]]
    shape: INRShape = field(metadata={"static": True})
    spans: tuple[int, ...] = field(metadata={"static": True})
    value_bits: tuple[int, ...] = field(metadata={"static": True})
    name: str = field(metadata={"static": True})
    card: str = field(default="{}", metadata={"static": True})

    @property
    def metadata(self) -> dict[str, Any]:
        """The card, parsed."""
        return json.loads(self.card)

    @property
    def weights(self) -> tuple[float, ...]:
        """Weight of the squared error, in nats, in the objective with which each prior was fitted."""
        return tuple(float(prior["weight"]) for prior in self.metadata["priors"])

    @property
    def rates(self) -> tuple[float, ...]:
        """Mean KL divergence of training pictures under each prior, in bits per pixel."""
        return tuple(float(prior["bits_per_pixel"]) for prior in self.metadata["priors"])

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of all that decoding depends on."""
        return tensor_file.digest(tensors_of(self), document_of(self))


jax.tree_util.register_dataclass(INRModel)


class Floats(NamedTuple):
    """The floats with which posteriors are fitted.

    Attributes:
        shared: Maps and upsampler.
        prior: Means and scales of the latents, [variable] for each level.
    """

    shared: Shared
    prior: Gaussian


@jax.jit
def floats(model: INRModel, prior: Int[Array, ""] | int) -> Floats:
    """Makes the float network and one prior of a model, which rendering in integers follows but for roundings.

    Args:
        model: The model.
        prior: Number of the prior.

    Returns:
        The floats; all levels but the last have the prior mean 0.
    """
    network, shape = model.network, model.shape
    last = len(network.maps) - 1
    maps = []
    for number, layer in enumerate(network.maps):
        factor = 1.0 if number == last else 2 * np.pi / inr.W0
        maps.append(_to_floats(layer, UNIT_BITS, WEIGHT_BITS, factor))
    upsampler, bits = [], model.value_bits[0]
    for layer, reached in zip(network.upsampler, model.value_bits[1:], strict=True):
        upsampler.append(_to_floats(layer, bits, reached, 1.0))
        bits = reached
    unit = jnp.exp2(-(network.shift + model.value_bits[0]).astype(jnp.float32))
    layers = sum(shape.latents)
    mean = jnp.concatenate([jnp.zeros(layers), (network.loc * unit).ravel()])
    scale = jnp.concatenate([jnp.ones(layers), (network.scale * unit * 2.0**UNIT_BITS).ravel()])
    ratios = [row * 2.0**-RATIO_BITS for row in jnp.asarray(model.ratios)[prior]]
    mean = mean + scale * (jnp.asarray(model.means)[prior] * 2.0**-UNIT_BITS)
    means = (*(jnp.zeros_like(mean) for _ in ratios[1:]), mean)
    return Floats(Shared(tuple(maps), tuple(upsampler)), Gaussian(means, tuple(ratio * scale for ratio in ratios)))


def _to_floats(layer: ExactLayer, input_bits: int, output_bits: int, factor: float) -> Affine:
    digits = jnp.asarray(layer.weight_high, jnp.float32) * 256 + jnp.asarray(layer.weight_low, jnp.float32)
    weight_bits = layer.shift + output_bits + ACCUMULATOR_DROPPED_BITS - input_bits
    bias_bits = weight_bits + input_bits - ACCUMULATOR_DROPPED_BITS
    kernel = digits * jnp.exp2(-weight_bits.astype(jnp.float32))
    return Affine(factor * kernel, factor * layer.bias * jnp.exp2(-bias_bits.astype(jnp.float32)))


@jax.jit
def render(
    model: INRModel, prior: Int[Array, ""] | int, units: tuple[Int32[Array, "square variable"], ...], whole: Mosaic
) -> UInt8[Array, "patch channel pixel"]:
    """Renders patches of pictures in integers.

    Args:
        model: The model.
        prior: Number of the prior.
        units: Latents of each level in units of the prior, with UNIT_BITS fraction bits.
        whole: The patches, in the order of the result.

    Returns:
        Pixels, 0 to 255; those of padding have no meaning.
    """
    ratios = jnp.asarray(model.ratios)[prior]
    scaled = tuple(ratio * x for ratio, x in zip(ratios, units, strict=True))
    sums = levels.summed(scaled, whole.squares)
    latents = ((sums + (1 << (RATIO_BITS - 1))) >> RATIO_BITS) + jnp.asarray(model.means)[prior]
    return inr_exact.render(model.shape, model.network, latents, whole)


def document_of(model: INRModel) -> dict[str, Any]:
    """Returns all that decoding depends on besides the tensors.

    Args:
        model: The model.

    Returns:
        Values for JSON, by their names in the document of a model file.
    """
    return {
        "kind": "representations",
        "format": FORMAT,
        "shape": json.loads(json.dumps(asdict(model.shape))),
        "spans": list(model.spans),
        "value_bits": list(model.value_bits),
    }


def tensors_of(model: INRModel) -> dict[str, np.ndarray]:
    """Collects every integer array of a model by its name in a file.

    Args:
        model: The model.

    Returns:
        NumPy arrays by name; without the `weight_low` of a layer where all of it is 0.
    """
    network = model.network
    tensors = {"means": model.means, "ratios": model.ratios, "kl_bits": model.kl_bits}
    tensors |= {name: getattr(network, name) for name in ("loc", "scale", "shift")}
    tensors |= {f"index_counts.{name}": array for name, array in model.index_counts.items()}
    for label, layers in (("maps", network.maps), ("upsampler", network.upsampler)):
        for position, layer in enumerate(layers):
            stored = layer._asdict()
            if not np.any(stored["weight_low"]):
                del stored["weight_low"]
            tensors |= {f"{label}.{position}.{name}": array for name, array in stored.items()}
    return {name: np.asarray(array) for name, array in tensors.items()}


def save_model(path: str | Path, model: INRModel) -> None:
    """Writes a model to a safetensors file, which `load_model` reads.

    Args:
        path: Path of the file, which is replaced if it exists.
        model: The model.
    """
    document = {**document_of(model), "name": model.name, "digest": model.digest, "card": model.metadata}
    tensor_file.write(path, tensors_of(model), document)


def with_index_counts(model: INRModel, counts: Mapping[str, np.ndarray]) -> INRModel:
    """Replaces the index histograms of a model, which changes its digest.

    Args:
        model: The model.
        counts: Histograms by name, [classes], with counts of 0 or more.

    Returns:
        The changed model.

    Raises:
        ValueError: A histogram is not of this form.
    """
    changed = replace(model, index_counts={name: np.asarray(array, np.int32) for name, array in counts.items()})
    check(changed)
    return changed


def with_card(model: INRModel, card: Mapping[str, Any]) -> INRModel:
    """Replaces the card of a model, which keeps its digest.

    Args:
        model: The model.
        card: The new card.

    Returns:
        The changed model.
    """
    return replace(model, card=json.dumps(card, sort_keys=True))


def list_models() -> list[str]:
    """Returns the names of the released models, sorted."""
    return sorted(path.stem for path in LOSSY.glob("*.safetensors"))


def load_model(name_or_path: str | Path) -> INRModel:
    """Loads a released model by its name, or a model file by its path.

    Args:
        name_or_path: One of `list_models`, or the path of a file that `save_model` wrote.

    Returns:
        The model; for a released one, the same object each time.

    Raises:
        ValueError: There is no such model, or its file is damaged or not of representations.

    Example:
        >>> from recjax.models.inr.model import list_models, load_model
        >>> "cifar10" in list_models()
        True
        >>> model = load_model("cifar10")
        >>> (model.shape.height, model.shape.width, model.shape.channels), model.means.shape
        ((32, 32, 3), (4, 1248))
    """
    path = documents.path_of(name_or_path)
    if str(name_or_path) in list_models():
        return _load_released(str(name_or_path))
    if not path.is_file():
        raise ValueError(
            f"there is no model of representations {str(name_or_path)!r}; give the path of a model file or one of "
            f"{', '.join(list_models()) or 'none, as none is released'}."
        )
    return _load(path)


def find_model(digest: str) -> INRModel:
    """Finds the released model of a digest.

    Args:
        digest: The hexadecimal digest of a model, or at least its first 8 digits.

    Returns:
        The first released model whose digest begins so.

    Raises:
        ValueError: The digest has fewer than 8 digits, or no released model has it.
    """
    for card in read_lossy_cards() if len(digest) >= 8 else []:
        if card.digest.startswith(digest.lower()):
            return load_model(card.name)
    raise ValueError(f"no released model has the digest {digest}; give the model file that has it.")


@functools.cache
def _load_released(name: str) -> INRModel:
    # Cached, because plans are cached for each model object.
    return _load(LOSSY / f"{name}.safetensors")


def _load(path: Path) -> INRModel:
    tensors, document = tensor_file.read(path)
    if document.get("kind") != "representations" or document.get("format") != FORMAT:
        raise ValueError(f"{path} is not a model of representations of format {FORMAT}; convert or fetch it again.")
    try:
        documents.require_integers(tensors)
        sizes = {name: _tuples(value) for name, value in document["shape"].items()}
        prefix = "index_counts."
        loc, scale, shift = (jnp.asarray(tensors[name]) for name in ("loc", "scale", "shift"))
        network = ExactINR(_layers(tensors, "maps"), loc, scale, shift, _layers(tensors, "upsampler"))
        model = INRModel(
            network,
            tensors["means"],
            tensors["ratios"],
            tensors["kl_bits"],
            {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)},
            INRShape(**sizes),
            _tuples(document["spans"]),
            _tuples(document["value_bits"]),
            documents.check_name(document["name"]),
            json.dumps(documents.card(document), sort_keys=True),
        )
        check(model)
        documents.check_tensors(tensors, tensors_of(model))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"{path} does not hold a usable model ({error}); convert or fetch it again.") from error
    if model.digest != document.get("digest"):
        raise ValueError(f"{path} does not have the digest it states; it is damaged, fetch it again.")
    return model


def _tuples(value: Any, nesting: int = 2) -> Any:
    """Converts short lists of whole numbers, or of such lists, to tuples; raises ValueError for anything else."""
    if isinstance(value, list) and nesting > 0 and len(value) <= _MAX_LAYERS:
        return tuple(_tuples(one, nesting - 1) for one in value)
    if type(value) is not int:
        raise ValueError(
            f"its sizes must be whole numbers, or lists of up to {_MAX_LAYERS} of them, got {documents.shown(value)}"
        )
    return value


def _layers(tensors: dict[str, np.ndarray], label: str) -> tuple[ExactLayer, ...]:
    layers = []
    while f"{label}.{len(layers)}.bias" in tensors:
        prefix = f"{label}.{len(layers)}."
        stored = {name: tensors[prefix + name] for name in ExactLayer._fields if prefix + name in tensors}
        low = np.zeros_like(stored["weight_high"])
        layers.append(ExactLayer(**jax.tree.map(jnp.asarray, {"weight_low": low} | stored)))
    return tuple(layers)


def check(model: INRModel) -> None:
    """Checks that the parts of a model fit together and that none of its sums can leave int32.

    Args:
        model: The model.

    Raises:
        KeyError: The card does not state the priors with their weights and rates.
        ValueError: The parts do not fit together, or a sum can overflow; the message says which.
    """
    shape, network = model.shape, model.network
    _check_sizes(model)
    wide = [(latents, (a + 1) * b) for latents, (a, b) in zip(shape.latents, shape.layers, strict=True)]
    inputs, upsampler = shape.encodings, []
    for outputs, scale in shape.upsampling:
        upsampler.append((9 * inputs, scale * scale * outputs))
        inputs = outputs
    for label, layers, widths in (("map", network.maps, wide), ("upsampler", network.upsampler, upsampler)):
        if [np.shape(layer.weight_high) for layer in layers] != widths:
            raise ValueError(f"the {label}s of model {model.name!r} do not have the sizes of its shape.")
        for layer in layers:
            exact.check(exact.ExactNetwork((layer,)))
    place = (*shape.grid, shape.encodings)
    loc, scale, shift = (np.asarray(x, np.int64) for x in (network.loc, network.scale, network.shift))
    if any(np.asarray(x).dtype != np.int32 for x in (network.loc, network.scale, network.shift)):
        raise ValueError(f"the prior of model {model.name!r} must be of int32.")
    if loc.shape != place or scale.shape != place or shift.shape or not 1 <= shift <= 30:
        raise ValueError(f"model {model.name!r} needs a place and a scale of the prior for each latent encoding.")
    if (np.abs(loc) + np.abs(scale) * exact.LIMIT + (1 << (int(shift) - 1))).max() >= 2**31:
        raise ValueError(f"the prior of model {model.name!r} can overflow int32.")
    size = (len(model.means), len(model.spans), shape.variables)
    arrays = (model.means, model.ratios, model.kl_bits)
    fits = model.ratios.shape == model.kl_bits.shape == size and model.means.shape == (size[0], size[2])
    if not fits or any(array.dtype != np.int32 or array.shape[0] > MAX_PRIORS for array in arrays) or not size[0]:
        raise ValueError(f"model {model.name!r} needs means, ratios and divergences of each latent for each prior.")
    if (model.ratios < 0).any() or (model.kl_bits < 0).any() or (np.abs(model.means) > exact.LIMIT).any():
        raise ValueError(f"model {model.name!r} has ratios or divergences below 0, or means out of bounds.")
    if model.ratios.sum(axis=1, dtype=np.int64).max() > _MAX_RATIO or not 1 <= len(model.spans) <= MAX_LEVELS:
        raise ValueError(f"the levels of model {model.name!r} are too many, or can overflow int32.")
    if model.spans[-1] != 1 or min(model.spans) < 1 or len(model.value_bits) != len(shape.upsampling) + 1:
        raise ValueError(f"the last level of model {model.name!r} must be that of patches.")
    if (
        max(model.value_bits) > _MAX_VALUE_BITS
        or model.value_bits[-1] != VALUE_BITS
        or not model.kl_bits.any(axis=2).all()
    ):
        raise ValueError(f"each level of model {model.name!r} must send something, of at most {_MAX_VALUE_BITS} bits.")
    if any(array.ndim != 1 or not 0 < array.size <= 256 or (array < 0).any() for array in model.index_counts.values()):
        raise ValueError(f"the index histograms of model {model.name!r} must be counts of classes, 0 or more.")
    priors = model.metadata["priors"]
    if any(type(prior[name]) not in (int, float) for prior in priors for name in ("weight", "bits_per_pixel")):
        raise ValueError(f"the card of model {model.name!r} must state weight and rate of each prior as numbers.")
    stated = (*model.weights, *model.rates)
    if len(model.weights) != len(model.means) or not all(math.isfinite(x) and x > 0 for x in stated):
        raise ValueError(f"the card of model {model.name!r} must state weight and rate of each prior, above 0.")


def _check_sizes(model: INRModel) -> None:
    """Checks that sizes are integers, and small enough that a small file cannot cause much work."""
    shape = model.shape
    sizes = [*jax.tree.leaves(asdict(shape)), *model.spans, *model.value_bits]
    if any(type(size) is not int or not 0 <= size <= _MAX_SIZE for size in sizes):
        raise ValueError(f"the sizes of model {model.name!r} must be integers up to {_MAX_SIZE:,}.")
    counts = (shape.height, shape.width, shape.channels, *shape.hidden, *shape.latents, *shape.grid, shape.encodings)
    if min(*counts, *model.spans) < 1 or shape.height * shape.width > _MAX_PIXELS or max(model.spans) > _MAX_SPAN:
        raise ValueError(
            f"the patches or spans of model {model.name!r} are empty, or larger than this library renders."
        )
    if max(inputs for inputs, _ in shape.layers) > _MAX_INPUTS:
        raise ValueError(f"a layer of model {model.name!r} has more than {_MAX_INPUTS} inputs, whose sum can overflow.")
