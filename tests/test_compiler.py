"""Functions for wide vectors are the same alone and within others, wherever they are called first."""

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
