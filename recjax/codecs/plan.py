"""Plans for sending latents by relative entropy coding: the algorithm, the blocks, and the codes of what is sent.

A plan holds what encoder and decoder share. It depends on the model and the settings, and never on an image.
"""

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
class LatentPlan:
    """Holds what encoder and decoder of a model's latents share.

    Unlike `rec.Plan`, it has the masses of every code, which may be learned ones of the model. A pytree, so that what
    is compiled for one plan serves all plans of the same shapes.

    Attributes:
        algorithm: The algorithm of relative entropy coding.
        blocks: Which latents are sent together; None for a scalar algorithm, which sends each latent alone.
        bins: Numbers of intervals of the partition of each block; None without a partition, and for a scalar algorithm.
        bin_masses: Integer masses of the intervals at each position, [block, dim, capacity], where they are learned;
            None for equal masses.
        masses: Integer masses of the code of indices, a row for each block; for a scalar algorithm, of depths plus 1, a
            row for each latent.
        arithmetic: Whether the branches of a path are coded by the relative sizes of their intervals, and not as raw
            bits.
    """

    algorithm: rec.RECAlgorithm = field(metadata={"static": True})
    blocks: blocking.Blocks | None
    bins: rec.Bins | None
    bin_masses: Any
    masses: Any
    arithmetic: bool = field(default=False, metadata={"static": True})

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an image's latents as the algorithm takes them: [block, dim], or [latent] for a scalar algorithm."""
        return (len(self.masses),) if self.blocks is None else self.blocks.place.shape

    @property
    def used(self) -> Any:
        """Tells of each position of `shape` whether it holds a latent; the others are padding."""
        return np.ones(self.shape, bool) if self.blocks is None else self.blocks.used

    def split(self, x: Any, padding: int | float) -> Any:
        """Arranges latents in blocks.

        Args:
            x: An array [..., latent].
            padding: Value where a block is padded.

        Returns:
            An array [..., *shape]; x itself for a scalar algorithm.
        """
        return x if self.blocks is None else self.blocks.split(x, padding)

    def merge(self, y: Any) -> Any:
        """Takes latents out of their blocks, which undoes `split`.

        Args:
            y: An array [..., *shape].

        Returns:
            An array [..., latent]; y itself for a scalar algorithm.
        """
        return y if self.blocks is None else self.blocks.merge(y)


def code_codec(plan: LatentPlan, key: randomness.Key) -> Codec:
    """Makes the codec of the codes of all blocks.

    Args:
        plan: The plan.
        key: Shared randomness, which names the streams of the blocks.

    Returns:
        Codec of codes that have the block axis in front and the axes of the message behind.
    """
    if plan.arithmetic:
        keys = rec.stream_keys(key, (1, *plan.shape), shared_axes=(0,))[0]
        return rec.cut_path_codec(keys, plan.masses)
    if plan.bins is None:
        return plan.algorithm.code_codec(plan.masses, None, plan.shape[-1])
    return index_codes.code_codec(plan.masses, plan.bins, plan.shape[-1], plan.bin_masses)


def code_bits(plan: LatentPlan, key: randomness.Key, code: Any) -> Float[np.ndarray, "image"]:
    """Computes the ideal codelength of the codes of images under `code_codec`.

    Args:
        plan: The plan.
        key: The key of `code_codec`.
        code: Codes with an image axis in front, [image, block, ...].

    Returns:
        The codelength of each image, in bits.
    """
    index, others = _of_paths(plan, key, code) if plan.blocks is None else _of_candidates(plan, code)
    indices = [integers.index_bits(masses, index[:, block]) for block, masses in enumerate(plan.masses)]
    return np.sum([*indices, others], axis=0)


def _of_paths(plan: LatentPlan, key: randomness.Key, code: rec.Path) -> tuple[np.ndarray, np.ndarray]:
    """Returns depths plus 1 [image, latent], and the bits of all branches of each image."""
    bits: Any = code.depth
    if plan.arithmetic:
        bits = rec.branch_bits(rec.stream_keys(key, code.shape, shared_axes=(0,)), code)
    return np.asarray(code.depth) + 1, np.asarray(bits, np.float64).sum(axis=1)


def _of_candidates(plan: LatentPlan, code: rec.Code) -> tuple[np.ndarray, np.ndarray]:
    """Returns indices [image, block], and the bits of all intervals of each image."""
    index = np.asarray(code.index)
    if plan.bins is None:
        return index, np.zeros(len(index))
    bits = np.log2(np.asarray(plan.bins.intervals, np.float64))
    if plan.bin_masses is not None:
        block, place = np.indices(plan.shape)
        bits = MASS_BITS - np.log2(plan.bin_masses[block, place, np.asarray(code.interval)])
    return index, np.broadcast_to(bits, code.shape).sum(axis=(1, 2))
