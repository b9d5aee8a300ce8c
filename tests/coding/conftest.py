import jax.numpy as jnp
import numpy as np
import pytest

from recjax.coding.rans import HEAD_MIN, Message


def contents(message: Message) -> tuple[list, list, list]:
    """What a message says: heads, and the bytes in use of every batch index."""
    size = np.atleast_1d(np.asarray(message.size)).reshape(-1)
    tail = np.asarray(message.tail).reshape(len(size), -1)
    head = np.asarray(message.head).reshape(len(size), -1)
    faults = np.asarray(message.fault).reshape(-1).tolist()
    return head.tolist(), [row[:n].tolist() for row, n in zip(tail, size, strict=True)], faults


@pytest.fixture
def assert_same_message():
    def check(one: Message, other: Message) -> None:
        assert contents(one) == contents(other)
        assert np.array_equal(one.active, other.active)

    return check


@pytest.fixture
def random_message():
    """A message full of random bytes, as bits-back sees it."""

    def make(batch: tuple[int, ...], lanes: int, capacity: int = 400, size: int = 300, seed: int = 0) -> Message:
        rng = np.random.default_rng(seed)
        sizes = jnp.full(batch, size, jnp.int32)
        return Message(
            head=jnp.asarray(rng.integers(HEAD_MIN, 1 << 32, (*batch, lanes)), jnp.uint32),
            tail=jnp.asarray(rng.integers(0, 256, (*batch, capacity)), jnp.uint8),
            size=sizes,
            low=sizes,
            fault=jnp.zeros_like(sizes),
            active=jnp.ones((*batch, lanes), bool),
        )

    return make
