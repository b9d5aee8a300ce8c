"""What a codec needs of a trained VAE, as one pytree of integers with a digest.

The digest names exactly the parts that decoding depends on; a file stores it, so that it is never decoded with another
model.
"""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int32

from recjax import grid
from recjax.coding.rans import TOTAL_MASS
from recjax.io import tensor_file
from recjax.models.document import check_name
from recjax.models.fixed_point import network as exact
from recjax.models.fixed_point.networks import FloatNetwork, Network
from recjax.models.likelihoods.families import Likelihood, make_likelihood
from recjax.models.vae import context
from recjax.models.vae.config import POSTERIORS
from recjax.models.vae.isokl import MAX_KAPPA_NATS

KL_UNIT = 1024
"""kl_bits are in units of 1/1024 bits."""

MAX_CONTEXT_RADIUS = 4

KAPPA_FRACTION_BITS = 16
"""kappa_nats_q16 is in units of 2^-16 nats."""

FORMAT = 1
"""Version of the file format and of the arithmetic that a model's integers mean."""

_MAX_KAPPA_Q16 = round(MAX_KAPPA_NATS * 2**KAPPA_FRACTION_BITS)


@dataclass(frozen=True, eq=False)
class Model:
    """A released VAE; a pytree whose leaves are integers, made by `make_model` or `load_model`.

    inference: pixels shifted left by pixel_fraction_bits -> means in units of 2^-12, then log2 scales in 2^-8; for an
        "isokl" posterior, alphas (`recjax.models.vae.isokl`) in units of 2^-12.
    generative: latents in units of 2^-12 -> likelihood parameters in units of 2^-8 nats, pixel by pixel; or features of
        each pixel in units of 2^-11, where there is a head.
    head: None, or features and context of a pixel in units of 2^-11 -> likelihood parameters in units of 2^-8 nats.
    kl_bits: mean KL divergence of each latent on the training set, in units of 1/1024 bits.
    intervals: intervals per latent for space partitioning, chosen from kl_bits.
    index_counts: histograms of codes on the training set, by name, for learned index codes: of all blocks together, or
        a row for each.
    interval_masses: masses of each latent's intervals, of sum 2^16, where the aggregate posterior was learned.
    name: what a person calls it; not part of the digest.
    image_shape, levels: images are arrays of this shape with values 0 to levels - 1.
    context_radius: how far the head sees, see `recjax.coding.wavefront`; 0 without one.
    card: JSON text for people (training configuration, measured rates); not part of the digest.
    posterior_name: "normal", which bits-back needs, or "isokl".
    kappa_nats_q16: KL divergence of each latent of an "isokl" posterior, in units of 2^-16 nats; else None.
    exact_digest: of a model in floats (`model.in_floats`), the digest of the exact one; else "".
    """

    inference: Network
    generative: Network
    head: Network | None
    kl_bits: Int32[np.ndarray, "latents"]
    intervals: Int32[np.ndarray, "latents"]
    index_counts: dict[str, Int32[np.ndarray, "*blocks classes"]]
    name: str
    image_shape: tuple[int, ...]
    levels: int
    context_radius: int
    likelihood_name: str
    card: str
    posterior_name: str = "normal"
    kappa_nats_q16: Int32[np.ndarray, "latents"] | None = None
    interval_masses: Int32[np.ndarray, "latents capacity"] | None = None
    exact_digest: str = ""

    @property
    def arithmetic(self) -> str:
        """How decoders evaluate its networks: "exact", the same everywhere, or "float"."""
        return "float" if isinstance(self.generative, FloatNetwork) else "exact"

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
        return self.exact_digest or tensor_file.digest(model_tensors(self), decoding_document(self))


jax.tree_util.register_dataclass(
    Model,
    data_fields=[
        "inference",
        "generative",
        "head",
        "kl_bits",
        "intervals",
        "index_counts",
        "kappa_nats_q16",
        "interval_masses",
    ],
    meta_fields=[
        "name",
        "image_shape",
        "levels",
        "context_radius",
        "likelihood_name",
        "card",
        "posterior_name",
        "exact_digest",
    ],
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
    interval_masses: np.ndarray | None = None,
    metadata: Mapping[str, Any] | None = None,
    posterior_name: str = "normal",
    kappa_nats_q16: np.ndarray | None = None,
) -> Model:
    """A model whose parts are checked to fit together; ValueError says what does not."""
    check_name(name)
    kl_bits, intervals = np.asarray(kl_bits, np.int32), np.asarray(intervals, np.int32)
    inference, generative, head = jax.tree.map(jnp.asarray, (inference, generative, head))
    card = json.dumps(dict(metadata or {}), sort_keys=True)
    shape = tuple(image_shape)
    model = Model(
        inference=inference,
        generative=generative,
        head=head,
        kl_bits=kl_bits,
        intervals=intervals,
        index_counts={},
        name=name,
        image_shape=shape,
        levels=levels,
        context_radius=context_radius,
        likelihood_name=likelihood_name,
        card=card,
        posterior_name=posterior_name,
        kappa_nats_q16=None if kappa_nats_q16 is None else np.asarray(kappa_nats_q16, np.int32),
    )
    _check_posterior(model)
    if (head is None) != (context_radius == 0) or not 0 <= context_radius <= MAX_CONTEXT_RADIUS:
        raise ValueError(
            f"model {name!r} needs a head if and only if its pixels see a context, of radius 1 to "
            f"{MAX_CONTEXT_RADIUS}, got radius {context_radius}."
        )
    if context_radius and len(shape) != 2:
        raise ValueError(f"model {name!r} has pixels that see a context, in images of shape {shape}; two sides do.")
    for label, network, widths in _expected_widths(model):
        exact.check(network)
        found = (network.layers[0].weight_high.shape[0], network.layers[-1].weight_high.shape[1])
        if found != widths:
            raise ValueError(
                f"the {label} network of model {name!r} has {found} inputs and outputs, expected {widths}."
            )
    if kl_bits.shape != intervals.shape or kl_bits.ndim != 1 or (kl_bits < 0).any() or (intervals < 1).any():
        raise ValueError(f"model {name!r} needs a KL of 0 or more and 1 or more intervals for each latent.")
    if not kl_bits.size or intervals.max() > grid.MAX_INTERVALS:
        raise ValueError(f"model {name!r} needs a latent, and at most {grid.MAX_INTERVALS} intervals for each.")
    model = with_index_counts(model, index_counts or {})
    return model if interval_masses is None else with_interval_masses(model, interval_masses)


def _expected_widths(model: Model) -> list[tuple[str, Any, tuple[int, int]]]:
    """Inputs and outputs that each network must have."""
    outputs = parameters = model.likelihood.num_parameters
    expected = []
    if model.head is not None:
        assert isinstance(model.head, exact.ExactNetwork)
        seen = context.num_inputs(model.context_radius)
        # What is not of the context are the features of the pixel, as many as the generative network gives it.
        outputs = model.head.layers[0].weight_high.shape[0] - seen if model.head.layers else 0
        expected.append(("head", model.head, (outputs + seen, parameters)))
    per_latent = 1 if model.posterior_name == "isokl" else 2
    expected.append(("inference", model.inference, (model.pixels, per_latent * model.latents)))
    expected.append(("generative", model.generative, (model.latents, model.pixels * outputs)))
    return expected


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
    """The model with other index histograms, and therefore another digest; ValueError if one is none."""
    _require_exact(model)
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
    _require_exact(model)
    if masses is None:
        return replace(model, interval_masses=None)
    masses = np.atleast_1d(np.asarray(masses, np.int32))
    used = np.arange(masses.shape[-1]) < model.intervals[:, None]
    fits = masses.ndim == 2 and masses.shape == used.shape and masses.shape[1] >= model.intervals.max()
    if not fits or ((masses > 0) != used).any() or (masses.sum(axis=1, dtype=np.int64) != TOTAL_MASS).any():
        raise ValueError(f"the intervals of each latent of model {model.name!r} need masses above 0 of sum 2^16.")
    return replace(model, interval_masses=masses)


def _require_exact(model: Model) -> None:
    if model.arithmetic == "float":
        raise ValueError(f"model {model.name!r} is in floats, and keeps the digest of the exact one; change that one.")


def decoding_document(model: Model) -> dict[str, Any]:
    """What decoding depends on besides the tensors."""
    document = {
        "format": FORMAT,
        "image_shape": list(model.image_shape),
        "levels": model.levels,
        "likelihood": model.likelihood_name,
    }
    # Absent where they mean nothing, so that models without them keep their digests.
    if model.context_radius:
        document["context_radius"] = model.context_radius
    if model.posterior_name != "normal":
        document["posterior"] = model.posterior_name
    return document


def model_tensors(model: Model) -> dict[str, np.ndarray]:
    """Every integer array of the model by its name in a file.

    The `weight_low` of a layer is left out where all of it is 0, as in networks of 8-bit weights.
    """
    tensors = {"kl_bits": model.kl_bits, "intervals": model.intervals}
    if model.kappa_nats_q16 is not None:
        tensors["kappa_nats_q16"] = model.kappa_nats_q16
    tensors |= {f"index_counts.{name}": array for name, array in model.index_counts.items()}
    if model.interval_masses is not None:
        tensors["interval_masses"] = model.interval_masses
    networks = [("inference", model.inference), ("generative", model.generative)]
    if model.head is not None:
        networks.append(("head", model.head))
    for label, network in networks:
        assert isinstance(network, exact.ExactNetwork)
        for position, layer in enumerate(network.layers):
            # On the host first: JAX would compile for every shape.
            stored = {field: np.asarray(array) for field, array in layer._asdict().items()}
            if not np.any(stored["weight_low"]):
                del stored["weight_low"]
            tensors |= {f"{label}.{position}.{field}": array for field, array in stored.items()}
    return {name: np.asarray(array) for name, array in tensors.items()}
