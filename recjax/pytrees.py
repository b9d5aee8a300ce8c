"""Frozen dataclasses as pytrees."""

import dataclasses
from typing import Any, TypeVar, dataclass_transform

import jax

Class = TypeVar("Class", bound=type)


def static_field() -> Any:
    """A field that is part of a pytree's structure, not an array in it: compiled functions are looked up by it."""
    return dataclasses.field(metadata={"static": True})


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(static_field,))
def pytree(cls: Class) -> Class:
    """Make a class a frozen dataclass whose fields are the children of a pytree.

    Not by `jax.tree_util.register_dataclass`: in JAX 0.10, structures of two such classes are equal whenever their
    fields are, and a jitted function now and then runs what it compiled for the other class.
    """
    made = dataclasses.dataclass(frozen=True, eq=False)(cls)
    fields = dataclasses.fields(made)
    arrays = [field.name for field in fields if not field.metadata.get("static")]
    constants = [field.name for field in fields if field.metadata.get("static")]

    def flatten(node):
        children = [(jax.tree_util.GetAttrKey(name), getattr(node, name)) for name in arrays]
        return children, tuple(getattr(node, name) for name in constants)

    def unflatten(constant, children):
        # Without the constructor, as JAX puts all kinds of placeholders into pytrees.
        node = object.__new__(made)
        for name, value in (*zip(arrays, children, strict=True), *zip(constants, constant, strict=True)):
            object.__setattr__(node, name, value)
        return node

    jax.tree_util.register_pytree_with_keys(made, flatten, unflatten)
    return made
