"""Frozen dataclasses as pytrees: classes that look alike are told apart, also by compiled functions."""

import jax
import jax.numpy as jnp
import pytest

from recjax.pytrees import pytree, static_field


@pytree
class First:
    x: object
    y: object
    size: int = static_field()


@pytree
class Second:
    x: object
    y: object
    size: int = static_field()


def test_leaves_and_constants():
    made = First(jnp.arange(3), 2.0, size=4)
    assert len(jax.tree.leaves(made)) == 2
    doubled = jax.jit(lambda node: jax.tree.map(lambda leaf: 2 * leaf, node))(made)
    assert isinstance(doubled, First) and doubled.size == 4 and doubled.y == 4
    assert doubled.x.tolist() == [0, 2, 4]
    assert [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(made)] == [".x", ".y"]
    with pytest.raises(AttributeError):
        made.x = 0


def test_structures_differ_by_class_and_by_constant():
    first = jax.tree.structure(First(1, 2, 3))
    assert first == jax.tree.structure(First(4, 5, 3))
    assert first != jax.tree.structure(First(1, 2, 4))
    assert first != jax.tree.structure(Second(1, 2, 3))
