"""A priority queue of fixed capacity: parallel arrays without an order, of a few dozen places.

A search that is one of many lanes needs a queue whose every operation costs the same, whatever it holds. A minimum over
a short row is a few vector instructions for each lane; a heap would be a chain of dependent look-ups.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from recjax.numerics import first_minimum


class Frontier(NamedTuple):
    """Entries of a queue: the key of each place, infinity where it is free, and the item there.

    lost: the smallest key that was ever dropped for want of a place, infinity if none was. What was dropped has done no
    harm once the search knows that keys from `lost` on do not matter.
    """

    keys: Float[Array, " capacity"]
    items: Any
    lost: Float[Array, ""]


def empty(capacity: int, item: Any) -> Frontier:
    """A queue of `capacity` free places, for pytrees of the shapes and types of `item`."""
    items = jax.tree.map(lambda leaf: jnp.zeros((capacity, *jnp.shape(leaf)), jnp.asarray(leaf).dtype), item)
    return Frontier(jnp.full((capacity,), jnp.inf, jnp.float32), items, jnp.float32(jnp.inf))


def push(frontier: Frontier, key: Float[Array, ""], item: Any, active: Bool[Array, ""]) -> Frontier:
    """The queue with one entry more if `active`; a full one drops its entry of the largest key, maybe the new one."""
    # Free places have the largest key of all, so that one rule serves a full queue and one with room.
    place, largest = first_minimum(-frontier.keys)
    key, largest = jnp.where(active, key, jnp.inf), -largest
    here = _one_hot(frontier, place) & (key < largest)
    return Frontier(
        jnp.where(here, key, frontier.keys),
        jax.tree.map(lambda old, new: jnp.where(_beside(here, old), new, old), frontier.items, item),
        drop(frontier, jnp.maximum(key, largest)).lost,
    )


def drop(frontier: Frontier, key: Float[Array, ""]) -> Frontier:
    """The queue after an entry that it never held was given up; infinity stands for none."""
    return frontier._replace(lost=jnp.minimum(frontier.lost, key))


def pop(frontier: Frontier, active: Bool[Array, ""]) -> tuple[Float[Array, ""], Any, Frontier]:
    """Key and item of the smallest key, and the queue without them if `active`; an empty queue gives the key infinity
    and any item."""
    place, key = first_minimum(frontier.keys)
    keys = jnp.where(_one_hot(frontier, place) & active, jnp.inf, frontier.keys)
    return key, jax.tree.map(lambda leaf: leaf[place], frontier.items), frontier._replace(keys=keys)


def _one_hot(frontier, place):
    return jnp.arange(len(frontier.keys), dtype=jnp.uint32) == place


def _beside(mask, leaf):
    return mask.reshape(-1, *(1,) * (leaf.ndim - 1))
