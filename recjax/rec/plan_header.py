"""Writes plans as bytes and reads them back, with the shape of the batch that they sent.

All fields are varints (`recjax.container.varint`), but for the letters of words:

    algorithm      number of letters of its name, and these in ASCII
    sizes          their number, then each in the order of the parameters of the algorithm's factory: 2 n for a number
                   n; 2 m + 1 and the m letters of a word
    batch          number of axes, then the size of each
    shared axes    the sum of 2^i over axes i whose indices share one stream
    latents        number of latents
    blocks         number of blocks, 0 for a scalar algorithm; then for each the number of its latents, and these
    partition      1 if there is one, else 0; then the number of intervals of each latent, in the order of the blocks
    index codes    for each block (each latent, for a scalar algorithm) the expected log2 of its index, for paths that
                   of the depth plus 1, in units of 1/256 bit

A reader refuses latents that are not each in one block, and sizes that the factory refuses.
"""

import inspect
import math
from typing import Any

import numpy as np

from recjax import grid
from recjax.container import varint
from recjax.errors import FormatError
from recjax.rec.algorithms.table import ALGORITHMS
from recjax.rec.arguments import as_bins
from recjax.rec.base import Bins, RECAlgorithm
from recjax.rec.blocks import Blocks
from recjax.rec.planned import Plan

MAX_SAMPLES = 1 << 26
"""Largest number of samples that bytes may name by default."""

_MAX_RANK = 16
_MAX_WORD = 64
_MAX_SIZE = 1 << 32
_MAX_INDEX_Q8 = 64 << 8


def write(plan: Plan, batch: tuple[int, ...]) -> bytes:
    """Writes a plan and the shape of a batch.

    Args:
        plan: The plan.
        batch: The shape of the batch.

    Returns:
        The bytes.

    Raises:
        ValueError: The algorithm is not in `rec.ALGORITHMS`, so that a reader could not make it again.
    """
    algorithm = plan.algorithm
    if algorithm.name not in ALGORITHMS:
        raise ValueError(
            f"the bytes of codes name an algorithm of rec.ALGORITHMS, got {algorithm.name!r}; add its factory there, "
            "where the bytes are read too"
        )
    given = algorithm.make.keywords
    values = [given[name] for name in inspect.signature(ALGORITHMS[algorithm.name]).parameters if name in given]
    mask = sum(1 << axis for axis in plan.shared_axes)
    fields = [len(batch), *batch, mask, plan.latents, 0 if plan.blocks is None else len(plan.blocks.place)]
    order = np.arange(plan.latents)
    if plan.blocks is not None:
        members = [block[block >= 0].tolist() for block in np.asarray(plan.blocks.place)]
        fields += [number for block in members for number in (len(block), *block)]
        order = np.concatenate(members)
    fields.append(int(plan.bins is not None))
    if plan.bins is not None:
        counts = np.asarray(plan.bins.intervals)
        fields += (counts if plan.blocks is None else plan.blocks.merge(counts))[order].tolist()
    fields += np.asarray(plan.index_bits_q8).tolist()
    sizes = varint.encode(len(values)) + b"".join(map(_size, values))
    return _word(algorithm.name, 0) + sizes + b"".join(varint.encode(int(field)) for field in fields)


def read(data: bytes, position: int, max_samples: int) -> tuple[Plan, tuple[int, ...], int]:
    """Reads a plan and the shape of a batch.

    Args:
        data: The bytes, and others.
        position: Where they begin.
        max_samples: Largest number of samples, all latents and paddings of the batch.

    Returns:
        The plan, the shape of the batch, and the position after them.

    Raises:
        FormatError: The bytes are not a plan, or name too many samples.
    """

    def take(name: str, lowest: int, highest: int) -> int:
        nonlocal position
        value, position = varint.decode(data, position, name, lowest, highest)
        return value

    def letters(count: int) -> str:
        nonlocal position
        text = data[position : position + count]
        position += count
        if len(text) < count or not text.isascii():
            raise FormatError("the codes end inside a word of their header, or it is none; fetch them again.")
        return text.decode("ascii")

    name = letters(take("length of the algorithm's name", 1, _MAX_WORD))
    values: list[Any] = []
    for _ in range(take("number of sizes", 0, _MAX_WORD)):
        half, is_word = divmod(take("size of the algorithm", 0, 2 * _MAX_SIZE + 1), 2)
        values.append(letters(min(half, _MAX_WORD)) if is_word else half)
    algorithm = _algorithm(name, values)
    batch = tuple(take("size of the batch", 0, max_samples) for _ in range(take("rank of the batch", 0, _MAX_RANK)))
    mask = take("shared axes", 0, (1 << len(batch)) - 1)
    latents = take("number of latents", 1, len(data))
    count = take("number of blocks", 0, latents)
    if (count == 0) is not algorithm.scalar:
        raise FormatError(f"the codes have {count} blocks, which {name} does not; they are damaged, fetch them again.")
    members = [
        [take("latent of a block", 0, latents - 1) for _ in range(take("latents of a block", 1, latents))]
        for _ in range(count)
    ]
    blocks, order = _blocks(members, latents, max_samples) if count else (None, np.arange(latents))
    shape = (latents,) if blocks is None else blocks.place.shape
    if math.prod(batch) * math.prod(shape) > max_samples:
        raise FormatError(
            f"the codes name more than {max_samples} samples; raise max_samples if you trust where they come from."
        )
    intervals = None
    if take("partition", 0, 1):
        intervals = np.ones(latents, np.int64)
        intervals[order] = [take("number of intervals", 1, grid.MAX_INTERVALS) for _ in range(latents)]
    index_bits_q8 = np.array([take("code of an index", 0, _MAX_INDEX_Q8) for _ in range(count or latents)], np.int64)
    bins = None if intervals is None else _bins(algorithm, intervals if blocks is None else blocks.split(intervals, 1))
    axes = tuple(axis for axis in range(len(batch)) if mask >> axis & 1)
    unknown = np.full(len(index_bits_q8), np.nan)
    return Plan(blocks, bins, index_bits_q8, unknown, unknown, algorithm, axes), batch, position


def _size(value: Any) -> bytes:
    return _word(value, 1) if isinstance(value, str) else varint.encode(2 * int(value))


def _word(text: str, is_size: int) -> bytes:
    length = 2 * len(text) + 1 if is_size else len(text)
    return varint.encode(length) + text.encode("ascii")


def _algorithm(name: str, values: list[Any]) -> RECAlgorithm:
    if name not in ALGORITHMS:
        raise FormatError(f"the codes are of {name!r}, which is not in rec.ALGORITHMS here; add its factory.")
    make = ALGORITHMS[name]
    parameters = list(inspect.signature(make).parameters.values())[: len(values)]
    # A word is legal where a word is usual.
    if any(
        isinstance(value, str) is not isinstance(known.default, str)
        for value, known in zip(values, parameters, strict=False)
    ):
        raise FormatError(f"the codes state a word for a size of {name}, or a size for a word; fetch them again.")
    try:
        return make(**{known.name: value for known, value in zip(parameters, values, strict=True)})
    except (ValueError, TypeError) as error:
        raise FormatError(f"the codes state sizes that {name} does not take: {error}") from None


def _bins(algorithm: RECAlgorithm, counts: np.ndarray) -> Bins | None:
    try:
        return as_bins(algorithm, counts)
    except ValueError as error:
        raise FormatError(f"the codes state bins that {algorithm.name} does not take: {error}") from None


def _blocks(members: list[list[int]], latents: int, max_samples: int) -> tuple[Blocks, np.ndarray]:
    """Returns blocks of these latents, and all latents in the order of the blocks."""
    order, dim = np.array([latent for block in members for latent in block]), max(map(len, members))
    if len(order) != latents or (np.sort(order) != np.arange(latents)).any():
        raise FormatError("the latents of the codes are not each in one block; they are damaged, fetch them again.")
    if len(members) * dim > max_samples:
        raise FormatError(
            f"the blocks of the codes take more than {max_samples} places; raise max_samples if you trust them."
        )
    place = np.full((len(members), dim), -1, np.int64)
    sizes = np.array([len(block) for block in members])
    place[np.arange(dim) < sizes[:, None]] = order
    return Blocks(place, np.argsort(place, axis=None)[-latents:]), order
