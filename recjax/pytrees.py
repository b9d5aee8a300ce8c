"""Frozen dataclasses that are JAX pytrees."""

import dataclasses
from typing import Any, TypeVar, dataclass_transform

import jax

Class = TypeVar("Class", bound=type)


def static_field() -> Any:
    """Declares a dataclass field that is part of a pytree's structure instead of an array in it.

    Its value must be hashable, as jitted functions are compiled once for every value.
    """
    return dataclasses.field(metadata={"static": True})


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(static_field,))
def pytree(cls: Class) -> Class:
    """Makes a class a frozen dataclass whose fields are the children of a pytree.

    Fields declared by `static_field` are part of the structure instead. Does not use
    `jax.tree_util.register_dataclass`: in JAX 0.10, the structures of two such classes are equal whenever their fields
    are, and a jitted function may then run what it compiled for the other class.

    Args:
        cls: A class with annotated fields.

    Returns:
        The dataclass, registered as a pytree.
    """
    made = dataclasses.dataclass(frozen=True, eq=False)(cls)
    fields = dataclasses.fields(made)
    arrays = [field.name for field in fields if not field.metadata.get("static")]
    constants = [field.name for field in fields if field.metadata.get("static")]

    def flatten(node):
        children = [(jax.tree_util.GetAttrKey(name), getattr(node, name)) for name in arrays]
        return children, tuple(getattr(node, name) for name in constants)

    def unflatten(constant, children):
        # Bypasses the constructor, as JAX rebuilds pytrees with placeholders that are no arrays.
        node = object.__new__(made)
        for name, value in (*zip(arrays, children, strict=True), *zip(constants, constant, strict=True)):
            object.__setattr__(node, name, value)
        return node

    jax.tree_util.register_pytree_with_keys(made, flatten, unflatten)
    return made
