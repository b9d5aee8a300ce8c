"""The parts of a trained VAE that a codec needs, as one pytree of integers with a digest.

The digest names exactly the parts that decoding depends on. A file stores it, so that it is never decoded with another
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
"""`Model.kl_bits` is in units of 1/1024 bit."""

MAX_CONTEXT_RADIUS = 4
"""Largest context radius of a model."""

KAPPA_FRACTION_BITS = 16
"""`Model.kappa_nats_q16` is in units of 2^-16 nats."""

FORMAT = 1
"""Version of the file format and of the arithmetic with a model's integers."""

_MAX_KAPPA_Q16 = round(MAX_KAPPA_NATS * 2**KAPPA_FRACTION_BITS)


@dataclass(frozen=True, eq=False)
class Model:
    """A VAE as a codec uses it: a pytree of integers (but see `exact_digest`), made by `make_model` or `load_model`.

    Attributes:
        inference: Network from pixels, shifted left by `pixel_fraction_bits`, to means in units of 2^-12 and then log2
            scales in units of 2^-8; for an "isokl" posterior, to alphas (`recjax.models.vae.isokl`) in units of 2^-12.
        generative: Network from latents in units of 2^-12 to likelihood parameters in units of 2^-8 nats, pixel by
            pixel; if there is a head, to the features of each pixel in units of 2^-11.
        head: Network from features and context of a pixel in units of 2^-11 to likelihood parameters in units of 2^-8
            nats; None if pixels see no context.
        kl_bits: Mean KL divergence of each latent on the training set, in units of 1/1024 bit.
        intervals: Number of intervals of each latent for space partitioning, chosen from `kl_bits`.
        index_counts: Histograms of codes on the training set, by name, for learned index codes: one histogram for all
            blocks, or a row for each block.
        name: Name for people; not part of the digest.
        image_shape: Shape of the images.
        levels: Number of pixel values, which are 0 to levels - 1.
        context_radius: How far the head sees (see `recjax.coding.wavefront`), 0 without a head.
        likelihood_name: A key of `recjax.models.likelihoods.families.LIKELIHOODS`.
        card: JSON text for people (training configuration, measured rates); not part of the digest.
        posterior_name: "normal", which bits-back coding needs, or "isokl".
        kappa_nats_q16: KL divergence of each latent of an "isokl" posterior, in units of 2^-16 nats; None for "normal".
        interval_masses: Masses of each latent's intervals, of sum 2^16, learned from the aggregate posterior; None for
            equal masses.
        exact_digest: For a model in floats (`recjax.models.vae.evaluate.in_floats`), the digest of the exact model;
            else "".
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
        """Arithmetic of decoders' networks: "exact", the same on every machine, or "float"."""
        return "float" if isinstance(self.generative, FloatNetwork) else "exact"

    @property
    def pixels(self) -> int:
        """Number of pixels of an image."""
        return prod(self.image_shape)

    @property
    def latents(self) -> int:
        """Number of latent coordinates."""
        return len(self.kl_bits)

    @property
    def likelihood(self) -> Likelihood:
        """The likelihood of a pixel."""
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
    """Makes a model and checks that its parts fit together.

    Args:
        name: Name for people.
        inference: The inference network.
        generative: The generative network.
        image_shape: Shape of the images; (height, width) if pixels see a context.
        levels: Number of pixel values.
        likelihood_name: A key of `recjax.models.likelihoods.families.LIKELIHOODS`.
        head: The head; None if pixels see no context.
        context_radius: How far the head sees, 1 to MAX_CONTEXT_RADIUS; 0 without a head.
        kl_bits: Mean KL divergence of each latent on the training set, in units of 1/1024 bit.
        intervals: Number of intervals of each latent, from 1 on.
        index_counts: Histograms for learned index codes, see `with_index_counts`; None for none.
        interval_masses: Masses of the intervals, see `with_interval_masses`; None for equal masses.
        metadata: The card; None for an empty one.
        posterior_name: "normal" or "isokl".
        kappa_nats_q16: KL divergence of each latent of an "isokl" posterior, in units of 2^-16 nats; None for "normal".

    Returns:
        The model.

    Raises:
        ValueError: The parts do not fit together; the message says which.
    """
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
        actual = (network.layers[0].weight_high.shape[0], network.layers[-1].weight_high.shape[1])
        if actual != widths:
            raise ValueError(
                f"the {label} network of model {name!r} has {actual} inputs and outputs, expected {widths}."
            )
    if kl_bits.shape != intervals.shape or kl_bits.ndim != 1 or (kl_bits < 0).any() or (intervals < 1).any():
        raise ValueError(f"model {name!r} needs a KL of 0 or more and 1 or more intervals for each latent.")
    if not kl_bits.size or intervals.max() > grid.MAX_INTERVALS:
        raise ValueError(f"model {name!r} needs a latent, and at most {grid.MAX_INTERVALS} intervals for each.")
    model = with_index_counts(model, index_counts or {})
    return model if interval_masses is None else with_interval_masses(model, interval_masses)


def _expected_widths(model: Model) -> list[tuple[str, Any, tuple[int, int]]]:
    """Returns the label of each network, the network, and the numbers of inputs and outputs that it must have."""
    outputs = parameters = model.likelihood.num_parameters
    expected = []
    if model.head is not None:
        assert isinstance(model.head, exact.ExactNetwork)
        seen = context.num_inputs(model.context_radius)
        # The inputs that are not from the context are the features of the pixel, which the generative network makes.
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
    """Replaces the index histograms of a model, which changes its digest.

    Args:
        model: An exact model.
        counts: Histograms by name, [classes] for all blocks or [blocks, classes], with counts of 0 or more.

    Returns:
        The changed model.

    Raises:
        ValueError: A histogram has another shape or a negative count, or the model is in floats.
    """
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
    """Replaces the masses of a model's intervals, which changes its digest.

    Args:
        model: An exact model.
        masses: Masses [latents, capacity] with capacity at least the largest number of intervals. The intervals of a
            latent have masses of 1 or more, of sum 2^16, and the rest of its row is 0. None for equal masses.

    Returns:
        The changed model.

    Raises:
        ValueError: The masses are not of this form, or the model is in floats.
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
    """Returns all that decoding depends on besides the tensors.

    Args:
        model: The model.

    Returns:
        Values for JSON, by their names in the document of a model file.
    """
    document = {
        "format": FORMAT,
        "image_shape": list(model.image_shape),
        "levels": model.levels,
        "likelihood": model.likelihood_name,
    }
    # These fields are absent where they mean nothing, so that models without them keep their digests.
    if model.context_radius:
        document["context_radius"] = model.context_radius
    if model.posterior_name != "normal":
        document["posterior"] = model.posterior_name
    return document


def model_tensors(model: Model) -> dict[str, np.ndarray]:
    """Collects every integer array of a model by its name in a file.

    The `weight_low` of a layer is left out where all of it is 0, as in networks with 8-bit weights.

    Args:
        model: An exact model.

    Returns:
        NumPy arrays by name.
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
            # The test runs on the host, because JAX would compile it for every shape.
            stored = {field: np.asarray(array) for field, array in layer._asdict().items()}
            if not np.any(stored["weight_low"]):
                del stored["weight_low"]
            tensors |= {f"{label}.{position}.{field}": array for field, array in stored.items()}
    return {name: np.asarray(array) for name, array in tensors.items()}
