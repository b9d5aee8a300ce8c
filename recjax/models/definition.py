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

from recjax.coding.message import TOTAL_MASS
from recjax.models import exact
from recjax.models.likelihoods import Likelihood, make_likelihood

KL_UNIT = 1024
"""kl_bits are in units of 1/1024 bits."""

FORMAT = 1
"""Version of the file format and of the arithmetic that a model's integers mean."""


@dataclass(frozen=True, eq=False)
class Model:
    """A released VAE; a pytree whose leaves are integers, made by `make_model` or `load_model`.

    inference: pixels shifted left by pixel_fraction_bits -> means in units of 2^-12, then log2 scales in 2^-8.
    generative: latents in units of 2^-12 -> likelihood parameters in units of 2^-8 nats, pixel by pixel.
    kl_bits: mean KL divergence of each latent on the training set, in units of 1/1024 bits.
    intervals: intervals per latent for space partitioning, chosen from kl_bits.
    index_counts: histograms of codes on the training set, by name, for learned index codes: of all blocks together, or
        a row for each.
    interval_masses: masses of each latent's intervals, of sum 2^16, where the aggregate posterior was learned.
    name: what a person calls it; not part of the digest.
    image_shape, levels: images are arrays of this shape with values 0 to levels - 1.
    card: JSON text for people (training configuration, measured rates); not part of the digest.
    """

    inference: exact.ExactNetwork
    generative: exact.ExactNetwork
    kl_bits: Int32[np.ndarray, "latents"]
    intervals: Int32[np.ndarray, "latents"]
    index_counts: dict[str, Int32[np.ndarray, "*blocks classes"]]
    name: str
    image_shape: tuple[int, ...]
    levels: int
    likelihood_name: str
    card: str
    interval_masses: Int32[np.ndarray, "latents capacity"] | None = None

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
    data_fields=["inference", "generative", "kl_bits", "intervals", "index_counts", "interval_masses"],
    meta_fields=["name", "image_shape", "levels", "likelihood_name", "card"],
)


def make_model(
    name: str,
    inference: exact.ExactNetwork,
    generative: exact.ExactNetwork,
    *,
    image_shape: tuple[int, ...],
    levels: int,
    likelihood_name: str,
    kl_bits: np.ndarray,
    intervals: np.ndarray,
    index_counts: Mapping[str, np.ndarray] | None = None,
    interval_masses: np.ndarray | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Model:
    """A model whose parts are checked to fit together; ValueError says what does not."""
    likelihood = make_likelihood(likelihood_name, levels)
    kl_bits, intervals = np.asarray(kl_bits, np.int32), np.asarray(intervals, np.int32)
    inference, generative = jax.tree.map(jnp.asarray, (inference, generative))
    card = json.dumps(dict(metadata or {}), sort_keys=True)
    shape = tuple(image_shape)
    model = Model(inference, generative, kl_bits, intervals, {}, name, shape, levels, likelihood_name, card)
    outputs = model.pixels * likelihood.num_parameters
    for label, network, widths in (
        ("inference", model.inference, (model.pixels, 2 * model.latents)),
        ("generative", model.generative, (model.latents, outputs)),
    ):
        exact.check(network)
        found = (network.layers[0].weight_high.shape[0], network.layers[-1].weight_high.shape[1])
        if found != widths:
            raise ValueError(
                f"the {label} network of model {name!r} has {found} inputs and outputs, expected {widths}."
            )
    if kl_bits.shape != intervals.shape or kl_bits.ndim != 1 or (kl_bits < 0).any() or (intervals < 1).any():
        raise ValueError(f"model {name!r} needs a KL of 0 or more and 1 or more intervals for each latent.")
    model = with_index_counts(model, index_counts or {})
    return model if interval_masses is None else with_interval_masses(model, interval_masses)


def with_index_counts(model: Model, counts: Mapping[str, np.ndarray]) -> Model:
    """The model with other index histograms, and therefore another digest; ValueError if one is none."""
    arrays = {name: np.asarray(array, np.int32) for name, array in counts.items()}
    for name, array in arrays.items():
        if array.ndim not in (1, 2) or array.size == 0 or (array < 0).any():
            raise ValueError(
                f"the histogram {name!r} of model {model.name!r} must have counts of 0 or more, [classes] or "
                f"[blocks, classes], got the shape {array.shape}."
            )
    return replace(model, index_counts=arrays)


def with_interval_masses(model: Model, masses: np.ndarray | None) -> Model:
    """The model with other masses of its intervals [latents, capacity], and therefore another digest; None for equal
    ones.

    ValueError unless each latent's intervals have masses of 1 or more whose sum is 2^16, and the rest of its row is 0.
    """
    if masses is None:
        return replace(model, interval_masses=None)
    masses = np.asarray(masses, np.int32)
    used = np.arange(masses.shape[-1]) < model.intervals[:, None]
    fits = masses.ndim == 2 and masses.shape == used.shape and masses.shape[1] >= model.intervals.max()
    if not fits or ((masses > 0) != used).any() or (masses.sum(axis=1, dtype=np.int64) != TOTAL_MASS).any():
        raise ValueError(f"the intervals of each latent of model {model.name!r} need masses above 0 of sum 2^16.")
    return replace(model, interval_masses=masses)


def decoding_document(model: Model) -> dict[str, Any]:
    """What decoding depends on besides the tensors."""
    return {
        "format": FORMAT,
        "image_shape": list(model.image_shape),
        "levels": model.levels,
        "likelihood": model.likelihood_name,
    }


def model_tensors(model: Model) -> dict[str, np.ndarray]:
    """Every integer array of the model by its name in a file."""
    tensors = {"kl_bits": model.kl_bits, "intervals": model.intervals}
    tensors |= {f"index_counts.{name}": array for name, array in model.index_counts.items()}
    if model.interval_masses is not None:
        tensors["interval_masses"] = model.interval_masses
    for label, network in (("inference", model.inference), ("generative", model.generative)):
        for position, layer in enumerate(network.layers):
            tensors |= {f"{label}.{position}.{field}": array for field, array in layer._asdict().items()}
    return {name: np.asarray(array) for name, array in tensors.items()}
