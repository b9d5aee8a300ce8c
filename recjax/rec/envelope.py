"""Turns codes into self-describing bytes and back; the plan and a check of the key are part of them.

The bytes are, with integers as varints (`recjax.container.varint`) where no size is given:

    3 bytes        RJC
    1 byte         1, the version of this format
    1 byte         version of the stream of shared randomness
    4 bytes        check of the key: the start of the SHA-256 of `recjax key` and its two words, big-endian
    header         the plan, and the shape of the batch (see `recjax.rec.plan_header`)
    body           one message for each element of the batch, packed as in a chunk of a file (container/FORMAT.md)
    4 bytes        CRC-32 of all bytes before, little-endian

A message is an open rANS message of one lane, on which the codes of all blocks lie: intervals of equal masses and an
index of a truncated zeta distribution; a depth plus 1 of such a distribution and a raw bit for each branch; for `mrc`,
a uniform index. The decoder pops all of it and must find the message empty.
"""

import hashlib
import math
import zlib
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from recjax import compiler, randomness, sizes
from recjax.coding import rans, serialize
from recjax.coding.rans import Message
from recjax.container import chunks
from recjax.errors import FormatError
from recjax.rec import plan_header
from recjax.rec.arguments import check_code, shape_of
from recjax.rec.base import PATH_WORDS, Bins, Code, Path
from recjax.rec.planned import Plan

MAGIC = b"RJC"
VERSION = 1

_CRC_BYTES, _KEY_BYTES = 4, 4
_START = len(MAGIC) + 2 + _KEY_BYTES
_SIZES = (1, 8, 64, 256)
"""Numbers of messages that calls are padded to, so that few programs are compiled."""

_BATCH = _SIZES[-1]


class Received(NamedTuple):
    """Holds what `from_bytes` reads: the arguments of `rec.decode`, but for the key and the coding distribution.

    Attributes:
        plan: The plan of the encoder. Its `expected_bits` and `bias`, which no decoder needs, are not a number.
        code: The codes, as `encode` returned them.

    Example:
        >>> import numpy as np, recjax
        >>> from recjax import rec
        >>> plan, key, p = rec.plan([2.0, 1.0]), recjax.key(3), recjax.Normal(0.0, 1.0)
        >>> encoded = rec.encode(plan, key, recjax.Normal(np.array([0.9, -0.3]), 0.3), p)
        >>> received = rec.from_bytes(rec.to_bytes(plan, key, encoded.code), key)
        >>> received.plan.candidates == plan.candidates, received.code.index.shape
        (True, (1,))
    """

    plan: Plan
    code: Code | Path


@compiler.in_32_bits
def to_bytes(plan: Plan, key: randomness.AnyKey, code: Code | Path) -> bytes:
    """Turns codes into bytes that describe themselves.

    Beside the codes, the bytes hold the plan and a check of the key (together some 60 bytes for 10 latents), and for
    each element of the batch the length of its codes (3 to 5 bits). Call this function outside of `jit`.

    Args:
        plan: The plan that encoded. Another coder needs one too, from `rec.plan(..., algorithm=...)`.
        key: The key that encoded. The bytes hold a check of it, and not the key.
        code: The codes, as `encode` returned them with this plan.

    Returns:
        The bytes. Whoever has the key and the coding distribution decodes them with `from_bytes` and `rec.decode`. The
        coding distribution belongs to the model: the bytes know nothing of it.

    Raises:
        ValueError: The plan is none or cannot have sent these codes, or the key is none.

    Example:
        >>> import numpy as np, recjax
        >>> from recjax import rec
        >>> plan, key, p = rec.plan([2.0, 1.0]), recjax.key(3), recjax.Normal(0.0, 1.0)
        >>> encoded = rec.encode(plan, key, recjax.Normal(np.array([0.9, -0.3]), 0.3), p)
        >>> data = rec.to_bytes(plan, key, encoded.code)
        >>> data[:3]
        b'RJC'
        >>> received, code = rec.from_bytes(data, key)
        >>> bool((rec.decode(received, key, p, code) == encoded.sample).all())
        True
    """
    if not isinstance(plan, Plan):
        raise ValueError(
            f"bytes are written with a plan, got {type(plan).__name__}; make one with rec.plan(..., algorithm=...), "
            "and encode with it"
        )
    shape = shape_of(plan.algorithm, code)
    batch = plan.batch_of(shape)
    code = check_code(plan.algorithm, jax.tree.map(np.asarray, code), shape, plan.bins)
    head = MAGIC + bytes([VERSION, randomness.STREAM_VERSION]) + _check_of(key) + plan_header.write(plan, batch)
    rows = math.prod(batch)
    flat = jax.tree.map(lambda leaf: leaf.reshape(rows, *leaf.shape[len(batch) :]), code)
    payload, lengths = b"", np.zeros(0, np.int64)
    if rows:
        messages = [_push_rows(plan, _part(flat, start)) for start in _starts(rows)]
        whole = jax.tree.map(lambda *parts: np.concatenate(parts), *messages)
        payload, lengths = serialize.to_bits(whole)
    data = head + chunks.pack_messages(payload, lengths)
    return data + zlib.crc32(data).to_bytes(_CRC_BYTES, "little")


@compiler.in_32_bits
def from_bytes(
    data: bytes,
    key: randomness.AnyKey,
    *,
    plan: Plan | None = None,
    max_samples: int = plan_header.MAX_SAMPLES,
) -> Received:
    """Reads the codes, and the plan that they were made with, from the bytes of `to_bytes`.

    Args:
        data: The bytes.
        key: The key of the encoder.
        plan: A plan that the bytes must have been made with; None takes whatever plan they hold.
        max_samples: Largest number of samples, all latents of the batch, that the bytes may name; more are refused.

    Returns:
        The plan and the codes, for `rec.decode`.

    Raises:
        FormatError: The bytes are no codes, damaged, truncated, of a later version, of another key or another plan, or
            name too many samples.
        ValueError: The key is none, or the data are no bytes.

    Example:
        >>> import numpy as np, recjax
        >>> from recjax import rec
        >>> plan, key, p = rec.plan([2.0, 1.0]), recjax.key(3), recjax.Normal(0.0, 1.0)
        >>> encoded = rec.encode(plan, key, recjax.Normal(np.array([0.9, -0.3]), 0.3), p)
        >>> data = rec.to_bytes(plan, key, encoded.code)
        >>> try:
        ...     rec.from_bytes(data, recjax.key(4))
        ... except ValueError as error:
        ...     print(error)
        the codes were made with another key; give the key of the encoder.
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        raise ValueError(f"codes are read from bytes, got a {type(data).__name__}; give what to_bytes returned")
    data = bytes(data)
    if data[: len(MAGIC)] != MAGIC:
        raise FormatError("the bytes do not begin with RJC; they are no codes of rec.to_bytes.")
    if len(data) < _START + _CRC_BYTES:
        raise FormatError("the codes end inside their header; they are truncated, fetch them again.")
    if data[3] > VERSION or data[4] > randomness.STREAM_VERSION:
        raise FormatError(
            f"the codes have format {data[3]} and stream {data[4]}, this recjax reads up to {VERSION} and "
            f"{randomness.STREAM_VERSION}; upgrade recjax."
        )
    inner = data[:-_CRC_BYTES]
    if zlib.crc32(inner).to_bytes(_CRC_BYTES, "little") != data[-_CRC_BYTES:] or data[3] < 1 or data[4] < 1:
        raise FormatError("the checksum of the codes is wrong; they are damaged or truncated, fetch them again.")
    if inner[5:_START] != _check_of(key):
        raise FormatError("the codes were made with another key; give the key of the encoder.")
    stated, batch, position = plan_header.read(inner, _START, max_samples)
    if plan is not None and inner[_START:position] != plan_header.write(plan, batch):
        raise FormatError(
            f"the codes were made with another plan, of {stated.algorithm.name} for {stated.latents} latents; give "
            "that of the encoder, or none."
        )
    messages = chunks.unpack_messages(inner[position:], math.prod(batch))
    return Received(stated if plan is None else plan, _pop_all(stated, batch, messages))


def _check_of(key: randomness.AnyKey) -> bytes:
    words = np.asarray(randomness.as_key(key, ()), ">u4").tobytes()
    return hashlib.sha256(b"recjax key" + words).digest()[:_KEY_BYTES]


def _starts(rows: int) -> range:
    return range(0, rows, _BATCH)


def _padded(rows: int) -> int:
    return next(size for size in _SIZES if size >= rows)


def _part(tree: Any, start: int, size: int = _BATCH) -> Any:
    return jax.tree.map(lambda leaf: leaf[start : start + size], tree)


def _capacity(plan: Plan) -> int:
    """Returns a size in bytes that no message exceeds: 16 bits an interval; 48 for an index that escapes, 64 a path."""
    return len(plan.index_bits_q8) * (2 * plan.shape[-1] + 24 if plan.blocks is not None else 24) + 8


def _push_rows(plan: Plan, code: Any) -> Message:
    """Pushes the codes [row, block, ...] of at most `_BATCH` rows, each to a message of its own."""
    rows = len(jax.tree.leaves(code)[0])
    padded = jax.tree.map(lambda leaf: sizes.repeat_last(leaf, _padded(rows)), code)
    message = _push(*_codec_of(plan), _capacity(plan), plan.index_masses, plan.bins, padded)
    return _part(jax.tree.map(np.asarray, message), 0, rows)


def _pop_all(plan: Plan, batch: tuple[int, ...], messages: chunks.Messages) -> Any:
    capacity, rows = _capacity(plan), math.prod(batch)
    if messages.lengths_bits.max(initial=0) > 8 * (capacity + 4):
        raise FormatError("a message is longer than any of its plan; the codes are damaged, fetch them again.")
    parts = []
    for start in _starts(rows):
        part = serialize.from_bits(*messages.part(start, min(start + _BATCH, rows)), capacity)
        padded = jax.tree.map(lambda leaf: sizes.repeat_last(leaf, _padded(len(leaf))), part)
        rest, code = jax.tree.map(np.asarray, _pop(*_codec_of(plan), plan.index_masses, plan.bins, padded))
        if (rest.head != 1).any() or rest.size.any() or rest.fault.any():
            raise FormatError("a message does not end where its codes do; the codes are damaged, fetch them again.")
        parts.append(_part(code, 0, len(part.size)))
    whole = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts) if parts else _no_codes(plan)
    code = jax.tree.map(lambda leaf: leaf.reshape(*batch, *leaf.shape[1:]), whole)
    try:
        return check_code(plan.algorithm, code, (*batch, *plan.shape), plan.bins)
    except ValueError as error:
        raise FormatError(f"the codes are none of their plan: {error}") from None


def _no_codes(plan: Plan) -> Any:
    """Returns codes of no rows."""
    per_block: Any = np.zeros((0, len(plan.index_bits_q8)), np.uint32)
    if plan.algorithm.sends is Path:
        branches: Any = np.zeros((*per_block.shape, PATH_WORDS), np.uint32)
        return Path(per_block, branches)
    interval: Any = np.zeros((0, *plan.shape), np.uint32)
    return Code(interval, per_block)


def _codec_of(plan: Plan) -> tuple[Any, int]:
    """Returns what a compiled function depends on: the maker of the codec, and the dimension of a block."""
    return plan.algorithm.code_codec, 1 if plan.blocks is None else plan.shape[-1]


@partial(jax.jit, static_argnums=(0, 1, 2))
def _push(code_codec, dim: int, capacity: int, masses, bins: Bins | None, code) -> Message:
    symbol = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1)[..., None], code)
    message = rans.empty((len(jax.tree.leaves(code)[0]),), 1, capacity)
    return code_codec(masses, bins, dim).push(message, symbol)


@partial(jax.jit, static_argnums=(0, 1))
def _pop(code_codec, dim: int, masses, bins: Bins | None, message: Message) -> tuple[Message, Any]:
    rest, symbol = code_codec(masses, bins, dim).pop(message)
    return rest, jax.tree.map(lambda leaf: jnp.moveaxis(leaf[..., 0], -1, 0), symbol)
