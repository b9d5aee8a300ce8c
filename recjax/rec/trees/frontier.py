"""A priority queue of fixed capacity: parallel arrays without an order, with a few dozen places.

A search that is one of many lanes needs a queue whose every operation costs the same, whatever it holds. The minimum of
a short row takes a few vector instructions for each lane; a heap would take a chain of dependent look-ups.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from recjax.numerics import first_minimum


class Frontier(NamedTuple):
    """Holds the entries of a queue.

    Attributes:
        keys: Key of each place; infinity where it is free.
        items: Item at each place: a pytree of arrays [capacity, ...].
        lost: Smallest key that was ever dropped for lack of a place; infinity if none was. The search missed nothing if
            keys of `lost` and more turn out not to matter.
    """

    keys: Float[Array, " capacity"]
    items: Any
    lost: Float[Array, ""]


def empty(capacity: int, item: Any) -> Frontier:
    """Makes a queue of free places.

    Args:
        capacity: Number of places.
        item: A pytree of the shapes and types of the items.

    Returns:
        The queue.
    """
    items = jax.tree.map(lambda leaf: jnp.zeros((capacity, *jnp.shape(leaf)), jnp.asarray(leaf).dtype), item)
    return Frontier(jnp.full((capacity,), jnp.inf, jnp.float32), items, jnp.float32(jnp.inf))


def push(frontier: Frontier, key: Float[Array, ""], item: Any, active: Bool[Array, ""]) -> Frontier:
    """Adds an entry; a full queue drops its entry of the largest key, which may be the new one.

    Args:
        frontier: The queue.
        key: Key of the entry.
        item: Its item.
        active: Whether to add it.

    Returns:
        The queue afterwards.
    """
    # Free places have the key infinity, the largest of all, so that one rule serves a full queue and one with room.
    place, largest = first_minimum(-frontier.keys)
    key, largest = jnp.where(active, key, jnp.inf), -largest
    here = _one_hot(frontier, place) & (key < largest)
    return Frontier(
        jnp.where(here, key, frontier.keys),
        jax.tree.map(lambda old, new: jnp.where(_beside(here, old), new, old), frontier.items, item),
        drop(frontier, jnp.maximum(key, largest)).lost,
    )


def drop(frontier: Frontier, key: Float[Array, ""]) -> Frontier:
    """Notes in `lost` that an entry was given up before it was added.

    Args:
        frontier: The queue.
        key: Key of the entry; infinity for none.

    Returns:
        The queue afterwards.
    """
    return frontier._replace(lost=jnp.minimum(frontier.lost, key))


def pop(frontier: Frontier, active: Bool[Array, ""]) -> tuple[Float[Array, ""], Any, Frontier]:
    """Removes the entry of the smallest key.

    Args:
        frontier: The queue.
        active: Whether to remove it.

    Returns:
        Its key, its item and the queue afterwards. An empty queue gives the key infinity and any item.
    """
    place, key = first_minimum(frontier.keys)
    keys = jnp.where(_one_hot(frontier, place) & active, jnp.inf, frontier.keys)
    return key, jax.tree.map(lambda leaf: leaf[place], frontier.items), frontier._replace(keys=keys)


def _one_hot(frontier, place):
    return jnp.arange(len(frontier.keys), dtype=jnp.uint32) == place


def _beside(mask, leaf):
    return mask.reshape(-1, *(1,) * (leaf.ndim - 1))
