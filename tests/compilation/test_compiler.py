"""Functions for wide vectors, and those that are one kernel, are the same alone and within others."""

import jax
import jax.numpy as jnp
import pytest

from recjax import compiler


@pytest.fixture
def fresh(monkeypatch):
    """As in a process that has compiled nothing, on a machine with wide vectors."""
    monkeypatch.setattr(compiler, "_has_avx512", lambda: True)
    compiler._options.cache_clear()
    compiler._for_widest.cache_clear()
    yield
    compiler._options.cache_clear()
    compiler._for_widest.cache_clear()


def make():
    @compiler.wide
    def scaled(factor, x):
        return factor * jnp.cumsum(x)

    return scaled


def test_wide_functions_are_the_same_alone_and_within_others(fresh):
    scaled, x = make(), jnp.arange(100, dtype=jnp.uint32)
    inside = jax.jit(lambda x: scaled(3, x))(x)
    constant = jax.jit(lambda: scaled(3, jnp.arange(100, dtype=jnp.uint32)))()
    assert (scaled(3, x) == inside).all() and (inside == constant).all() and (inside == 3 * jnp.cumsum(x)).all()
    assert (jax.vmap(lambda x: scaled(2, x))(x[None])[0] == scaled(2, x)).all()


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="the option is one of CPUs")
def test_a_first_call_under_jit_leaves_later_ones_wide(fresh):
    scaled, x = make(), jnp.arange(4.0)
    jax.jit(lambda x: scaled(3, x))(x)
    scaled(3, x)
    assert compiler._options() == compiler._WIDE and compiler._for_widest.cache_info().currsize == 1


def test_an_xla_without_the_option_is_asked_for_nothing(fresh, monkeypatch):
    monkeypatch.setattr(compiler, "_WIDE", {"xla_no_such_option": 1})
    assert compiler._options() is None
    assert (make()(2, jnp.arange(3)) == jnp.array([0, 2, 6])).all()


TABLE = jnp.arange(1000, dtype=jnp.uint32) ** 2


def steps(start, count):
    """Sums of a table's values, and what nobody may want."""
    total, seen = jax.lax.scan(lambda x, k: (x + TABLE[(x + k) % 1000], x), start, count)
    return total, seen, start + 1


def test_one_kernel_is_what_it_was():
    kernel, start, count = compiler.one_kernel(steps), jnp.arange(5, dtype=jnp.uint32), jnp.arange(7, dtype=jnp.uint32)
    expected = jax.jit(steps)(start, count)
    for found in (jax.jit(kernel)(start, count), kernel(start, count), jax.jit(lambda: kernel(start, count))()):
        assert jax.tree.all(jax.tree.map(lambda a, b: (a == b).all(), found, expected))
    for part in range(3):
        assert (jax.jit(lambda *x, part=part: kernel(*x)[part])(start, count) == expected[part]).all()
    both = jax.jit(jax.vmap(kernel))(jnp.stack([start, start]), jnp.stack([count, count]))
    assert (both[0] == expected[0]).all() and (both[1][1] == expected[1]).all()
    within = jax.jit(compiler.one_kernel(lambda x, k: kernel(kernel(x, k)[0], k)))(start, count)
    assert (within[0] == steps(expected[0], count)[0]).all()


@pytest.mark.parametrize(
    "part",
    [
        lambda x: (jnp.tanh(jnp.outer(x, x) * 0.1) @ jnp.ones((5, 3)))[0, 0],
        lambda x: jnp.zeros(9).at[x].add(1.0)[0],
        lambda x: jnp.sort(x)[0],
        lambda x: jax.random.randint(jax.random.key(x[0]), (), 0, 9),
        lambda x: jnp.zeros((0, 5)).sum(),
    ],
)
def test_what_is_no_kernel_stays_as_it_is(part):
    def loop(start, count):
        def step(x, k):
            return x + k + part(x).astype(jnp.uint32), x

        return jax.lax.scan(step, start, count)

    start, count = jnp.arange(5, dtype=jnp.uint32), jnp.arange(3, dtype=jnp.uint32)
    found, expected = jax.jit(compiler.one_kernel(loop))(start, count), jax.jit(loop)(start, count)
    assert jax.tree.all(jax.tree.map(lambda a, b: (a == b).all(), found, expected))


@pytest.mark.skipif(not compiler.makes_kernels(), reason="loops are kernels on a single CPU, by an XLA that is known")
def test_one_kernel_is_one(monkeypatch):
    start, count = jnp.arange(5, dtype=jnp.uint32), jnp.arange(7, dtype=jnp.uint32)

    def kernels():
        program = jax.jit(lambda x, k: compiler.one_kernel(steps)(x, k)).lower(start, count).compile().as_text()
        return program.count("xla_cpu_small_call")

    assert kernels() == 1
    monkeypatch.setattr(compiler, "_KERNEL_VERSIONS", ("0.0.",))
    assert kernels() == 0
