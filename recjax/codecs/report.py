"""What the bits of a file are spent on: ideal and actual rates, the bias of the samples, and the time it took."""

import functools
import time
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8

from recjax import randomness, rec
from recjax.codecs import bits_back, lossless, relative_entropy
from recjax.codecs.plan import Plan, Settings, make_plan, targets
from recjax.codecs.relative_entropy import BATCH, Encoding
from recjax.coding import integers
from recjax.coding.message import MASS_BITS
from recjax.coding.normal import inverse_cdf
from recjax.distributions.normal import Normal
from recjax.models import model as models
from recjax.models.model import Model
from recjax.rec.base import Status
from recjax.rec.diagnostics import Bias, bias

_TRIAL = 2


@dataclass(frozen=True)
class Report:
    """A file and what it is made of; bits are totals per image.

    ideal_bits: latent_bits + likelihood_bits. latent_bits: ideal length of the codes (bits-back: of the latents under
    the prior, less what their choice gave back). likelihood_bits: -log2 p(x | z) at the z that was sent. initial_bits:
    of the chain (bits-back). bias: of the samples, drawn once more with a stream per image, so that draws are
    independent; None for bits-back. exhausted: searches that ended by their budget. blocks: searches per image.
    """

    data: bytes
    ideal_bits: Float[np.ndarray, "image"]
    latent_bits: Float[np.ndarray, "image"]
    likelihood_bits: Float[np.ndarray, "image"]
    initial_bits: int
    encode_seconds: float
    bias: dict[str, float] | None
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
) -> Report:
    """Compress (without decoding) and tell what the bits are spent on."""
    images = lossless.check_images(images, model)
    settings = lossless.make_settings(model, method, partition, candidates, block_bits)
    start = time.perf_counter()
    if settings is None:
        data, initial_bits = bits_back.encode(images, model, seed=seed)
        seconds = time.perf_counter() - start
        latent, likelihood = ideal_bits_of_chain(images, model, seed=seed)
        return Report(data, latent + likelihood, latent, likelihood, initial_bits, seconds, None, 0, 0)
    encoding = relative_entropy.encode(images, model, settings, seed=seed)
    seconds = time.perf_counter() - start
    latent, likelihood = ideal_bits_of_searches(images, model, settings, encoding)
    sample_bias = measure_bias(images, model, settings, seed=seed)
    exhausted = int(np.sum(encoding.info.status == Status.BUDGET))
    blocks = encoding.info.status.shape[1]
    return Report(
        encoding.data, latent + likelihood, latent, likelihood, 0, seconds, sample_bias._asdict(), exhausted, blocks
    )


def ideal_bits_of_chain(images: np.ndarray, model: Model, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Ideal bits of each image, for its latents (prior less posterior) and its pixels, at a fresh draw of latents."""
    flat = images.reshape(len(images), model.pixels)
    latent_bits, rows = _fresh_draw(model, bits_back.GRID_BITS, randomness.key(seed), flat)
    return np.asarray(latent_bits), models.symbol_bits(model, np.asarray(rows), flat)


@functools.partial(jax.jit, static_argnums=1)
def _fresh_draw(model: Model, bits: int, key: randomness.Key, images: jax.Array) -> tuple[jax.Array, jax.Array]:
    q = bits_back.image_codec(model, bits).posterior(images.T)
    drawn = randomness.words(key, randomness.TRIAL, (jnp.arange(len(images), dtype=jnp.uint32),), model.latents).T
    words, mass = inverse_cdf(drawn >> (32 - MASS_BITS), *q, bits)
    latent_bits = jnp.sum(bits - MASS_BITS + jnp.log2(mass.astype(jnp.float32)), axis=0)
    return latent_bits, bits_back.symbol_rows(model, words, bits).T


def ideal_bits_of_searches(
    images: np.ndarray, model: Model, settings: Settings, encoding: Encoding
) -> tuple[np.ndarray, np.ndarray]:
    """Ideal bits of each image of an encoding, for the codes of its latents and for its pixels given those."""
    plan = make_plan(model, settings)
    flat = images.reshape(len(images), model.pixels)
    rows = np.asarray(relative_entropy.symbol_rows(model, jnp.asarray(encoding.words)))
    per_block = [integers.index_bits(masses, encoding.code.index[:, b]) for b, masses in enumerate(plan.masses)]
    return np.sum(per_block, axis=0) + plan.log2_bins.sum(), models.symbol_bits(model, rows, flat)


def measure_bias(images: np.ndarray, model: Model, settings: Settings, *, seed: int) -> Bias:
    """Bias of the latents' samples, drawn anew with a stream per image: those of a file share candidates."""
    plan, key = make_plan(model, settings), randomness.key(seed)
    flat = images.reshape(len(images), model.pixels)
    uniforms = []
    for start in range(0, len(flat), BATCH):
        trial = randomness.fold_in(key, _TRIAL, start)
        uniforms.append(np.asarray(_target_cdf(model, plan, trial, relative_entropy.pad(flat[start : start + BATCH]))))
    return bias(np.concatenate(uniforms)[: len(flat)][:, plan.blocks.used])


@jax.jit
def _target_cdf(model: Model, plan: Plan, key: randomness.Key, images: jax.Array) -> jax.Array:
    q = targets(model, plan, images)
    return q.cdf(rec.encode(plan.algorithm, key, q, Normal(0.0, 1.0), bins=plan.bins).sample)
