from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax.coding import rans, serialize
from recjax.coding.codec import (
    bernoulli,
    family,
    interval,
    masked,
    padded_bits,
    raw_bits,
    serial,
    table,
    uniform,
)
from recjax.coding.integers import index_codec, learned_masses, zeta_masses
from recjax.coding.normal import discretised_normal, quantised_normal
from recjax.coding.rans import UNDERFLOW, ZERO_MASS
from recjax.coding.reference import ReferenceMessage
from recjax.coding.sequence import repeat, scan

SHAPES = [((2, 3), 1), ((2,), 33)]
CAPACITY = 2000

CDF_ROWS = np.array(
    [[0, 1, 2, 3, 4, 65536], [0, 10000, 20000, 20000, 65535, 65536], [0, 65532, 65533, 65534, 65535, 65536]], np.uint32
)
TOTALS = np.array([1, 2, 3, 10, 23, 40000, 65535, 65536])


def integers(rng, high, shape):
    return jnp.asarray(rng.integers(0, high, shape), jnp.uint32)


def make_uniform(rng, shape):
    total = rng.choice(TOTALS, shape)
    return uniform(jnp.asarray(total)), integers(rng, total, shape)


def make_raw_bits(rng, shape):
    count = rng.integers(0, 33, shape)
    return raw_bits(jnp.asarray(count)), integers(rng, 1 << count, shape)


def make_padded_bits(rng, shape):
    return padded_bits(20, integers(rng, 1 << 20, shape)), integers(rng, 1 << 20, shape)


def make_bernoulli(rng, shape):
    mass = rng.choice([1, 2, 300, 32768, 65535], shape)
    return bernoulli(jnp.asarray(mass)), integers(rng, 2, shape)


def make_family(rng, shape):
    row = rng.integers(0, 3, shape)
    symbol = integers(rng, 5, shape)
    # The third symbol of row 1 has no mass.
    return family(jnp.asarray(CDF_ROWS), jnp.asarray(row)), jnp.where((row == 1) & (symbol == 2), 1, symbol)


def make_normal(rng, shape):
    mean, log2_scale = rng.integers(-9000, 9000, shape), rng.integers(-900, 300, shape)
    codec = discretised_normal(jnp.asarray(mean, jnp.int32), jnp.asarray(log2_scale, jnp.int32))
    # Symbols that a message full of noise holds have some mass.
    noise = rans.empty(shape[:-1], shape[-1], 8)._replace(head=integers(rng, 1 << 32, shape) | rans.HEAD_MIN)
    return codec, jax.jit(codec.pop)(noise)[1]


def make_quantised_normal(rng, shape):
    mean, log2_scale = rng.integers(-40000, 40000, shape), rng.integers(-900, 1500, shape)
    codec = quantised_normal(jnp.asarray(mean, jnp.int32), jnp.asarray(log2_scale, jnp.int32))
    return codec, integers(rng, 256, shape)


def make_zeta_index(rng, shape):
    n = np.exp2(rng.uniform(0, 31.99, shape)).astype(np.uint32)
    return index_codec(zeta_masses(5 * 256, 12)), jnp.asarray(n)


def make_learned_index(rng, shape):
    tables = np.stack([learned_masses([3, 1, 0, 0, 20]), learned_masses([0, 0, 7, 0, 0])])
    row = jnp.asarray(rng.integers(0, 2, shape))
    return index_codec(tables, row), 1 + integers(rng, 9, shape)


def make_serial(rng, shape):
    parts = [make(rng, shape) for make in (make_uniform, make_bernoulli, make_raw_bits)]
    return serial(*(codec for codec, _ in parts)), tuple(symbol for _, symbol in parts)


def make_scan(rng, shape):
    total = jnp.asarray(rng.choice(TOTALS, (6, *shape)))
    return scan(uniform, total), integers(rng, np.asarray(total), (6, *shape))


def make_repeat(rng, shape):
    return repeat(uniform(23), 4), integers(rng, 23, (4, *shape))


CASES = [
    make_uniform,
    make_raw_bits,
    make_padded_bits,
    make_bernoulli,
    make_family,
    make_normal,
    make_quantised_normal,
    make_zeta_index,
    make_learned_index,
    make_serial,
    make_scan,
    make_repeat,
]


@cache
def compiled(make, shape):
    """A case's codec and symbols for a message of this shape, and its jitted functions, shared by the tests."""
    batch, lanes = shape
    codec, symbol = make(np.random.default_rng(lanes), (*batch, lanes))
    return codec, symbol, jax.jit(codec.push), jax.jit(codec.pop)


def assert_same_symbols(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_laws(make, shape, random_message, assert_same_message):
    batch, lanes = shape
    codec, symbol, push, pop = compiled(make, shape)
    starts = [rans.empty(batch, lanes, CAPACITY), random_message(batch, lanes, CAPACITY, 1500)]
    if lanes > 1:
        starts.append(starts[1]._replace(active=starts[1].active.at[..., 1::2].set(False)))
    for start in starts:
        pushed = push(start, symbol)
        popped, again = pop(pushed)
        assert_same_message(popped, start)
        step = slice(None, None, 1 if start.active.all() else 2)
        assert_same_symbols(*(jax.tree.map(lambda leaf, s=step: leaf[..., s], x) for x in (again, symbol)))
        if codec.pops_any_message and start is not starts[0]:
            drained, drawn = pop(start)
            assert_same_message(push(drained, drawn), start)


# Each operation compiles on its own here, so not every case.
@pytest.mark.parametrize("make", [make_normal, make_learned_index, make_scan], ids=lambda make: make.__name__)
def test_without_jit_and_vmapped_the_bytes_are_the_same(make, random_message, assert_same_message):
    codec, symbol = make(np.random.default_rng(1), (3,))
    message = random_message((), 3)
    expected = jax.jit(codec.push)(message, symbol)
    with jax.disable_jit():
        assert_same_message(codec.push(message, symbol), expected)
    twice = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), (message, symbol))
    vmapped = jax.jit(jax.vmap(codec.push))(*twice)
    assert_same_message(jax.tree.map(lambda leaf: leaf[1], vmapped), expected)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_garbage_pops_symbols_that_can_be_pushed_again(make, shape):
    """Down to nothing and below: in range, whatever the message, with the fault that says so."""
    batch, lanes = shape
    _, symbol, push, pop = compiled(make, shape)
    message = rans.empty(batch, lanes, CAPACITY)
    message = message._replace(head=jnp.full_like(message.head, 0xDEADBEEF))
    popped, drawn = pop(message)
    for _ in range(6):
        popped, _ = pop(popped)
    assert jax.tree.structure(drawn) == jax.tree.structure(symbol)
    assert not np.any(push(message, drawn).fault)
    assert set(np.unique(popped.fault).tolist()) <= {0, UNDERFLOW}
    assert not np.any(popped.size)


@pytest.mark.parametrize(
    ("codec", "symbol"),
    [
        (uniform(23), 23),
        (uniform(1 << 16), 1 << 16),
        (raw_bits(3), 8),
        (raw_bits(20), 1 << 20),
        (padded_bits(20, jnp.asarray(77, jnp.uint32)), 1 << 20),
        (bernoulli(5), 2),
        (table(CDF_ROWS[1]), 2),
        (table(CDF_ROWS[1]), 5),
        (index_codec(zeta_masses(256, 4)), 0),
    ],
)
def test_what_cannot_be_coded_is_a_fault(codec, symbol):
    assert int(jax.jit(codec.push)(rans.empty((), 2, 16), jnp.array([0, symbol], jnp.uint32)).fault) & ZERO_MASS


@pytest.mark.parametrize("total", [1, 3, 23, 40000, 65536])
def test_uniform_intervals_tile_the_values(total):
    values = np.arange(1 << 16)
    symbols = (values + 1) * total - 1 >> 16
    codec = uniform(total)
    message = rans.empty((1 << 16,), 1, 4)._replace(head=jnp.asarray((values | 1 << 16)[:, None], jnp.uint32))
    popped, drawn = jax.jit(codec.pop)(message)
    drawn_of_value = np.zeros(1 << 16, np.int64)
    drawn_of_value[np.asarray(rans.peek(message))[:, 0]] = np.asarray(drawn)[:, 0]
    assert np.array_equal(drawn_of_value, symbols)
    counts = np.bincount(symbols, minlength=total)
    assert counts.max() - counts.min() <= 1
    assert np.array_equal(np.asarray(popped.head)[:, 0] >= counts[np.asarray(drawn)[:, 0]], np.ones(1 << 16, bool))


def test_bytes_equal_the_references():
    rng = np.random.default_rng(0)
    row = CDF_ROWS[1].tolist()
    symbols = rng.choice([0, 1, 3, 4], (50, 4))
    message, reference = rans.empty((), 4, 400), ReferenceMessage.empty(4)
    codec = table(CDF_ROWS[1])
    push, pop = jax.jit(codec.push), jax.jit(codec.pop)
    for symbol in symbols:
        message = push(message, jnp.asarray(symbol))
        reference.push_symbols(row, symbol.tolist())
    data = serialize.to_bytes(message)
    assert data == reference.to_bytes()
    message = serialize.from_bytes(data, 4, 400)
    for symbol in symbols[::-1]:
        message, popped = pop(message)
        assert popped.tolist() == reference.pop_symbols(row) == symbol.tolist()


def test_masked_lanes_are_left_alone(random_message, assert_same_message):
    message = random_message((), 4)
    active = jnp.array([True, False, False, True])
    codec = masked(uniform(10), active)
    pushed = jax.jit(codec.push)(message, jnp.array([3, 99, 99, 7]))
    assert np.array_equal(pushed.head[1:3], message.head[1:3])
    assert int(pushed.fault) == 0
    popped, symbol = jax.jit(codec.pop)(pushed)
    assert symbol[active].tolist() == [3, 7]
    assert_same_message(popped, message)


def test_interval_is_all_that_a_distribution_needs():
    def bounds(symbol):
        return jnp.where(symbol == 0, 0, 1000), jnp.where(symbol == 0, 1000, 64536)

    codec = interval(bounds, lambda value: (value >= 1000).astype(jnp.uint32))
    message = jax.jit(codec.push)(rans.empty((), 2, 8), jnp.array([0, 1]))
    assert jax.jit(codec.pop)(message)[1].tolist() == [0, 1]


def test_second_call_compiles_nothing(random_message, count_compilations):
    @partial(jax.jit, static_argnames="length")
    def encode(message, totals, symbols, length):
        return serial(scan(uniform, totals), repeat(uniform(3), length)).push(message, symbols)

    calls = []
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        totals = jnp.asarray(rng.choice(TOTALS, (5, 2)))
        symbols = (integers(rng, np.asarray(totals), (5, 2)), integers(rng, 3, (4, 2)))
        arguments = (random_message((), 2, seed=seed), totals, symbols)
        calls.append(count_compilations(lambda a=arguments: encode(*a, length=4)))
    assert calls[0] > 0
    assert calls[1] == 0


def test_masks_within_masks_leave_idle_lanes_alone():
    """A lane that is idle outside of a mask is idle in it, whatever the mask says."""
    outer, inner = jnp.array([True, True, False, False]), jnp.array([True, False, True, False])
    codec = masked(masked(raw_bits(16), inner), outer)
    message = rans.empty((), 4, 32)
    pushed = jax.jit(codec.push)(message, jnp.full(4, 12345, jnp.uint32))
    changed = np.asarray(pushed.head) != np.asarray(message.head)
    assert changed.tolist() == [True, False, False, False] and np.asarray(pushed.active).all()
    popped, symbol = jax.jit(codec.pop)(pushed)
    assert int(symbol[0]) == 12345 and np.array_equal(popped.head, message.head)
