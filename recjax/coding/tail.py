"""The shared tail of a message: bytes of all lanes in order, without a sort.

A push sheds up to two bytes per lane: first the first bytes of all lanes, in lane order, then the second ones. A pop
takes them back from the end. Heads do not depend on what was shed before, so the bytes of many pushes can be written at
once (`Pending`).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int32, UInt8, UInt32

Shed = UInt32[Array, "*batch lanes"]
"""What a push sheds in each lane: two bytes in bits 0-15, how many count in bits 16-17, and in bit 18 a mass of 0."""

_COUNT_SHIFT, _NO_MASS_SHIFT = 16, 18


class Pending(NamedTuple):
    """A placeholder for a tail that collects what pushes shed, to be written once all of them are done.

    Attributes:
        shed: What was shed, oldest first; each array holds `Shed` words, [*batch, pushes, lanes].
    """

    shed: tuple[UInt32[Array, "*batch pushes lanes"], ...] = ()

    def joined(self, head: UInt32[Array, "*batch lanes"]) -> UInt32[Array, "*batch pushes lanes"]:
        """Concatenates everything that was shed.

        Args:
            head: Heads, whose shape is used if nothing was shed.

        Returns:
            `Shed` words, uint32 [*batch, pushes, lanes].
        """
        if not self.shed:
            return jnp.zeros((*head.shape[:-1], 0, head.shape[-1]), jnp.uint32)
        return jnp.concatenate(self.shed, axis=-2)


def shed_word(
    head: UInt32[Array, "*batch lanes"], count: UInt32[Array, "*batch lanes"], no_mass: Bool[Array, "*batch lanes"]
) -> Shed:
    """Packs what a push sheds in each lane into one word.

    Args:
        head: Heads, whose low bytes are shed.
        count: Numbers of bytes shed, 0 to 2.
        no_mass: Whether the pushed symbol had mass 0.

    Returns:
        `Shed` words.
    """
    return (head & 0xFFFF) | (count << _COUNT_SHIFT) | (no_mass.astype(jnp.uint32) << _NO_MASS_SHIFT)


def append(
    tail: UInt8[Array, "capacity"], size: Int32[Array, ""], shed: UInt32[Array, "pushes lanes"]
) -> tuple[UInt8[Array, "capacity"], Int32[Array, ""], Bool[Array, ""]]:
    """Appends the bytes that pushes have shed to a tail.

    Args:
        tail: The tail.
        size: Bytes in use.
        shed: `Shed` words, oldest push first.

    Returns:
        The tail; its new size, which may exceed its capacity; and whether any symbol had mass 0.
    """
    count = (shed >> _COUNT_SHIFT) & 3
    flags = jnp.concatenate([count >= 1, count >= 2], axis=-1).reshape(-1)
    values = jnp.concatenate([shed, shed >> 8], axis=-1).astype(jnp.uint8).reshape(-1)
    rank, total = _rank(flags)
    # Distinct places out of range, as the scatter below promises that no place occurs twice.
    nowhere = tail.shape[0] + jnp.arange(flags.shape[0], dtype=jnp.int32)
    tail = tail.at[jnp.where(flags, size + rank, nowhere)].set(values, mode="drop", unique_indices=True)
    return tail, size + total, jnp.any(shed >> _NO_MASS_SHIFT != 0)


def take(
    tail: UInt8[Array, "capacity"], size: Int32[Array, ""], flags: Bool[Array, "n"]
) -> tuple[UInt32[Array, "n"], Bool[Array, "n"], Int32[Array, ""]]:
    """Takes the last bytes of a tail, one for each flag that is set, in order.

    Args:
        tail: The tail.
        size: Bytes in use.
        flags: Which of n places want a byte.

    Returns:
        The bytes, at the places of their flags; which flags got a byte, as the tail may be too short; and the number of
        flags.
    """
    rank, count = _rank(flags)
    place = size - count + rank
    return tail.at[place].get(mode="clip").astype(jnp.uint32), flags & (place >= 0), count


def _rank(flags: Bool[Array, "n"]) -> tuple[Int32[Array, "n"], Int32[Array, ""]]:
    """Counts the flags before each place, and all flags.

    It counts bits in words, which takes half the time of XLA's cumsum over flags.
    """
    width = min(32, flags.shape[0])
    rows = jnp.pad(flags, (0, -flags.shape[0] % width)).reshape(-1, width)
    bit = jnp.uint32(1) << jnp.arange(width, dtype=jnp.uint32)
    word = jnp.sum(jnp.where(rows, bit[None], 0), axis=-1, dtype=jnp.uint32)
    inclusive = jnp.cumsum(jax.lax.population_count(word))
    before = (inclusive - jax.lax.population_count(word))[:, None] + jax.lax.population_count(
        word[:, None] & (bit - 1)[None]
    )
    return before.reshape(-1)[: flags.shape[0]].astype(jnp.int32), inclusive[-1].astype(jnp.int32)
