"""The start of a chain: heads and tail must come back as the stream has them, every bit of them."""

import jax.numpy as jnp
import numpy as np
import pytest

from recjax import randomness
from recjax.codecs.lossless.chains import initial_bits
from recjax.coding import rans
from recjax.errors import FormatError

SEED, LANES, SIZE = 5, 4, 9


@pytest.fixture
def start():
    return initial_bits.message(SEED, LANES, SIZE, 64)


def test_a_start_is_itself(start):
    initial_bits.require(start, SEED, LANES, SIZE)
    assert (np.asarray(start.head) >> 24 == 1).all() and int(start.size) == int(start.low) == SIZE


def test_a_start_is_made_of_the_words_of_the_stream(start):
    """Part of the wire format: heads of 24 bits of the first row, and bytes of the second from the heads down."""
    index, key = jnp.arange(16, dtype=jnp.uint32), randomness.key(SEED)
    rows = [np.asarray(randomness.words(key, randomness.INITIAL, (row, index), 1))[:, 0] for row in (0, 1)]
    assert np.asarray(start.head).tolist() == [(1 << 24) | int(word) >> 8 for word in rows[0][:LANES]]
    assert np.asarray(start.tail)[:SIZE].tolist() == [int(word) >> 24 for word in rows[1][:SIZE]][::-1]


def test_a_longer_start_ends_as_a_shorter_one(start):
    longer = initial_bits.message(SEED, LANES, SIZE + 6, 64)
    assert np.array_equal(np.asarray(longer.tail)[6 : SIZE + 6], np.asarray(start.tail)[:SIZE])


@pytest.mark.parametrize("lane", range(LANES))
@pytest.mark.parametrize("bit", [0, 23, 31])
def test_another_head_is_refused(start, lane, bit):
    other = start._replace(head=start.head.at[lane].set(start.head[lane] ^ jnp.uint32(1 << bit)))
    with pytest.raises(FormatError, match="the chain's start"):
        initial_bits.require(other, SEED, LANES, SIZE)


@pytest.mark.parametrize("place", range(SIZE))
def test_another_byte_of_the_tail_is_refused(start, place):
    other = start._replace(tail=start.tail.at[place].set(start.tail[place] ^ 1))
    with pytest.raises(FormatError, match="the chain's start"):
        initial_bits.require(other, SEED, LANES, SIZE)


@pytest.mark.parametrize("change", ["size", "borrowed", "seed", "fault"])
def test_another_length_seed_or_a_fault_is_refused(start, change):
    asked = {"seed": SEED, "lanes": LANES, "borrowed": SIZE}
    if change == "size":
        start = start._replace(size=start.size + 1)
    elif change == "fault":
        start = start._replace(fault=start.fault | rans.UNDERFLOW)
    else:
        asked[change] += 1
    with pytest.raises(FormatError, match="the chain's start"):
        initial_bits.require(start, **asked)


def test_bytes_above_the_size_mean_nothing(start):
    initial_bits.require(start._replace(tail=start.tail.at[SIZE].set(77)), SEED, LANES, SIZE)
