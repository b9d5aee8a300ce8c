"""Encodes pictures as samples of the latents of implicit neural representations, each picture decodable alone.

Fitting makes posteriors (`recjax.models.inr.fit`), searches send samples of them block by block
(`recjax.codecs.lossy.search`), and a decoder renders the latents that the codes name, in integers, so that a file has
the same pixels everywhere (arXiv:2405.12203, section on implicit neural representations; RECOMBINER, arXiv:2309.17182).
A picture has latents on several levels, and a level has latents for each square of some patches; a file has a message
for each square of each level of a picture.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8

from recjax import grid, randomness, rec, sizes
from recjax.codecs.lossy import search as inr_search
from recjax.codecs.lossy.layout import Layout
from recjax.codecs.lossy.plan import CODE_BITS, INRSettings, Level, make_levels
from recjax.codecs.lossy.search import STEPS_AT_ONCE, Limits, SendingState, SentLevel
from recjax.models.inr import exact as inr_exact
from recjax.models.inr import fit as inr_fit
from recjax.models.inr import model as inr_model
from recjax.models.inr.fit import Fit
from recjax.models.inr.model import Floats, INRModel
from recjax.models.inr.network import from_patches
from recjax.quantiles import FRACTION_BITS

_ROUNDS_AT_ONCE = 5
"""Rounds of steps in one compiled call, after which progress is reported."""


@dataclass(frozen=True)
class Effort:
    """Holds how long an encoder fits, and how much it sends in a block.

    Attributes:
        first_steps: Steps of fitting before anything is sent, a multiple of 10, at least 10.
        steps_between: Steps of fitting after each block is sent, a multiple of 10.
        room_bits: KL divergence that a block may have beyond what its bins send, in bits. None takes what its
            candidates carry without bias: log2 of their number, less 3.
        fill: Whether blocks are filled up to that limit even if the bits are not worth their cost.
    """

    first_steps: int = 1000
    steps_between: int = 50
    room_bits: float | None = None
    fill: bool = False

    def __post_init__(self) -> None:
        for name, least in (("first_steps", STEPS_AT_ONCE), ("steps_between", 0)):
            steps = getattr(self, name)
            if steps < least or steps % STEPS_AT_ONCE:
                raise ValueError(f"{name} must be a multiple of {STEPS_AT_ONCE}, {least} at least, got {steps}.")


class EncoderProgress(NamedTuple):
    """Tells how far an encoder is with a batch of pictures.

    Attributes:
        done: Number of steps done.
        total: Number of all steps.
        psnr: Quality of pictures drawn from the posteriors, in dB.
        bits: Approximate codelength of the batch, in bits.
        count: Number of pictures in the batch.
        ends: Number of steps at which the fitting before anything is sent ends, and then those at which the sending of
            each level ends.
    """

    done: int
    total: int
    psnr: float
    bits: float
    count: int
    ends: tuple[int, ...]


Progress = Callable[[EncoderProgress], None]


class SentPictures(NamedTuple):
    """Holds what was sent of pictures.

    Attributes:
        found: The outcome of the searches of each level, [picture, square, ...].
        pixels: The pictures that a decoder shows.
        divergence_bits: For each level, the KL divergences of the blocks when they were sent, in bits, in the order of
            sending.
        weight: The weight of the squared error at the end.
    """

    found: tuple[SentLevel, ...]
    pixels: UInt8[np.ndarray, "picture y x channel"]
    divergence_bits: tuple[Float[np.ndarray, "picture square round"], ...]
    weight: float


def whole_patches(model: INRModel, pictures: np.ndarray) -> UInt8[np.ndarray, "picture y x channel"]:
    """Extends pictures to whole patches by repeating their last rows and columns.

    Args:
        model: The model.
        pictures: The pictures.

    Returns:
        The extended pictures.
    """
    rows, columns = (-size % side for size, side in zip(pictures.shape[1:3], _sides(model), strict=True))
    return np.pad(pictures, ((0, 0), (0, rows), (0, columns), (0, 0)), mode="edge")


def patches_of(model: INRModel, height: int, width: int) -> tuple[int, int]:
    """Returns the rows and columns of patches that cover a picture.

    Args:
        model: The model.
        height: Height of the picture, in pixels.
        width: Width of the picture, in pixels.

    Returns:
        Rows and columns.
    """
    return -(-height // model.shape.height), -(-width // model.shape.width)


def _sides(model: INRModel) -> tuple[int, int]:
    return model.shape.height, model.shape.width


def fit(
    pictures: UInt8[np.ndarray, "picture y x channel"],
    model: INRModel,
    settings: INRSettings,
    steps: int,
    *,
    weight: float,
    seed: int,
    progress: Progress | None = None,
) -> Fit:
    """Fits the posteriors of pictures without regard to the blocks in which they will be sent.

    Searches with several settings of the same prior can each start from the result.

    Args:
        pictures: The pictures.
        model: The model.
        settings: The settings, of which the prior matters.
        steps: Number of steps, a multiple of STEPS_AT_ONCE.
        weight: The weight of the squared error in the objective.
        seed: The seed of the noise.
        progress: Called with `EncoderProgress` meanwhile; None reports nothing.

    Returns:
        The posteriors, [picture, square, variable] for each level.
    """
    run = _Run(model, settings, Effort(steps, 0), whole_patches(model, pictures), randomness.key(seed), progress)
    return run.fitted(run.tune(run.start(weight), steps, room_bits=np.inf))


def search(
    pictures: UInt8[np.ndarray, "picture y x channel"],
    model: INRModel,
    settings: INRSettings,
    effort: Effort,
    *,
    weight: float,
    divergence_bits: float = 0.0,
    seed: int,
    fitted: Fit | None = None,
    progress: Progress | None = None,
) -> SentPictures:
    """Fits the posteriors of pictures and sends samples of them, all pictures together.

    Args:
        pictures: The pictures.
        model: The model.
        settings: How the latents are sent.
        effort: How long is fitted.
        weight: The weight of the squared error in the objective, at the start.
        divergence_bits: KL divergence of all pictures together, in bits, to which the weight is steered before anything
            is sent; 0 keeps the weight.
        seed: The seed of the randomness that encoder and decoder share; the noise of fitting depends on it, too.
        fitted: Posteriors to start from, from `fit`; None starts afresh.
        progress: Called with `EncoderProgress` meanwhile; None reports nothing.

    Returns:
        What was sent.
    """
    key = randomness.key(seed)
    run = _Run(model, settings, effort, whole_patches(model, pictures), key, progress)
    sending = run.start(weight, fitted)
    # Posteriors start narrow, so that their divergence says nothing before some steps are done. Where they start
    # afresh, it therefore steers the weight in the second half of the first steps only.
    untold = effort.first_steps // (2 * STEPS_AT_ONCE) * STEPS_AT_ONCE if fitted is None else 0
    sending = run.tune(sending, untold)
    sending = run.tune(sending, effort.first_steps - untold, divergence_bits)
    private, rounds = randomness.fold_in(key, randomness.PRIVATE), 0
    sent_levels, divergences = [], []
    for number, level in enumerate(run.levels):
        of_level = inr_search.nothing_found(level, sending.sent[number])
        count = np.int32(run.layout.squares[number])
        bits = []
        for _ in range(level.plan.shape[0]):
            of_blocks = np.asarray(inr_search.block_bits(sending, run.fillings)[number])
            bits.append(run.layout.by_picture(number, of_blocks.max(axis=-1)))
            run.sent_bits += float(np.maximum(bits[-1], _mean_bins(level)).sum()) + CODE_BITS * bits[-1].size
            own = randomness.fold_in(private, rounds)
            sending, of_level = inr_search.send(number, level, level_key(key, number), own, count, sending, of_level)
            rounds += 1
            if rounds < run.blocks:
                sending = run.tune(sending, effort.steps_between)
        sent_levels.append(jax.tree.map(partial(run.layout.by_picture, number), of_level))
        divergences.append(np.stack(bits, axis=-1))
    words = tuple(of_level.words for of_level in sent_levels)
    shown = show(model, settings.prior, run.levels, words, *pictures.shape[1:3])
    return SentPictures(tuple(sent_levels), shown, tuple(divergences), float(sending.weight))


class _Run:
    """Takes the steps of fitting and reports progress; it holds the only state of a search outside compiled code."""

    def __init__(self, model: INRModel, settings: INRSettings, effort: Effort, pictures: np.ndarray, key, progress):
        self.levels = make_levels(model, settings)
        self.fillings = tuple(level.filling for level in self.levels)
        self.layout = Layout(model.spans, len(pictures), *patches_of(model, *pictures.shape[1:3]))
        blocks = np.cumsum([level.plan.shape[0] for level in self.levels]).tolist()
        self.blocks = blocks[-1]
        self._floats: Floats = inr_model.floats(model, settings.prior)
        pixels = sizes.repeat_last(inr_fit.pixels_of(model.shape, pictures), self.layout.padded_patches)
        self._pixels, self._whole = jax.device_put((pixels, self.layout.mosaic()))
        self._values = pictures.size
        room = settings.candidates_log2 - 3.0 if effort.room_bits is None else effort.room_bits
        self._limits = Limits(room, 0.0 if effort.fill else 1.0, 0.0)
        self._shape = model.shape
        self._count, self._noise, self._progress = len(pictures), jax.random.wrap_key_data(key), progress
        between = (min(count, self.blocks - 1) * effort.steps_between for count in blocks)
        self._ends = (effort.first_steps, *(effort.first_steps + steps for steps in between))
        self._done, self._total = 0, self._ends[-1]
        self.sent_bits = 0.0

    def start(self, weight: float, fitted: Fit | None = None) -> SendingState:
        if fitted is None:
            fitted = inr_fit.fresh(self._shape, [(count,) for count in self.layout.padded_squares])
        else:
            fitted = self.layout.padded_fit(fitted)
        return inr_search.start(self.levels, fitted, self.layout.squares, weight)

    def fitted(self, sending: SendingState) -> Fit:
        """Returns the posteriors by picture."""
        return self.layout.fit_by_picture(sending.fit)

    def tune(
        self, sending: SendingState, steps: int, divergence_bits: float = 0.0, room_bits: float | None = None
    ) -> SendingState:
        limits = self._limits._replace(divergence_bits=divergence_bits)
        if room_bits is not None:
            limits = limits._replace(room_bits=room_bits)
        for start in range(0, steps, _ROUNDS_AT_ONCE * STEPS_AT_ONCE):
            rounds = min(steps - start, _ROUNDS_AT_ONCE * STEPS_AT_ONCE) // STEPS_AT_ONCE
            own = jax.random.fold_in(self._noise, self._done)
            sending, (errors, bits) = inr_search.tune(
                self._shape,
                self._whole,
                self._floats,
                self.fillings,
                limits,
                sending,
                self._pixels,
                own,
                np.int32(rounds),
            )
            self._done += rounds * STEPS_AT_ONCE
            if self._progress:
                psnr = float(-10 * np.log10(np.sum(errors) / self._values))
                sent = self.sent_bits + float(bits)
                self._progress(EncoderProgress(self._done, self._total, psnr, sent, self._count, self._ends))
        return sending


def _mean_bins(level: Level) -> float:
    """Returns the mean number of bits that the bins of a block send."""
    return float(level.filling.bin_bits.sum()) / level.plan.shape[0]


def level_key(key: randomness.Key, number: int) -> randomness.Key:
    """Derives the key of the streams of a level's blocks.

    Args:
        key: Shared randomness.
        number: Number of the level.

    Returns:
        The key.
    """
    return randomness.fold_in(key, randomness.LEVELS, number)


def show(
    model: INRModel,
    prior: int,
    parts: tuple[Level, ...],
    words: tuple[np.ndarray | jax.Array, ...],
    height: int,
    width: int,
) -> UInt8[np.ndarray, "picture y x channel"]:
    """Renders the pictures that the words of samples stand for.

    Args:
        model: The model.
        prior: Number of the prior.
        parts: How the latents of each level are sent.
        words: Words of the samples of each level, [picture, square, block, dim].
        height: Height of a picture, in pixels.
        width: Width of a picture, in pixels.

    Returns:
        The pictures.
    """
    tall, wide = patches_of(model, height, width)
    layout = Layout(model.spans, len(words[0]), tall, wide)
    rows = (layout.padded(number, np.asarray(own)) for number, own in enumerate(words))
    units = tuple(_units(level, own, model.shape.variables) for level, own in zip(parts, rows, strict=True))
    patches = np.asarray(inr_model.render(model, np.int32(prior), units, layout.mosaic()))[: layout.patches]
    return from_patches(model.shape, patches, tall, wide)[:, :height, :width]


@partial(jax.jit, static_argnums=2)
def _units(level: Level, words: jax.Array, variables: int) -> jax.Array:
    dropped = FRACTION_BITS - inr_exact.UNIT_BITS
    values = (grid.value_fixed(level.plan.merge(words)) + (1 << (dropped - 1))) >> dropped
    return jnp.zeros((*values.shape[:-1], variables), jnp.int32).at[..., level.latents].set(values)


# Under jit the values of codes are not checked, so that those of a damaged file decode to some words and raise nothing.
@jax.jit
def words_of(level: Level, key: randomness.Key, code: rec.Code) -> jax.Array:
    """Decodes the codes of a level to words.

    Args:
        level: How the latents of the level are sent.
        key: The key of the level, from `level_key`.
        code: Codes [square, block, ...].

    Returns:
        Words [square, block, dim].
    """
    return rec.decode_words(
        level.plan.algorithm, key, code, code.interval.shape, bins=level.plan.bins, shared_axes=(0,)
    )
