"""What a codec needs of a trained VAE, as one pytree of integers with a digest.

The digest names exactly the parts that decoding depends on; a file stores it, so that it is never decoded with another
model.
"""

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int32

from recjax.models import context, exact
from recjax.models.likelihoods import Likelihood, make_likelihood

KL_UNIT = 1024
"""kl_bits are in units of 1/1024 bits."""

MAX_CONTEXT_RADIUS = 4

FORMAT = 1
"""Version of the file format and of the arithmetic that a model's integers mean."""


@dataclass(frozen=True, eq=False)
class Model:
    """A released VAE; a pytree whose leaves are integers, made by `make_model` or `load_model`.

    inference: pixels shifted left by pixel_fraction_bits -> means in units of 2^-12, then log2 scales in 2^-8.
    generative: latents in units of 2^-12 -> likelihood parameters in units of 2^-8 nats, pixel by pixel; or features of
        each pixel in units of 2^-11, where there is a head.
    head: None, or features and context of a pixel in units of 2^-11 -> likelihood parameters in units of 2^-8 nats.
    kl_bits: mean KL divergence of each latent on the training set, in units of 1/1024 bits.
    intervals: intervals per latent for space partitioning, chosen from kl_bits.
    index_counts: histograms of codes on the training set, by name, for learned index codes.
    name: what a person calls it; not part of the digest.
    image_shape, levels: images are arrays of this shape with values 0 to levels - 1.
    context_radius: how far the head sees, see `recjax.coding.wavefront`; 0 without one.
    card: JSON text for people (training configuration, measured rates); not part of the digest.
    """

    inference: exact.ExactNetwork
    generative: exact.ExactNetwork
    head: exact.ExactNetwork | None
    kl_bits: Int32[np.ndarray, "latents"]
    intervals: Int32[np.ndarray, "latents"]
    index_counts: dict[str, Int32[np.ndarray, "classes"]]
    name: str
    image_shape: tuple[int, ...]
    levels: int
    context_radius: int
    likelihood_name: str
    card: str

    @property
    def pixels(self) -> int:
        """Symbols per image."""
        return prod(self.image_shape)

    @property
    def latents(self) -> int:
        return len(self.kl_bits)

    @property
    def likelihood(self) -> Likelihood:
        return make_likelihood(self.likelihood_name, self.levels)

    @property
    def metadata(self) -> dict[str, Any]:
        """The card, parsed."""
        return json.loads(self.card)

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of all that decoding depends on."""
        digest = hashlib.sha256(json.dumps(decoding_document(self), sort_keys=True).encode())
        for name, array in sorted(model_tensors(self).items()):
            little_endian = array.astype(array.dtype.newbyteorder("<"))
            digest.update(f"{name} {array.dtype.name} {array.shape}\n".encode() + little_endian.tobytes())
        return digest.hexdigest()


jax.tree_util.register_dataclass(
    Model,
    data_fields=["inference", "generative", "head", "kl_bits", "intervals", "index_counts"],
    meta_fields=["name", "image_shape", "levels", "context_radius", "likelihood_name", "card"],
)


def make_model(
    name: str,
    inference: exact.ExactNetwork,
    generative: exact.ExactNetwork,
    *,
    image_shape: tuple[int, ...],
    levels: int,
    likelihood_name: str,
    head: exact.ExactNetwork | None = None,
    context_radius: int = 0,
    kl_bits: np.ndarray,
    intervals: np.ndarray,
    index_counts: Mapping[str, np.ndarray] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Model:
    """A model whose parts are checked to fit together; ValueError says what does not."""
    likelihood = make_likelihood(likelihood_name, levels)
    counts = {key: np.asarray(value, np.int32) for key, value in (index_counts or {}).items()}
    kl_bits, intervals = np.asarray(kl_bits, np.int32), np.asarray(intervals, np.int32)
    inference, generative, head = jax.tree.map(jnp.asarray, (inference, generative, head))
    card = json.dumps(dict(metadata or {}), sort_keys=True)
    shape = tuple(image_shape)
    arrays = (inference, generative, head, kl_bits, intervals, counts)
    model = Model(*arrays, name, shape, levels, context_radius, likelihood_name, card)
    if (head is None) != (context_radius == 0) or not 0 <= context_radius <= MAX_CONTEXT_RADIUS:
        raise ValueError(
            f"model {name!r} needs a head if and only if its pixels see a context, of radius 1 to "
            f"{MAX_CONTEXT_RADIUS}, got radius {context_radius}."
        )
    parameters = likelihood.num_parameters
    per_pixel = parameters if head is None else _features(head, context_radius)
    wanted = [
        ("inference", model.inference, (model.pixels, 2 * model.latents)),
        ("generative", model.generative, (model.latents, model.pixels * per_pixel)),
    ]
    if head is not None:
        wanted.append(("head", head, (per_pixel + context.num_inputs(context_radius), parameters)))
    for label, network, widths in wanted:
        exact.check(network)
        found = (network.layers[0].weight_high.shape[0], network.layers[-1].weight_high.shape[1])
        if found != widths:
            raise ValueError(
                f"the {label} network of model {name!r} has {found} inputs and outputs, expected {widths}."
            )
    if kl_bits.shape != intervals.shape or kl_bits.ndim != 1 or (kl_bits < 0).any() or (intervals < 1).any():
        raise ValueError(f"model {name!r} needs a KL of 0 or more and 1 or more intervals for each latent.")
    return model


def _features(head: exact.ExactNetwork, context_radius: int) -> int:
    """Inputs of the head that are not of the context."""
    return head.layers[0].weight_high.shape[0] - context.num_inputs(context_radius) if head.layers else 0


def with_index_counts(model: Model, counts: Mapping[str, np.ndarray]) -> Model:
    """The model with other index histograms, and therefore another digest."""
    return replace(model, index_counts={name: np.asarray(array, np.int32) for name, array in counts.items()})


def decoding_document(model: Model) -> dict[str, Any]:
    """What decoding depends on besides the tensors."""
    document = {
        "format": FORMAT,
        "image_shape": list(model.image_shape),
        "levels": model.levels,
        "likelihood": model.likelihood_name,
    }
    # Absent where it means nothing, so that models without a context keep their digests.
    return document | ({"context_radius": model.context_radius} if model.context_radius else {})


def model_tensors(model: Model) -> dict[str, np.ndarray]:
    """Every integer array of the model by its name in a file."""
    tensors = {"kl_bits": model.kl_bits, "intervals": model.intervals}
    tensors |= {f"index_counts.{name}": array for name, array in model.index_counts.items()}
    networks = [("inference", model.inference), ("generative", model.generative)]
    if model.head is not None:
        networks.append(("head", model.head))
    for label, network in networks:
        for position, layer in enumerate(network.layers):
            tensors |= {f"{label}.{position}.{field}": array for field, array in layer._asdict().items()}
    return {name: np.asarray(array) for name, array in tensors.items()}
