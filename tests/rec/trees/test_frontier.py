"""The queue of fixed capacity, beside one of Python's heapq that knows no bounds."""

import heapq

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax.rec.trees import frontier

ROWS, CAPACITY, STEPS = 40, 6, 120
KEYS = np.random.default_rng(0).permutation(ROWS * STEPS).reshape(ROWS, STEPS).astype(np.float32)


class Twin:
    """What the queue stands for."""

    def __init__(self):
        self.heap, self.lost = [], np.inf

    def push(self, key):
        heapq.heappush(self.heap, key)
        if len(self.heap) > CAPACITY:
            worst = max(self.heap)
            self.heap.remove(worst)
            heapq.heapify(self.heap)
            self.lost = min(self.lost, worst)

    def pop(self):
        return heapq.heappop(self.heap) if self.heap else np.inf


def item_of(key):
    return {"number": key.astype(jnp.uint32), "pair": jnp.stack([key, -key])}


@jax.jit
@jax.vmap
def run(keys, pushes, pops):
    """Push each key where `pushes`, then pop where `pops`: what came out, and the queue's `lost`, after each step."""

    def step(queue, x):
        key, push, pop = x
        queue = frontier.push(queue, key, item_of(key), push)
        out, item, queue = frontier.pop(queue, pop)
        return queue, (out, item, queue.lost, jnp.sum(jnp.isfinite(queue.keys)))

    return jax.lax.scan(step, frontier.empty(CAPACITY, item_of(jnp.float32(0))), (keys, pushes, pops))[1]


@pytest.mark.parametrize("push_rate", [0.3, 0.5, 0.8])
def test_pushes_and_pops_are_those_of_a_heap_that_keeps_its_smallest_keys(push_rate):
    rng = np.random.default_rng(int(10 * push_rate))
    pushes, pops = rng.random((ROWS, STEPS)) < push_rate, rng.random((ROWS, STEPS)) < 0.5
    out, item, lost, size = (jax.tree.map(np.asarray, leaf) for leaf in run(KEYS, pushes, pops))
    emptied = False
    for row in range(ROWS):
        twin = Twin()
        for step in range(STEPS):
            if pushes[row, step]:
                twin.push(KEYS[row, step])
            smallest = min(twin.heap, default=np.inf)
            assert out[row, step] == smallest
            if pops[row, step]:
                twin.pop()
            assert (lost[row, step], size[row, step]) == (twin.lost, len(twin.heap))
            emptied |= not twin.heap
            if np.isfinite(smallest):
                assert item["number"][row, step] == smallest
                assert item["pair"][row, step].tolist() == [smallest, -smallest]
    # What the rates are there for: queues that run dry, and queues that overflow.
    assert emptied and (push_rate < 0.5 or np.isfinite(lost).any())


def test_equal_keys_are_separate_entries():
    queue = frontier.empty(3, jnp.uint32(0))
    for item in (7, 8):
        queue = frontier.push(queue, jnp.float32(1.5), jnp.uint32(item), jnp.array(True))
    seen = []
    for _ in range(2):
        key, item, queue = frontier.pop(queue, jnp.array(True))
        assert key == 1.5
        seen.append(int(item))
    assert sorted(seen) == [7, 8] and frontier.pop(queue, jnp.array(True))[0] == np.inf


def test_what_was_given_up_beforehand_counts_as_lost():
    queue = frontier.empty(2, jnp.uint32(0))
    assert frontier.drop(queue, jnp.float32(jnp.inf)).lost == np.inf
    queue = frontier.drop(frontier.drop(queue, jnp.float32(3)), jnp.float32(4))
    assert queue.lost == 3 and not np.isfinite(queue.keys).any()
