"""The shared tail of a message: bytes of all lanes in order, without a sort.

A push sheds up to two bytes a lane: the first bytes in the order of the lanes, then the second ones. A pop takes them
back from the end. Heads do not depend on what was shed before, so many pushes can be written at once (`Pending`).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int32, UInt8, UInt32

Shed = UInt32[Array, "*batch lanes"]
"""What a push sheds in each lane: bytes 0 and 1, how many of them from bit 16 on, and bit 18 where it had no mass."""

_COUNT_SHIFT, _NO_MASS_SHIFT = 16, 18


class Pending(NamedTuple):
    """In the place of a tail: what pushes have shed so far, oldest first, to be written when all of them are done."""

    shed: tuple[UInt32[Array, "*batch pushes lanes"], ...] = ()

    def joined(self, head: UInt32[Array, "*batch lanes"]) -> UInt32[Array, "*batch pushes lanes"]:
        """All of it, for heads of this shape."""
        if not self.shed:
            return jnp.zeros((*head.shape[:-1], 0, head.shape[-1]), jnp.uint32)
        return jnp.concatenate(self.shed, axis=-2)


def shed_word(
    head: UInt32[Array, "*batch lanes"], count: UInt32[Array, "*batch lanes"], no_mass: Bool[Array, "*batch lanes"]
) -> Shed:
    """The low `count` bytes of a head, as one word."""
    return (head & 0xFFFF) | (count << _COUNT_SHIFT) | (no_mass.astype(jnp.uint32) << _NO_MASS_SHIFT)


def append(
    tail: UInt8[Array, "capacity"], size: Int32[Array, ""], shed: UInt32[Array, "pushes lanes"]
) -> tuple[UInt8[Array, "capacity"], Int32[Array, ""], Bool[Array, ""]]:
    """The tail with all that pushes shed behind it, its size (which may exceed it), and whether any had no mass."""
    count = (shed >> _COUNT_SHIFT) & 3
    flags = jnp.concatenate([count >= 1, count >= 2], axis=-1).reshape(-1)
    values = jnp.concatenate([shed, shed >> 8], axis=-1).astype(jnp.uint8).reshape(-1)
    rank, total = _rank(flags)
    # Distinct places out of range, as the scatter is told that no place occurs twice.
    nowhere = tail.shape[0] + jnp.arange(flags.shape[0], dtype=jnp.int32)
    tail = tail.at[jnp.where(flags, size + rank, nowhere)].set(values, mode="drop", unique_indices=True)
    return tail, size + total, jnp.any(shed >> _NO_MASS_SHIFT != 0)


def take(
    tail: UInt8[Array, "capacity"], size: Int32[Array, ""], flags: Bool[Array, "n"]
) -> tuple[UInt32[Array, "n"], Bool[Array, "n"], Int32[Array, ""]]:
    """The last bytes of the tail, as many as there are flags, in order; which flags found one; and how many flags."""
    rank, count = _rank(flags)
    place = size - count + rank
    return tail.at[place].get(mode="clip").astype(jnp.uint32), flags & (place >= 0), count


def _rank(flags: Bool[Array, "n"]) -> tuple[Int32[Array, "n"], Int32[Array, ""]]:
    """Number of flags before each place, and their total, by counting bits: XLA's cumsum takes twice the time."""
    width = min(32, flags.shape[0])
    rows = jnp.pad(flags, (0, -flags.shape[0] % width)).reshape(-1, width)
    bit = jnp.uint32(1) << jnp.arange(width, dtype=jnp.uint32)
    word = jnp.sum(jnp.where(rows, bit[None], 0), axis=-1, dtype=jnp.uint32)
    inclusive = jnp.cumsum(jax.lax.population_count(word))
    before = (inclusive - jax.lax.population_count(word))[:, None] + jax.lax.population_count(
        word[:, None] & (bit - 1)[None]
    )
    return before.reshape(-1)[: flags.shape[0]].astype(jnp.int32), inclusive[-1].astype(jnp.int32)
