"""Plans: what encoder and decoder of latents share, and how distributions of latents are divided by it."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import ArrayLike, Float, Int

from recjax.coding import integers
from recjax.distributions.base import Coordinatewise, Distribution
from recjax.pytrees import pytree, static_field
from recjax.rec.base import Bins, Code, RECAlgorithm
from recjax.rec.blocks import Blocks

# Parameters at the padding of a block, the same of target and coding distribution, so that it carries no information.
_PADDING = {"loc": 0.0, "scale": 1.0, "low": -np.inf, "high": np.inf}


@pytree
class Plan:
    """Holds what encoder and decoder of latents share; `rec.plan` makes one from training statistics.

    `rec.encode` and `rec.decode` take a plan in place of an algorithm. Distributions are then arrays [*batch, latent],
    which are divided into blocks and put together again. A pytree, so that jitted functions take plans as arguments.

    Attributes:
        blocks: Which latents are sent together; None for a scalar algorithm, which sends each latent alone.
        bins: The partition of space of each block; None for none.
        index_bits_q8: Expected log2 of the index that each block sends (for paths, of the depth plus 1), from training
            means, in units of 1/256 bit. It determines the code of the indices.
        expected_bits: Mean codelength of each block in bits, for latents of the KL divergences that the plan was made
            for: an upper bound for blocks; for paths an estimate, which takes the mean depth to be the KL divergence.
        bias: Upper bound of the mean total variation distance, in [0, 1], between the sample of each block and its
            target; an estimate, as it assumes targets of a kind (see `rec.plan`). Not a number where no bound is known.
        algorithm: The algorithm of relative entropy coding.
        shared_axes: Axes of the batch, counted from 0, whose indices share one stream of candidates.

    Example:
        >>> from recjax import rec
        >>> plan = rec.plan([2.0, 3.0, 0.5, 4.0], block_bits=6.0)
        >>> plan.latents, plan.shape, plan.bins.intervals.shape
        (4, (2, 3), (2, 3))
    """

    blocks: Blocks | None
    bins: Bins | None
    index_bits_q8: Int[np.ndarray, "block"]
    expected_bits: Float[np.ndarray, "block"]
    bias: Float[np.ndarray, "block"]
    algorithm: RECAlgorithm = static_field()
    shared_axes: tuple[int, ...] = static_field()

    @property
    def latents(self) -> int:
        """The number of latents."""
        return len(self.index_bits_q8) if self.blocks is None else len(self.blocks.position)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an element of the batch as the algorithm takes it: [block, dim], or [latent] if it is scalar."""
        return (len(self.index_bits_q8),) if self.blocks is None else self.blocks.place.shape

    @property
    def candidates(self) -> int | None:
        """The largest number of candidates that a search examines; None for algorithms that send paths."""
        return self.algorithm.largest if self.algorithm.sends is Code else None

    @property
    def index_masses(self) -> Int[np.ndarray, "block classes"]:
        """Integer masses of the code of indices (see `recjax.coding.integers`), a row for each block."""
        return index_masses(self.algorithm, np.asarray(self.index_bits_q8))

    def batch_of(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Returns the shape of the batch of samples in blocks.

        Args:
            shape: The shape that codes name, [*batch, *self.shape].

        Returns:
            The axes of the batch.

        Raises:
            ValueError: The codes are not of these blocks.
        """
        own = self.shape
        if shape[-len(own) :] != own:
            raise ValueError(
                f"a code of this plan names samples of shape [..., {', '.join(map(str, own))}], got {shape}; give the "
                "code that encode returned with it"
            )
        return shape[: -len(own)]

    def split(self, q: Distribution, p: Distribution) -> tuple[Any, Any]:
        """Divides distributions of latents into the blocks of the plan.

        Args:
            q: Targets [*batch, latent].
            p: Coding distributions that broadcast to [*batch, latent].

        Returns:
            Both as [*batch, *shape]; for a scalar algorithm, as they are.

        Raises:
            ValueError: Their last axes do not have the latents of the plan, latents depend on each other, or blocks
                need padding and q and p are of different classes.
        """
        if self.latents not in (q.shape[-1:] + p.shape[-1:]) or not self._fits(q) or not self._fits(p):
            raise ValueError(
                f"the plan is for {self.latents} latents, got q {q.shape} and p {p.shape}; give [*batch, "
                f"{self.latents}] or make a plan for these"
            )
        if self.blocks is None:
            return q, p
        if type(q) is not type(p) and _padded(self.blocks):
            raise ValueError(
                f"blocks that need padding take q and p of one class, got {type(q).__name__} and {type(p).__name__}; "
                "take a scalar algorithm for these"
            )
        return self.divide(q), self.divide(p)

    def divide(self, distribution: Any) -> Any:
        """Divides one distribution of latents into the blocks of the plan.

        Args:
            distribution: A distribution that broadcasts to [*batch, latent], of independent latents.

        Returns:
            A distribution [*batch, *shape] of the same class; for a scalar algorithm, as it is.

        Raises:
            ValueError: Its last axis does not have the latents of the plan, or latents depend on each other.
        """
        if not self._fits(distribution):
            raise ValueError(
                f"the plan is for {self.latents} latents, got a distribution of shape {distribution.shape}; give the "
                "one that the latents were encoded with"
            )
        if self.blocks is None:
            return distribution
        if not isinstance(distribution, Coordinatewise):
            raise ValueError(
                f"a plan divides independent latents into blocks, got a {type(distribution).__name__}; give its blocks "
                "to an algorithm instead of a plan"
            )
        return type(distribution)(
            *(
                self._in_blocks(getattr(distribution, field.name), _PADDING[field.name])
                for field in dataclasses.fields(distribution)
            )
        )

    def merge(self, x: Any) -> Any:
        """Takes latents out of their blocks.

        Args:
            x: An array [*batch, *shape].

        Returns:
            An array [*batch, latent]; for a scalar algorithm, x itself.
        """
        return x if self.blocks is None else self.blocks.merge(x)

    def _fits(self, distribution: Distribution) -> bool:
        return distribution.shape[-1:] in ((), (1,), (self.latents,))

    def _in_blocks(self, leaf: Any, padding: float) -> Any:
        assert self.blocks is not None
        xp = jnp if isinstance(leaf, jax.Array) or isinstance(self.blocks.place, Tracer) else np
        leaf = xp.asarray(leaf, xp.float32)
        whole = xp.broadcast_to(leaf, (*leaf.shape[:-1], self.latents))
        return self.blocks.split(whole, padding)


def _padded(blocks: Blocks) -> bool:
    """Tells whether blocks have padding, from their shapes alone."""
    return math.prod(np.shape(blocks.place)) > len(blocks.position)


def index_masses(algorithm: RECAlgorithm, index_bits_q8: Int[np.ndarray, "block"]) -> Int[np.ndarray, "block classes"]:
    """Computes the masses of the code of indices of each block, in exact arithmetic.

    Args:
        algorithm: The algorithm, whose largest index or depth bounds the table.
        index_bits_q8: Expected log2 of the index (of the depth plus 1), in units of 1/256 bit.

    Returns:
        Masses of sum 2^16, a row for each block.
    """
    most = algorithm.largest - 1 if algorithm.sends is Code else algorithm.largest
    return np.stack([integers.zeta_masses(int(q), most.bit_length()) for q in index_bits_q8])


def kl_q10(kl_bits: ArrayLike | Sequence[Any]) -> Int[np.ndarray, "latent"]:
    """Rounds KL divergences to the units in which blocks are filled.

    Args:
        kl_bits: KL divergences in bits.

    Returns:
        int64, in units of 1/1024 bit.

    Raises:
        ValueError: They are not a list of at least one number in [0, 2^20].
    """
    kl = np.asarray(kl_bits, np.float64)
    if kl.ndim != 1 or not kl.size or not (np.isfinite(kl).all() and kl.min() >= 0 and kl.max() <= 1 << 20):
        raise ValueError(
            f"kl_bits is the mean KL divergence of each latent in bits, numbers >= 0, got shape {kl.shape} and values "
            f"from {kl.min(initial=np.inf):g} to {kl.max(initial=-np.inf):g}; average them over the training set"
        )
    return np.rint(1024 * kl).astype(np.int64)
