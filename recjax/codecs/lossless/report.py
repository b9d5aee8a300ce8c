"""Reports what the bits of a file are spent on: ideal and actual rates, the bias of the samples, and the time taken."""

import functools
import math
import time
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8

from recjax import grid, memory, randomness, rec, sizes
from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless import relative_entropy
from recjax.codecs.lossless.chains import bits_back, bits_back_rec
from recjax.codecs.lossless.plan import make_plan, targets
from recjax.codecs.lossless.relative_entropy import BATCH, Encoding
from recjax.codecs.lossless.resolve import make_settings
from recjax.codecs.lossless.settings import CHAIN_METHOD, Settings
from recjax.codecs.plan import code_bits
from recjax.coding.normal import inverse_cdf
from recjax.coding.rans import MASS_BITS
from recjax.distributions.normal import Normal
from recjax.models.vae import evaluate as models
from recjax.models.vae.evaluate import Model
from recjax.rec.base import Status
from recjax.rec.diagnostics import Draws, pool

# Number of exact draws from each target among which the log ratio of a sample is ranked.
_EXACT_DRAWS = 31


@dataclass(frozen=True)
class Report:
    """Holds a file and what its bits are spent on.

    For bits-back, `latent_bits` and `likelihood_bits` are those of a fresh draw of latents, since the latents of the
    chain depend on its state: the two agree on average, not image by image. Its latent bits are the bits under the
    prior less those that the choice of the latents gives back. Images of a chain that were sent by relative entropy
    coding are reported like the others.

    Attributes:
        data: The bytes of the file.
        ideal_bits: Ideal codelength of each image, in bits: `latent_bits` plus `likelihood_bits`.
        latent_bits: Ideal codelength of the codes of each image's latents, in bits.
        likelihood_bits: -log2 p(x | z) of each image at the latents z that were sent, in bits.
        initial_bits: Initial bits of the chain, for the whole file; 0 if there are none.
        encode_seconds: Time of encoding in seconds, without the decoding that `compress` adds to check the file.
        draws: Samples of the latents, drawn once more with a stream of its own for each image, for
            `recjax.rec.diagnostics.bias`; None for a chain.
        exhausted: Number of searches, of all images, that ended by their budget.
        blocks: Number of searches per image; 0 for a chain.
    """

    data: bytes
    ideal_bits: Float[np.ndarray, "image"]
    latent_bits: Float[np.ndarray, "image"]
    likelihood_bits: Float[np.ndarray, "image"]
    initial_bits: int
    encode_seconds: float
    draws: Draws | None
    exhausted: int
    blocks: int


def encode_report(
    images: UInt8[np.ndarray, "count height width"],
    model: Model,
    *,
    method: str = "bb-ans",
    partition: bool = True,
    candidates: int | None = None,
    block_bits: float | None = None,
    seed: int = 0,
    **codes: Any,
) -> Report:
    """Encodes images and reports what the bits are spent on, without decoding the file.

    Args:
        images: The images, at least one, with the shape and the pixel values that the model is for.
        model: The model.
        method: The name of a lossless method.
        partition: Whether blocks are searched within bins of equal prior mass.
        candidates: Number of candidates of a block, a power of two; None takes the default of the method.
        block_bits: KL divergence of a block, in bits; None takes the default of the method.
        seed: The seed of the shared randomness.
        **codes: Further options of the method by name; see `recjax.codecs.lossless.compression.compress`.

    Returns:
        The report.

    Raises:
        ValueError: There are no images, an option is illegal, or the model cannot code these images.
    """
    images = lossless.check_images(images, model)
    if len(images) == 0:
        raise ValueError("a report is about at least one image, got none; code some images.")
    settings = make_settings(model, method, partition, candidates, block_bits, **codes)
    memory.bound()
    start = time.perf_counter()
    if settings is None or method == CHAIN_METHOD:
        if settings is None:
            data, initial_bits = bits_back.encode(images, model, seed=seed)
        else:
            data, initial_bits = bits_back_rec.encode(images, model, settings, seed=seed).data, 0
        seconds = time.perf_counter() - start
        latent, likelihood = ideal_bits_of_chain(images, model, seed=seed)
        return Report(data, latent + likelihood, latent, likelihood, initial_bits, seconds, None, 0, 0)
    encoding = relative_entropy.encode(images, model, settings, seed=seed)
    seconds = time.perf_counter() - start
    latent, likelihood = ideal_bits_of_searches(images, model, settings, encoding, seed=seed)
    draws = draw_again(images, model, settings, seed=seed)
    exhausted = int(np.sum(encoding.info.status == Status.BUDGET))
    blocks = encoding.info.status.shape[1]
    return Report(encoding.data, latent + likelihood, latent, likelihood, 0, seconds, draws, exhausted, blocks)


def ideal_bits_of_chain(images: np.ndarray, model: Model, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Computes the ideal codelengths of images by bits-back, at a fresh draw of their latents.

    Args:
        images: The images, uint8 [count, *shape].
        model: The model.
        seed: The seed of the draw.

    Returns:
        Bits of the latents of each image, under the prior less under the posterior; and bits of its pixels.
    """
    flat = images.reshape(len(images), model.pixels)
    some = sizes.repeat_last(flat, sizes.padded(len(flat)))
    latent_bits, words = _fresh_draw(model, bits_back.GRID_BITS, randomness.key(seed), some)
    return np.asarray(latent_bits)[: len(flat)], _image_bits(model, np.asarray(words), bits_back.GRID_BITS, flat)


@functools.partial(jax.jit, static_argnums=1)
def _fresh_draw(model: Model, bits: int, key: randomness.Key, images: jax.Array) -> tuple[jax.Array, jax.Array]:
    q = bits_back.posterior(model, images.T)
    drawn = randomness.words(key, randomness.TRIAL, (jnp.arange(len(images), dtype=jnp.uint32),), model.latents).T
    words, mass = inverse_cdf(drawn >> (32 - MASS_BITS), *q, bits)
    latent_bits = jnp.sum(bits - MASS_BITS + jnp.log2(mass.astype(jnp.float32)), axis=0)
    return latent_bits, words.T


def ideal_bits_of_searches(
    images: np.ndarray, model: Model, settings: Settings, encoding: Encoding, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Computes the ideal codelengths of the images of an encoding by relative entropy coding.

    Args:
        images: The images, uint8 [count, *shape].
        model: The model.
        settings: The settings of the encoding.
        encoding: The encoding.
        seed: The seed of the encoding.

    Returns:
        Bits of the codes of the latents of each image; and bits of its pixels given these latents.
    """
    plan, key = make_plan(model, settings), randomness.key(seed)
    flat = images.reshape(len(images), model.pixels)
    return code_bits(plan, key, encoding.code), _image_bits(model, encoding.words, grid.BITS, flat)


def _image_bits(model: Model, words, bits: int, flat: np.ndarray) -> np.ndarray:
    # Images are padded to one of a few sizes, and words too, unless they already are.
    words, some = (sizes.repeat_last(rows, sizes.padded(len(flat))) for rows in (words, flat))
    return np.asarray(models.image_bits(model, _values(words, bits), some), np.float64)[: len(flat)]


@functools.partial(jax.jit, static_argnums=1)
def _values(words: jax.Array, bits: int) -> jax.Array:
    return grid.value_fixed(words, bits)


def draw_again(images: np.ndarray, model: Model, settings: Settings, *, seed: int) -> Draws:
    """Draws samples of the latents with a stream of its own for each image.

    The images of a file share candidates, so that their samples are not independent and cannot be tested as such.

    Args:
        images: The images, uint8 [count, *shape].
        model: The model.
        settings: How the latents are sent.
        seed: The seed of the streams.

    Returns:
        The samples in the form that `recjax.rec.diagnostics.bias` takes.
    """
    plan, key = make_plan(model, settings), randomness.key(seed)
    flat = images.reshape(len(images), model.pixels)
    batches = []
    for start in range(0, len(flat), BATCH):
        batch = flat[start : start + BATCH]
        key_of_batch = randomness.fold_in(key, randomness.MEASUREMENT, start)
        q = targets(model, plan, relative_entropy.pad(batch))
        encoded = rec.encode(plan.algorithm, key_of_batch, q, Normal(0.0, 1.0), bins=plan.bins)
        drawn = _evidence(key_of_batch, q, encoded.sample)
        batches.append(Draws(*(np.asarray(field)[: len(batch)] for field in drawn)))
    uniforms, ranks, residuals = pool(batches)
    return Draws(uniforms[:, plan.used], ranks, residuals[:, plan.used])


@jax.jit
def _evidence(key: randomness.Key, q: Normal, sample: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Returns the fields of Draws; coordinates that pad blocks follow the prior, and their log ratio is 0."""
    count, *own = sample.shape
    of_image = tuple(range(-len(own), 0))
    residuals = q.standardise(sample)
    images = jnp.arange(count, dtype=jnp.uint32)[:, None]
    exact = jnp.arange(_EXACT_DRAWS + 1, dtype=jnp.uint32)
    words = randomness.words(key, randomness.TRIAL, (images, exact), math.prod(own))
    noise = grid.value(words[:, 1:] >> (32 - grid.BITS)).reshape(count, _EXACT_DRAWS, *own)
    expand = Normal(jnp.asarray(q.loc)[:, None], jnp.asarray(q.scale)[:, None])

    def log_ratio(z, e):
        return 0.5 * jnp.sum(jnp.square(z) - jnp.square(e), axis=of_image)

    of_exact = log_ratio(expand.loc + expand.scale * noise, noise)
    below = jnp.sum(of_exact < log_ratio(sample, residuals)[:, None], axis=1)
    ranks = (below + words[:, 0, 0] * jnp.float32(2.0**-32)) / (_EXACT_DRAWS + 1)
    return q.cdf(sample), ranks, residuals
