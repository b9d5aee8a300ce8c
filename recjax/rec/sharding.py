"""Sharded arrays: a batch that lies on several devices stays there, whatever kind its mesh is."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.sharding import AxisType, NamedSharding, PartitionSpec


def along_batch(function: Callable, rank: int) -> Callable:
    """The function, with mesh axes that JAX wants to be told about (`AxisType.Explicit`) left to the compiler inside.

    rank: number of batch axes, which lead in every output and keep the sharding of the first argument that has one.
    Without such a mesh it is the function itself.
    """

    def sharded(*arguments):
        for leaf in jax.tree.leaves(arguments):
            found = jax.typeof(leaf).sharding
            explicit = AxisType.Explicit in found.mesh.axis_types and any(axis is not None for axis in found.spec)
            if explicit and jnp.ndim(leaf) == rank + 1:
                out = NamedSharding(found.mesh, PartitionSpec(*found.spec[:rank]))
                return jax.sharding.auto_axes(function, out_sharding=out)(*arguments)
        return function(*arguments)

    return sharded
