"""What encoder and decoder of latents share: an algorithm, the blocks, and the codes of what is sent."""

from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from recjax import randomness, rec
from recjax.coding import integers
from recjax.coding.codec import Codec
from recjax.coding.rans import MASS_BITS
from recjax.rec import blocks as blocking
from recjax.rec import index_codes


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Plan:
    """What encoder and decoder share; a pytree, so that what is compiled for one plan serves all of its shapes.

    blocks: which latents go together; None for a scalar algorithm, which sends them one by one. bins: of the
    partition. bin_masses: [block, dim, capacity], of the intervals of a position, where they are learned. masses: a row
    of the index code for each block. arithmetic: branches are coded by the shares of their intervals.
    """

    algorithm: rec.RECAlgorithm = field(metadata={"static": True})
    blocks: blocking.Blocks | None
    bins: rec.Bins | None
    bin_masses: Any
    masses: Any
    arithmetic: bool = field(default=False, metadata={"static": True})

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the latents of an image, as the algorithm takes them: [block, dim], or [latent] if it is scalar."""
        return (len(self.masses),) if self.blocks is None else self.blocks.place.shape

    @property
    def used(self) -> Any:
        """Which positions of that shape hold a latent."""
        return np.ones(self.shape, bool) if self.blocks is None else self.blocks.used

    def split(self, x: Any, padding: int | float) -> Any:
        """[..., latent] -> [..., *shape], with `padding` where a block is padded."""
        return x if self.blocks is None else self.blocks.split(x, padding)

    def merge(self, y: Any) -> Any:
        """[..., *shape] -> [..., latent]: undoes `split`."""
        return y if self.blocks is None else self.blocks.merge(y)


def code_codec(plan: Plan, key: randomness.Key) -> Codec:
    """Codec of the codes of all blocks, with a block axis in front and those of the message behind."""
    if plan.arithmetic:
        keys = rec.stream_keys(key, (1, *plan.shape), shared_axes=(0,))[0]
        return rec.cut_path_codec(keys, plan.masses)
    if plan.bins is None:
        return plan.algorithm.code_codec(plan.masses, None, plan.shape[-1])
    return index_codes.code_codec(plan.masses, plan.bins, plan.shape[-1], plan.bin_masses)


def code_bits(plan: Plan, key: randomness.Key, code: Any) -> Float[np.ndarray, "image"]:
    """Ideal bits of the codes of images, which have an image axis in front, under `code_codec`."""
    index, others = _of_paths(plan, key, code) if plan.blocks is None else _of_candidates(plan, code)
    indices = [integers.index_bits(masses, index[:, block]) for block, masses in enumerate(plan.masses)]
    return np.sum([*indices, others], axis=0)


def _of_paths(plan: Plan, key: randomness.Key, code: rec.Path) -> tuple[np.ndarray, np.ndarray]:
    """Depths plus 1 [image, latent], and the bits of the branches [image]."""
    bits: Any = code.depth
    if plan.arithmetic:
        bits = rec.branch_bits(rec.stream_keys(key, code.shape, shared_axes=(0,)), code)
    return np.asarray(code.depth) + 1, np.asarray(bits, np.float64).sum(axis=1)


def _of_candidates(plan: Plan, code: rec.Code) -> tuple[np.ndarray, np.ndarray]:
    """Indices [image, block], and the bits of the intervals [image]."""
    index = np.asarray(code.index)
    if plan.bins is None:
        return index, np.zeros(len(index))
    bits = np.log2(np.asarray(plan.bins.intervals, np.float64))
    if plan.bin_masses is not None:
        block, place = np.indices(plan.shape)
        bits = MASS_BITS - np.log2(plan.bin_masses[block, place, np.asarray(code.interval)])
    return index, np.broadcast_to(bits, code.shape).sum(axis=(1, 2))
