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

from recjax.models import exact
from recjax.models.isokl import MAX_KAPPA_NATS
from recjax.models.likelihoods import Likelihood, make_likelihood
from recjax.models.vae import POSTERIORS

KL_UNIT = 1024
"""kl_bits are in units of 1/1024 bits."""

KAPPA_FRACTION_BITS = 16
"""kappa_nats_q16 is in units of 2^-16 nats."""

FORMAT = 1
"""Version of the file format and of the arithmetic that a model's integers mean."""

_MAX_KAPPA_Q16 = round(MAX_KAPPA_NATS * 2**KAPPA_FRACTION_BITS)


@dataclass(frozen=True, eq=False)
class Model:
    """A released VAE; a pytree whose leaves are integers, made by `make_model` or `load_model`.

    inference: pixels shifted left by pixel_fraction_bits -> means in units of 2^-12, then log2 scales in 2^-8; for an
        "isokl" posterior, alphas (`recjax.models.isokl`) in units of 2^-12.
    generative: latents in units of 2^-12 -> likelihood parameters in units of 2^-8 nats, pixel by pixel.
    kl_bits: mean KL divergence of each latent on the training set, in units of 1/1024 bits.
    intervals: intervals per latent for space partitioning, chosen from kl_bits.
    index_counts: histograms of codes on the training set, by name, for learned index codes.
    name: what a person calls it; not part of the digest.
    image_shape, levels: images are arrays of this shape with values 0 to levels - 1.
    card: JSON text for people (training configuration, measured rates); not part of the digest.
    posterior_name: "normal", which bits-back needs, or "isokl".
    kappa_nats_q16: KL divergence of each latent of an "isokl" posterior, in units of 2^-16 nats; else None.
    """

    inference: exact.ExactNetwork
    generative: exact.ExactNetwork
    kl_bits: Int32[np.ndarray, "latents"]
    intervals: Int32[np.ndarray, "latents"]
    index_counts: dict[str, Int32[np.ndarray, "classes"]]
    name: str
    image_shape: tuple[int, ...]
    levels: int
    likelihood_name: str
    card: str
    posterior_name: str = "normal"
    kappa_nats_q16: Int32[np.ndarray, "latents"] | None = None

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
    data_fields=["inference", "generative", "kl_bits", "intervals", "index_counts", "kappa_nats_q16"],
    meta_fields=["name", "image_shape", "levels", "likelihood_name", "card", "posterior_name"],
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
    metadata: Mapping[str, Any] | None = None,
    posterior_name: str = "normal",
    kappa_nats_q16: np.ndarray | None = None,
) -> Model:
    """A model whose parts are checked to fit together; ValueError says what does not."""
    likelihood = make_likelihood(likelihood_name, levels)
    counts = {key: np.asarray(value, np.int32) for key, value in (index_counts or {}).items()}
    kl_bits, intervals = np.asarray(kl_bits, np.int32), np.asarray(intervals, np.int32)
    inference, generative = jax.tree.map(jnp.asarray, (inference, generative))
    card = json.dumps(dict(metadata or {}), sort_keys=True)
    shape = tuple(image_shape)
    kappa = None if kappa_nats_q16 is None else np.asarray(kappa_nats_q16, np.int32)
    model = Model(
        inference,
        generative,
        kl_bits,
        intervals,
        counts,
        name,
        shape,
        levels,
        likelihood_name,
        card,
        posterior_name,
        kappa,
    )
    _check_posterior(model)
    outputs = model.pixels * likelihood.num_parameters
    for label, network, widths in (
        ("inference", model.inference, (model.pixels, (1 if posterior_name == "isokl" else 2) * model.latents)),
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
    return model


def _check_posterior(model: Model) -> None:
    kappa = model.kappa_nats_q16
    if model.posterior_name not in POSTERIORS or (model.posterior_name == "isokl") != (kappa is not None):
        raise ValueError(
            f"model {model.name!r} has a posterior {model.posterior_name!r} that does not fit its tensors."
        )
    if kappa is not None and (
        kappa.shape != model.kl_bits.shape or (kappa < 1).any() or (kappa > _MAX_KAPPA_Q16).any()
    ):
        raise ValueError(
            f"model {model.name!r} needs a kappa above 0 and up to {MAX_KAPPA_NATS} nats for each latent; "
            "convert it again."
        )


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
    # Digests of models with the usual posterior are older than the field.
    return document if model.posterior_name == "normal" else {**document, "posterior": model.posterior_name}


def model_tensors(model: Model) -> dict[str, np.ndarray]:
    """Every integer array of the model by its name in a file."""
    tensors = {"kl_bits": model.kl_bits, "intervals": model.intervals}
    if model.kappa_nats_q16 is not None:
        tensors["kappa_nats_q16"] = model.kappa_nats_q16
    tensors |= {f"index_counts.{name}": array for name, array in model.index_counts.items()}
    for label, network in (("inference", model.inference), ("generative", model.generative)):
        for position, layer in enumerate(network.layers):
            tensors |= {f"{label}.{position}.{field}": array for field, array in layer._asdict().items()}
    return {name: np.asarray(array) for name, array in tensors.items()}
