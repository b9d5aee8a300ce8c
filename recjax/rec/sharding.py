"""Sharded arrays: batches on meshes of any kind are accepted."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import AxisType, NamedSharding, PartitionSpec


def along_batch(function: Callable, rank: int) -> Callable:
    """The function, with mesh axes that JAX wants to be told about (`AxisType.Explicit`) left to the compiler inside.

    rank: number of batch axes, which lead in every output, and keep the sharding that arguments of shape [*batch, dim]
    have there. Without such a mesh it is the function itself.
    """

    def sharded(*arguments):
        leaves = [leaf for leaf in jax.tree.leaves(arguments) if _is_explicit(leaf)]
        if not leaves:
            return function(*arguments)
        batch: list[Any] = [None] * rank
        for leaf in leaves:
            # As in broadcasting, the last axes of a leaf are those of [*batch, dim]; a covariance has one more.
            if jnp.ndim(leaf) > rank + 1:
                continue
            for axis, name in enumerate(jax.typeof(leaf).sharding.spec, rank + 1 - jnp.ndim(leaf)):
                if 0 <= axis < rank and name is not None and name not in batch:
                    batch[axis] = name
        out = NamedSharding(jax.typeof(leaves[0]).sharding.mesh, PartitionSpec(*batch))
        return jax.sharding.auto_axes(function, out_sharding=out)(*arguments)

    return sharded


def _is_explicit(leaf: Any) -> bool:
    found = jax.typeof(leaf).sharding
    return AxisType.Explicit in found.mesh.axis_types and any(name is not None for name in found.spec)
