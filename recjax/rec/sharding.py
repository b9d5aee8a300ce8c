"""Searches sharded arrays: batches on meshes of any kind, each device with rows of its own."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jax.sharding import AbstractMesh, AxisType, Mesh, NamedSharding, PartitionSpec


def along_batch(function: Callable, rank: int) -> Callable:
    """Wraps a function so that it accepts arrays on meshes with explicit axes.

    Inside, axes of type `AxisType.Explicit` are left to the compiler. Each output keeps, along its batch axes, the
    sharding that arguments of shape [*batch, dim] have there. Without an explicit mesh, the function is called as it
    is.

    Args:
        function: A function of pytrees of arrays; its outputs lead with the batch axes.
        rank: Number of batch axes.

    Returns:
        The wrapped function.
    """

    def sharded(*arguments):
        leaves = [leaf for leaf in jax.tree.leaves(arguments) if _is_explicit(leaf)]
        if not leaves:
            return function(*arguments)
        batch: list[Any] = [None] * rank
        for leaf in leaves:
            # As in broadcasting, the last axes of a leaf are the last of [*batch, dim]. A covariance factor has one
            # axis more, and tells nothing.
            if jnp.ndim(leaf) > rank + 1:
                continue
            for axis, name in enumerate(jax.typeof(leaf).sharding.spec, rank + 1 - jnp.ndim(leaf)):
                if 0 <= axis < rank and name is not None and name not in batch:
                    batch[axis] = name
        out = NamedSharding(jax.typeof(leaves[0]).sharding.mesh, PartitionSpec(*batch))
        return jax.sharding.auto_axes(function, out_sharding=out)(*arguments)

    return sharded


class RowPlacement(NamedTuple):
    """Names the axes of a mesh over which the rows of a search are divided.

    Attributes:
        mesh: The mesh of devices.
        names: Names of its axes.
    """

    mesh: Mesh | AbstractMesh
    names: tuple[str, ...]

    @property
    def devices(self) -> int:
        """Number of devices, each of which takes a part of the rows."""
        return math.prod(self.mesh.shape[name] for name in self.names)


def placed(arguments: Any) -> RowPlacement | None:
    """Finds the mesh axes over which to divide the rows of a search.

    Args:
        arguments: A pytree of arrays, traced or not.

    Returns:
        The axes that the sharding of an argument names. Where only the compiler knows the sharding, all axes of the
        arguments' mesh, or of the mesh in use (within `jax.set_mesh`). None if all of that is one device.
    """
    meshes: list[Mesh | AbstractMesh] = [jax.sharding.get_abstract_mesh()]
    if AxisType.Manual in meshes[0].axis_types:
        return None
    for leaf in jax.tree.leaves(arguments):
        sharding = jax.typeof(leaf).sharding if isinstance(leaf, Tracer) else getattr(leaf, "sharding", None)
        if isinstance(sharding, NamedSharding):
            each = (entry if isinstance(entry, tuple) else (entry,) for entry in sharding.spec)
            names = dict.fromkeys(name for entry in each for name in entry if name is not None)
            if names:
                return _of_several(RowPlacement(sharding.mesh, tuple(names)))
            meshes.append(sharding.mesh)
    known = [mesh for mesh in meshes if not mesh.empty and mesh.are_all_axes_auto]
    return _of_several(RowPlacement(known[0], tuple(known[0].axis_names))) if known else None


def over_rows(search: Callable[[Any], Any], where: RowPlacement, problem: Any) -> Any:
    """Runs a search on all devices, each with a part of the rows, without communication.

    Args:
        search: A function from a problem to results, pytrees of arrays with rows in front.
        where: The devices.
        problem: All rows. Their number need not be a multiple of the number of devices: copies of the last row fill up.

    Returns:
        The results of all rows.
    """
    rows = len(jax.tree.leaves(problem)[0])
    missing = -rows % where.devices
    padded = jax.tree.map(lambda leaf: jnp.concatenate([leaf, jnp.repeat(leaf[-1:], missing, axis=0)]), problem)
    spec = PartitionSpec(where.names)
    # A mesh in use (`jax.set_mesh`) takes precedence: its axes may be of other types than those of the arrays' mesh.
    mesh = where.mesh if jax.sharding.get_abstract_mesh().empty else None
    divided = jax.shard_map(search, mesh=mesh, in_specs=(spec,), out_specs=spec, check_vma=False)
    return jax.tree.map(lambda leaf: leaf[:rows], divided(padded))


def _of_several(where: RowPlacement) -> RowPlacement | None:
    return where if where.devices > 1 else None


def _is_explicit(leaf: Any) -> bool:
    sharding = jax.typeof(leaf).sharding
    return AxisType.Explicit in sharding.mesh.axis_types and any(name is not None for name in sharding.spec)
