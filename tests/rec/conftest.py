"""The plain loop that the engine stands for: rows one by one, each until it is done."""

import functools

import jax
import jax.numpy as jnp
import pytest

from recjax import randomness


@functools.cache
def _compiled(algorithm):
    def row(problem):
        key, private_key, *_ = problem
        state = jax.lax.while_loop(
            lambda state: ~algorithm.done(state),
            lambda state: algorithm.step(key, private_key, state),
            algorithm.init(*problem),
        )
        return algorithm.result(key, private_key, state), state, algorithm.step(key, private_key, state)

    return jax.jit(lambda *problem: jax.lax.map(row, problem))


@pytest.fixture(scope="session")
def one_by_one():
    """run(algorithm, key, rows, q, p, bins): results of rows with the keys that the engine gives them, the state of
    each when done, and after one step more."""

    def run(algorithm, key, rows, q, p, bins=None):
        private_key = randomness.fold_in(key, randomness.PRIVATE)
        rows = jnp.asarray(rows, jnp.uint32)
        keys, private_keys = randomness.fold_in(key, randomness.BLOCKS, rows), randomness.fold_in(private_key, rows)
        return _compiled(algorithm)(keys, private_keys, q, p, bins)

    return run
