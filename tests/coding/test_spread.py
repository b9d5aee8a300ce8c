import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax.coding import spread


@pytest.mark.parametrize(("start", "freq"), [(0, 1), (0, 1 << 16), (65535, 1), (1234, 777), (40000, 25536), (1, 65535)])
def test_slots_ascend_and_are_found_again(start, freq):
    values = np.arange(start, start + freq)
    slots = np.sort(np.asarray(spread.reverse_bits(jnp.asarray(values, jnp.uint32))))
    k = jnp.arange(freq, dtype=jnp.uint32)
    start, freq = jnp.uint32(start), jnp.uint32(freq)
    assert np.array_equal(jax.jit(spread.slot)(k, start, freq), slots)
    assert np.array_equal(jax.jit(spread.number)(spread.reverse_bits(jnp.asarray(slots)), start, freq), k)


def test_reverse_bits():
    n = np.arange(1 << 16)
    expected = [int(f"{i:016b}"[::-1], 2) for i in n.tolist()]
    assert np.array_equal(spread.reverse_bits(jnp.asarray(n, jnp.uint32)), expected)


def test_every_prefix_of_the_slots_has_its_share():
    start, freq = 30011, 4097
    slots = np.asarray(spread.slot(jnp.arange(freq, dtype=jnp.uint32), jnp.uint32(start), jnp.uint32(freq)))
    excess = np.arange(freq) - slots * (freq / 65536)
    assert np.abs(excess).max() < 6
