"""Loads released and trained VAEs, and evaluates them in the integers that encoder and decoder share.

Whatever a decoder computes here is integer arithmetic. Pass models to jitted functions as arguments: a model that is
closed over becomes constants, whose integer products XLA folds, slowly, at compile time.
"""

import functools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32, Int32, UInt8, UInt32

from recjax.io import tensor_file
from recjax.models import document as documents
from recjax.models.fixed_point import network as exact
from recjax.models.fixed_point import networks
from recjax.models.likelihoods import hurdle
from recjax.models.vae import context, isokl
from recjax.models.vae.config import MAX_LOG2_SCALE, MIN_LOG2_SCALE
from recjax.models.vae.model import (
    FORMAT,
    KAPPA_FRACTION_BITS,
    KL_UNIT,
    MAX_CONTEXT_RADIUS,
    Model,
    decoding_document,
    make_model,
    model_tensors,
    with_index_counts,
    with_interval_masses,
)
from recjax.pretrained.cards import PRETRAINED, read_cards

__all__ = [
    "KAPPA_FRACTION_BITS",
    "KL_UNIT",
    "Model",
    "decoding_document",
    "find_model",
    "head_distributions",
    "head_inputs",
    "image_bits",
    "in_floats",
    "list_models",
    "load_model",
    "make_model",
    "model_tensors",
    "pixel_bits",
    "pixel_distributions",
    "pixel_layers",
    "pixel_outputs",
    "posterior",
    "posterior_floats",
    "require_integer_posterior",
    "save_model",
    "with_index_counts",
    "with_interval_masses",
]

MEAN_FRACTION_BITS = 12
"""Fraction bits of the inference network's means, or of its alphas (`recjax.models.vae.isokl`)."""

LOG2_SCALE_FRACTION_BITS = 8
"""Fraction bits of the inference network's log2 scales."""
LATENT_FRACTION_BITS = 12
"""Fraction bits of the generative network's inputs."""

GRID_FRACTION_BITS = 26
"""Fraction bits of `recjax.grid.value_fixed`."""

_AT_ONCE = 32
"""Images that `image_bits` evaluates together."""


def pixel_fraction_bits(levels: int) -> int:
    """Returns the number of bits by which pixels are shifted left to fill the inference network's 16-bit inputs.

    Args:
        levels: Number of pixel values.

    Returns:
        The number of bits.
    """
    return (exact.LIMIT // (levels - 1)).bit_length() - 1


def posterior(
    model: Model, x: UInt8[Array, "*batch pixels"]
) -> tuple[Int32[Array, "*batch latents"], Int32[Array, "*batch latents"]]:
    """Computes the posterior of images in integers, as bits-back decoders need it.

    Args:
        model: A model with a "normal" posterior.
        x: Images with values 0 to levels - 1.

    Returns:
        The mean in units of 2^-12 and log2 of the scale in units of 2^-8, in prior standard deviations.

    Raises:
        ValueError: The model has an "isokl" posterior, which is evaluated in floats.
    """
    require_integer_posterior(model)
    mean, log2_scale = jnp.split(_inferred(model, x), 2, axis=-1)
    low, high = (bound << LOG2_SCALE_FRACTION_BITS for bound in (MIN_LOG2_SCALE, MAX_LOG2_SCALE))
    return mean, jnp.clip(log2_scale, low, high)


def posterior_floats(
    model: Model, x: UInt8[Array, "*batch pixels"]
) -> tuple[Float32[Array, "*batch latents"], Float32[Array, "*batch latents"]]:
    """Computes the posterior of images in floats, for encoders that search; decoders must not use it.

    Args:
        model: The model.
        x: Images with values 0 to levels - 1.

    Returns:
        The mean and the scale, in prior standard deviations.
    """
    if model.kappa_nats_q16 is not None:
        alpha = _inferred(model, x).astype(jnp.float32) * jnp.float32(2.0**-MEAN_FRACTION_BITS)
        kappa_nats = jnp.asarray(model.kappa_nats_q16).astype(jnp.float32) * jnp.float32(2.0**-KAPPA_FRACTION_BITS)
        mean, log2_scale = isokl.moments(alpha, kappa_nats)
        return mean, jnp.exp2(log2_scale)
    mean, log2_scale = posterior(model, x)
    mean = mean.astype(jnp.float32) * jnp.float32(2.0**-MEAN_FRACTION_BITS)
    return mean, jnp.exp2(log2_scale.astype(jnp.float32) * jnp.float32(2.0**-LOG2_SCALE_FRACTION_BITS))


def require_integer_posterior(model: Model) -> None:
    """Checks that the posterior of a model is made of integers, so that bits-back decoders can evaluate it.

    Args:
        model: The model.

    Raises:
        ValueError: The model has an "isokl" posterior.
    """
    if model.posterior_name != "normal":
        raise ValueError(
            f"bits-back needs a normal posterior in integers, and model {model.name!r} has one of kind "
            f"{model.posterior_name!r}; send its latents by relative entropy coding, or take another model."
        )


def _inferred(model: Model, x: UInt8[Array, "*batch pixels"]) -> Int32[Array, "*batch outputs"]:
    return networks.apply(model.inference, x.astype(jnp.int32) << pixel_fraction_bits(model.levels))


def pixel_outputs(model: Model, z_fixed: Int32[Array, "*batch latents"]) -> Int32[Array, "*batch pixels outputs"]:
    """Evaluates the generative network.

    Args:
        model: The model.
        z_fixed: Latents in units of 2^-26.

    Returns:
        The likelihood parameters of each pixel in units of 2^-8 nats; if there is a head, features in units of 2^-11.
    """
    outputs = networks.apply(model.generative, _generative_inputs(z_fixed))
    return jnp.reshape(outputs, (*outputs.shape[:-1], model.pixels, -1))


def pixel_layers(model: Model, z_fixed: Int32[Array, "*batch latents"]) -> tuple[Array, networks.Network]:
    """Evaluates the generative network up to its last layer, which is returned in parts, one for each pixel.

    Args:
        model: The model.
        z_fixed: Latents in units of 2^-26.

    Returns:
        The inputs of the last layer in rows, and a network of the last layer whose arrays have a leading axis of
        pixels.
    """
    hidden = networks.hidden(model.generative, _generative_inputs(z_fixed).reshape(-1, z_fixed.shape[-1]))
    last = networks.last_of(model.generative)
    return hidden, jax.tree.map(lambda x: jnp.moveaxis(x.reshape(*x.shape[:-1], model.pixels, -1), -2, 0), last)


def _generative_inputs(z_fixed: Int32[Array, "*batch latents"]) -> Int32[Array, "*batch latents"]:
    dropped_bits = GRID_FRACTION_BITS - LATENT_FRACTION_BITS
    return (z_fixed + (1 << (dropped_bits - 1))) >> dropped_bits


def head_distributions(
    model: Model, features: Int32[Array, "*batch features"], seen: UInt32[Array, "*batch neighbours"]
) -> Any:
    """Computes the distributions of pixels from their features and their context.

    Args:
        model: A model with a head.
        features: Features of each pixel, as `pixel_outputs` returns them.
        seen: Values of the neighbours of each pixel.

    Returns:
        The distribution of each pixel, a pytree of integers as `Likelihood.distribution` returns it.
    """
    assert model.head is not None
    return model.likelihood.distribution(networks.apply(model.head, head_inputs(model, features, seen)))


def head_inputs(
    model: Model, features: Int32[Array, "*batch features"], seen: UInt32[Array, "*batch neighbours"]
) -> Int32[Array, "*batch inputs"]:
    """Collects the inputs of the head.

    Args:
        model: A model with a head.
        features: Features of each pixel, as `pixel_outputs` returns them.
        seen: Values of the neighbours of each pixel.

    Returns:
        The features of each pixel, then the inputs from its context, in units of 2^-11.
    """
    return jnp.concatenate([features, context.exact_inputs(seen, model.levels)], axis=-1)


def pixel_distributions(model: Model, z_fixed: Int32[Array, "*batch latents"], x: UInt8[Array, "*batch pixels"]) -> Any:
    """Computes the distributions of all pixels of images, given latents.

    Args:
        model: The model.
        z_fixed: Latents in units of 2^-26.
        x: Images, which matter only as the context of their pixels.

    Returns:
        The distribution of each pixel, a pytree of integers as `Likelihood.distribution` returns it.
    """
    outputs = pixel_outputs(model, z_fixed)
    if model.head is None:
        return model.likelihood.distribution(outputs)
    return head_distributions(model, outputs, context.seen(x, model.image_shape, model.context_radius))


@jax.jit
def pixel_bits(
    model: Model, z_fixed: Int32[Array, "*batch latents"], x: UInt8[Array, "*batch pixels"]
) -> Float32[Array, "*batch pixels"]:
    """Computes the cost of each pixel of images under its integer distribution, for reports.

    Args:
        model: The model.
        z_fixed: Latents in units of 2^-26.
        x: Images with values 0 to levels - 1.

    Returns:
        -log2 of the masses of the pixels, in bits.
    """
    if model.head is None or model.likelihood_name != "categorical":
        return model.likelihood.bits(pixel_distributions(model, z_fixed, x), x)
    seen = context.seen(x, model.image_shape, model.context_radius)
    return hurdle.bits(model.head, head_inputs(model, pixel_outputs(model, z_fixed), seen), x)


@jax.jit
def image_bits(
    model: Model, z_fixed: Int32[Array, "images latents"], x: UInt8[Array, "images pixels"]
) -> Float32[Array, "images"]:
    """Computes the cost of images: the sums of `pixel_bits` over their pixels.

    Args:
        model: The model.
        z_fixed: Latents in units of 2^-26.
        x: Images with values 0 to levels - 1.

    Returns:
        -log2 of the mass of each image given its latents, in bits.
    """
    # Some images at a time: the distributions of all pixels of all images could take gigabytes.
    count = len(x)
    at_once = min(_AT_ONCE, count)
    rows = jnp.minimum(jnp.arange(-(-count // at_once) * at_once), count - 1).reshape(-1, at_once)
    bits = jax.lax.map(lambda some: pixel_bits(model, z_fixed[some], x[some]).sum(axis=-1), rows)
    return bits.reshape(-1)[:count]


@functools.lru_cache(maxsize=8)
def in_floats(model: Model) -> Model:
    """Converts the networks of a model to floats, for research: its files decode only on machines like the encoder's.

    The result keeps the digest of the exact model. `lossless.compress(..., arithmetic="float")` makes files with it;
    see `recjax.codecs.lossless.fingerprint` for what has to be alike.

    Args:
        model: An exact model, or one in floats.

    Returns:
        The model in floats, cached for each model object.
    """
    if model.arithmetic == "float":
        return model
    parts = {name: getattr(model, name) for name in ("inference", "generative", "head")}
    floats = {name: None if part is None else networks.in_floats(part) for name, part in parts.items()}
    return replace(model, **floats, exact_digest=model.digest)


def save_model(path: str | Path, model: Model) -> None:
    """Writes a model to a safetensors file, which `load_model` reads.

    A model with 8-bit weights takes half the space of one with 16-bit weights.

    Args:
        path: Path of the file, which is replaced if it exists.
        model: An exact model.

    Raises:
        ValueError: The model is in floats; only exact models are saved.
    """
    if model.arithmetic == "float":
        raise ValueError(f"model {model.name!r} is in floats, which no file holds; save the exact one of its digest.")
    document = {**decoding_document(model), "name": model.name, "digest": model.digest, "card": model.metadata}
    tensor_file.write(path, model_tensors(model), document)


def load_model(name_or_path: str | Path) -> Model:
    """Loads a released model by its name, or a model file by its path.

    Args:
        name_or_path: One of `list_models`, or the path of a file that `save_model` wrote.

    Returns:
        The model; for a released one, the same object each time.

    Raises:
        ValueError: There is no such model, or its file is damaged or not of a VAE.

    Example:
        >>> from recjax.models.vae.evaluate import list_models, load_model
        >>> "mnist-ikvae-20" in list_models()
        True
        >>> model = load_model("mnist-ikvae-20")
        >>> model.image_shape, model.levels, model.latents
        ((28, 28), 256, 20)
    """
    path = documents.path_of(name_or_path)
    if str(name_or_path) in list_models():
        return _load_released(str(name_or_path))
    if not path.is_file():
        raise ValueError(
            f"there is no model {str(name_or_path)!r}; give the path of a model file or one of "
            f"{', '.join(list_models())}."
        )
    return _load(path)


@functools.cache
def _load_released(name: str) -> Model:
    # Cached, because plans are cached for each model object.
    return _load(PRETRAINED / f"{name}.safetensors")


def _load(path: Path) -> Model:
    tensors, document = tensor_file.read(path)
    if document.get("format") != FORMAT:
        raise ValueError(f"{path} is not a model of format {FORMAT}; convert it again with this version of recjax.")
    try:
        documents.require_integers(tensors)
        prefix = "index_counts."
        radius = documents.whole(document, "context_radius", 0, MAX_CONTEXT_RADIUS, 0)
        model = make_model(
            documents.check_name(document["name"]),
            _network(tensors, "inference"),
            _network(tensors, "generative"),
            image_shape=documents.sides(document, "image_shape"),
            levels=documents.whole(document, "levels", 2, 256),
            likelihood_name=documents.text(document, "likelihood"),
            head=_network(tensors, "head") if radius else None,
            context_radius=radius,
            kl_bits=tensors["kl_bits"],
            intervals=tensors["intervals"],
            index_counts={key.removeprefix(prefix): v for key, v in tensors.items() if key.startswith(prefix)},
            interval_masses=tensors.get("interval_masses"),
            metadata=documents.card(document),
            posterior_name=documents.text(document, "posterior", "normal"),
            kappa_nats_q16=tensors.get("kappa_nats_q16"),
        )
        documents.check_tensors(tensors, model_tensors(model))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"{path} does not hold a usable model ({error}); convert or fetch it again.") from error
    if model.digest != document.get("digest"):
        raise ValueError(f"{path} does not have the digest it states; it is damaged, fetch it again.")
    return model


def list_models() -> list[str]:
    """Returns the names of the released models, sorted."""
    return sorted(path.stem for path in PRETRAINED.glob("*.safetensors"))


def find_model(digest: str) -> Model:
    """Finds the released model of a digest.

    Args:
        digest: The hexadecimal digest of a model, or at least its first 8 digits.

    Returns:
        The first released model whose digest begins so.

    Raises:
        ValueError: The digest has fewer than 8 digits, or no released model has it.
    """
    for card in read_cards() if len(digest) >= 8 else []:
        if card.digest.startswith(digest.lower()):
            return load_model(card.name)
    raise ValueError(f"no released model has the digest {digest}; give the model file that has it.")


def _network(tensors: Mapping[str, np.ndarray], label: str) -> exact.ExactNetwork:
    layers = []
    while f"{label}.{len(layers)}.bias" in tensors:
        prefix = f"{label}.{len(layers)}."
        stored = {field: tensors[prefix + field] for field in exact.ExactLayer._fields if prefix + field in tensors}
        # Files leave out low digits that are all 0.
        low = np.zeros_like(stored["weight_high"])
        layers.append(exact.ExactLayer(**jax.tree.map(jnp.asarray, {"weight_low": low} | stored)))
    return exact.ExactNetwork(tuple(layers))
