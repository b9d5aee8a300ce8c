"""Latents to blocks and back: a shared permutation, then a new block whenever the budget of KL divergence is full.

The latents' mean KL divergences over the training set decide, not those of the image at hand, so the decoder knows the
blocks (RECOMBINER's rule; arXiv:2405.12203 splits at random too). Blocks are padded to one width, so that one compiled
search serves all.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from recjax import randomness


class Blocks(NamedTuple):
    """place: the latent at each position of each block, -1 where a block is padded. position: where each latent lies.

    A pytree of NumPy or JAX arrays.
    """

    place: Int[Array | np.ndarray, "block dim"]
    position: Int[Array | np.ndarray, "latent"]

    @property
    def used(self) -> Bool[Array | np.ndarray, "block dim"]:
        """Which positions hold a latent."""
        return self.place >= 0

    def split(self, x: Any, padding: int | float) -> Any:
        """[..., latent] -> [..., block, dim], with `padding` where a block is padded. NumPy or JAX arrays."""
        xp = np if isinstance(x, np.ndarray) else jnp
        return xp.where(self.used, x[..., xp.maximum(self.place, 0)], xp.asarray(padding, x.dtype))

    def merge(self, y: Any) -> Any:
        """[..., block, dim] -> [..., latent]: undoes `split`."""
        return y.reshape(*y.shape[:-2], -1)[..., self.position]


def permutation(key: randomness.Key, size: int) -> Int[np.ndarray, "size"]:
    """A shared random permutation of 0 ... size - 1: the order of as many words of the stream."""
    words = randomness.words(key, randomness.PERMUTATION, (jnp.arange(size, dtype=jnp.uint32),), 1)
    return np.argsort(np.asarray(words)[:, 0], kind="stable")


def split_by_budget(
    kl_bits_q10: Int[np.ndarray, "latent"], budget_bits_q10: int, order: Int[np.ndarray, "latent"]
) -> Blocks:
    """Fill blocks in the given order until the next latent would exceed the budget; all in units of 1/1024 bit.

    A latent that exceeds the budget alone gets a block alone.
    """
    blocks = _fill(kl_bits_q10, budget_bits_q10, order)
    place = np.full((len(blocks), max(map(len, blocks))), -1, np.int64)
    for row, block in enumerate(blocks):
        place[row, : len(block)] = block
    return Blocks(place, np.argsort(place, axis=None)[-len(order) :])


def smallest_budget(kl_bits_q10: Int[np.ndarray, "latent"], blocks: int, order: Int[np.ndarray, "latent"]) -> int:
    """The smallest budget, in 1/1024 bit, with which `split_by_budget` makes at most so many blocks."""
    # A larger budget never makes more blocks: each of them then ends at the same latent or a later one.
    low, high = 0, max(int(kl_bits_q10.sum()), 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if len(_fill(kl_bits_q10, middle, order)) <= blocks else (middle, high)
    return high


def _fill(kl_bits_q10: np.ndarray, budget_bits_q10: int, order: np.ndarray) -> list[list[int]]:
    """The latents of each block."""
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
