"""Images as samples of the latents of implicit neural representations: lossy files, each image decodable alone.

Fitting makes posteriors, searches send them block by block (`inr_search`), and a decoder renders what the codes name in
integers, so that a file has the same pixels everywhere (arXiv:2405.12203, section on implicit neural representations;
RECOMBINER, arXiv:2309.17182).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8

from recjax import grid, randomness, rec
from recjax.codecs import inr_fit, inr_search
from recjax.codecs.inr_search import Limits, Sending
from recjax.codecs.plan import Plan
from recjax.models import inr_exact, inr_model
from recjax.models.inr_model import INRModel
from recjax.quantiles import FRACTION_BITS

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Effort:
    """How long an encoder fits. first_steps: before anything is sent. steps_between: after each block. chunk: steps of
    one compiled call, after which progress is told."""

    first_steps: int = 1500
    steps_between: int = 50
    chunk: int = 50


class Sent(NamedTuple):
    """What was sent of images. code: of all blocks. words: [image, block, dim]. pixels: what a decoder shows."""

    code: rec.Code
    words: np.ndarray
    pixels: UInt8[np.ndarray, "image height width channel"]
    divergence_bits: Float[np.ndarray, "image block"]


def search(
    images: UInt8[np.ndarray, "image height width channel"],
    model: INRModel,
    plan: Plan,
    limits: Limits,
    effort: Effort,
    *,
    seed: int,
    progress: Progress | None = None,
) -> Sent:
    """Fit and send all images together; the KL divergence that each block had when it was sent is in the result."""
    key = randomness.key(seed)
    private = randomness.fold_in(key, randomness.PRIVATE)
    pixels, floats = inr_fit.pixels_of(jnp.asarray(images)), inr_model.floats(model)
    sending = inr_search.start(plan, inr_fit.start(model.shape, len(images)))
    noise, blocks = jax.random.key(seed), plan.shape[0]
    total, done = effort.first_steps + blocks * effort.steps_between, 0

    def tune(sending: Sending, steps: int) -> Sending:
        nonlocal done
        while steps > 0:
            now = min(steps, effort.chunk)
            own = jax.random.fold_in(noise, done)
            sending = inr_search.tune(model.shape, floats, plan, limits, sending, pixels, own, jnp.int32(now))
            steps, done = steps - now, done + now
            if progress:
                jax.block_until_ready(sending.prices)
                progress(done, total)
        return sending

    sending = tune(sending, effort.first_steps)
    divergences = np.zeros((len(images), blocks))
    for number in range(blocks):
        before = np.asarray(inr_search.block_bits(plan, sending))
        last = np.asarray(sending.sent)
        sending = inr_search.send(plan, key, randomness.fold_in(private, number), sending)
        fresh = plan.split(np.asarray(sending.sent) & ~last, False).any(axis=-1)
        divergences += np.where(fresh, before, 0.0)
        if number + 1 < blocks:
            sending = tune(sending, effort.steps_between)
    code = rec.Code(sending.index, sending.interval)
    return Sent(code, np.asarray(sending.words), show(model, plan, sending.words), divergences)


def show(model: INRModel, plan: Plan, words: jax.Array) -> UInt8[np.ndarray, "image height width channel"]:
    """The pixels that the words of samples [image, block, dim] name."""
    return np.asarray(_show(model, plan, words))


@jax.jit
def _show(model: INRModel, plan: Plan, words: jax.Array) -> jax.Array:
    dropped = FRACTION_BITS - inr_exact.UNIT_BITS
    units = (grid.value_fixed(plan.merge(words)) + (1 << (dropped - 1))) >> dropped
    return inr_model.render(model, units)


def psnr(a: UInt8[np.ndarray, "image *shape"], b: UInt8[np.ndarray, "image *shape"]) -> Float[np.ndarray, "image"]:
    """Peak signal-to-noise ratio of each image in dB."""
    errors = np.square(a.astype(np.float64) - b).reshape(len(a), -1).mean(axis=1)
    return 10 * np.log10(255.0**2 / np.maximum(errors, 1e-12))
