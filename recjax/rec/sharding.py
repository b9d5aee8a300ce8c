"""Sharded arrays: batches on meshes of any kind, whose devices each search rows of their own."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jax.sharding import AbstractMesh, AxisType, Mesh, NamedSharding, PartitionSpec


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


class Placed(NamedTuple):
    """Over which axes of a mesh the rows of a search are divided."""

    mesh: Mesh | AbstractMesh
    names: tuple[str, ...]

    @property
    def devices(self) -> int:
        """How many take a part each."""
        return math.prod(self.mesh.shape[name] for name in self.names)


def placed(arguments: Any) -> Placed | None:
    """Where arrays say that they are, or, where only the compiler knows, over the whole of their mesh or that in use.

    None if that is one device. (A mesh is in use within `jax.set_mesh`.)
    """
    meshes: list[Mesh | AbstractMesh] = [jax.sharding.get_abstract_mesh()]
    if AxisType.Manual in meshes[0].axis_types:
        return None
    for leaf in jax.tree.leaves(arguments):
        found = jax.typeof(leaf).sharding if isinstance(leaf, Tracer) else getattr(leaf, "sharding", None)
        if isinstance(found, NamedSharding):
            each = (entry if isinstance(entry, tuple) else (entry,) for entry in found.spec)
            names = dict.fromkeys(name for entry in each for name in entry if name is not None)
            if names:
                return _of_several(Placed(found.mesh, tuple(names)))
            meshes.append(found.mesh)
    known = [mesh for mesh in meshes if not mesh.empty and mesh.are_all_axes_auto]
    return _of_several(Placed(known[0], tuple(known[0].axis_names))) if known else None


def over_rows(search: Callable[[Any], Any], where: Placed, problem: Any) -> Any:
    """The search of a problem, arrays with rows in front, by each device of its own rows, exchanging nothing."""
    rows = len(jax.tree.leaves(problem)[0])
    missing = -rows % where.devices
    padded = jax.tree.map(lambda leaf: jnp.concatenate([leaf, jnp.repeat(leaf[-1:], missing, axis=0)]), problem)
    spec = PartitionSpec(where.names)
    # A mesh in use is the one, though its axes may be of other types than those that arrays came with.
    mesh = where.mesh if jax.sharding.get_abstract_mesh().empty else None
    divided = jax.shard_map(search, mesh=mesh, in_specs=(spec,), out_specs=spec, check_vma=False)
    return jax.tree.map(lambda leaf: leaf[:rows], divided(padded))


def _of_several(where: Placed) -> Placed | None:
    return where if where.devices > 1 else None


def _is_explicit(leaf: Any) -> bool:
    found = jax.typeof(leaf).sharding
    return AxisType.Explicit in found.mesh.axis_types and any(name is not None for name in found.spec)
