"""Divides latents into blocks and puts them together again.

Latents are taken in a shared random order, and a new block begins whenever the budget of KL divergence is full. The
latents' mean KL divergences over the training set count, not those of the image at hand, so that the decoder knows the
blocks (RECOMBINER's rule; arXiv:2405.12203 splits at random too). Blocks are padded to one width, so that one compiled
search serves all.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from recjax import randomness


class Blocks(NamedTuple):
    """Tells which latents lie in which block: a pytree of NumPy or JAX arrays.

    Attributes:
        place: Number of the latent at each position of each block; -1 where a block is padded.
        position: Place of each latent in `place`, flattened.
    """

    place: Int[Array | np.ndarray, "block dim"]
    position: Int[Array | np.ndarray, "latent"]

    @property
    def used(self) -> Bool[Array | np.ndarray, "block dim"]:
        """Tells of each position whether it holds a latent; the others are padding."""
        return self.place >= 0

    def split(self, x: Any, padding: int | float) -> Any:
        """Moves latents to their places in the blocks.

        Args:
            x: An array [..., latent], of NumPy or JAX.
            padding: Value where a block is padded.

        Returns:
            An array [..., block, dim] of the type of x.
        """
        xp = np if isinstance(x, np.ndarray) else jnp
        return xp.where(self.used, x[..., xp.maximum(self.place, 0)], xp.asarray(padding, x.dtype))

    def merge(self, y: Any) -> Any:
        """Moves the contents of blocks back to one axis of latents, which undoes `split`.

        Args:
            y: An array [..., block, dim], of NumPy or JAX.

        Returns:
            An array [..., latent].
        """
        return y.reshape(*y.shape[:-2], -1)[..., self.position]


def permutation(key: randomness.Key, size: int) -> Int[np.ndarray, "size"]:
    """Draws a shared random permutation, as the order of random words of the stream.

    Args:
        key: Shared randomness.
        size: Number of elements.

    Returns:
        The numbers 0 ... size - 1 in random order.
    """
    words = randomness.words(key, randomness.PERMUTATION, (jnp.arange(size, dtype=jnp.uint32),), 1)
    return np.argsort(np.asarray(words)[:, 0], kind="stable")


def split_by_budget(
    kl_bits_q10: Int[np.ndarray, "latent"], budget_bits_q10: int, order: Int[np.ndarray, "latent"]
) -> Blocks:
    """Fills blocks in the given order until the next latent would exceed the budget.

    A latent that exceeds the budget alone gets a block alone.

    Args:
        kl_bits_q10: Mean KL divergence of each latent over the training set, in units of 1/1024 bit.
        budget_bits_q10: Largest sum of a block, in units of 1/1024 bit.
        order: Latents in the order in which they are taken, a permutation.

    Returns:
        The blocks.
    """
    blocks = _fill(kl_bits_q10, budget_bits_q10, order)
    place = np.full((len(blocks), max(map(len, blocks))), -1, np.int64)
    for row, block in enumerate(blocks):
        place[row, : len(block)] = block
    return Blocks(place, np.argsort(place, axis=None)[-len(order) :])


def smallest_budget(kl_bits_q10: Int[np.ndarray, "latent"], blocks: int, order: Int[np.ndarray, "latent"]) -> int:
    """Returns the smallest budget with which `split_by_budget` makes at most `blocks` blocks.

    Args:
        kl_bits_q10: Mean KL divergence of each latent, in units of 1/1024 bit.
        blocks: Largest number of blocks, at least 1.
        order: Latents in the order in which they are taken.

    Returns:
        The budget, in units of 1/1024 bit; at least 1.
    """
    # Bisection works, as a larger budget never makes more blocks: each block ends at the same latent or a later one.
    low, high = 0, max(int(kl_bits_q10.sum()), 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if len(_fill(kl_bits_q10, middle, order)) <= blocks else (middle, high)
    return high


def _fill(kl_bits_q10: np.ndarray, budget_bits_q10: int, order: np.ndarray) -> list[list[int]]:
    """Returns the latents of each block."""
    blocks: list[list[int]] = []
    room = -1
    for latent in order.tolist():
        cost = int(kl_bits_q10[latent])
        if not blocks or cost > room:
            blocks.append([])
            room = budget_bits_q10
        blocks[-1].append(latent)
        room -= cost
    return blocks
