"""Sequences of local codecs are coded in other steps than one by one, to the same message."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax import compiler
from recjax.coding import rans, sequence
from recjax.coding.codec import bernoulli, family, masked, optional, raw_bits, serial
from recjax.coding.normal import discretised_normal
from recjax.coding.rans import OVERFLOW, UNDERFLOW, ZERO_MASS
from recjax.coding.sequence import scan

STEPS = 9
CDF_ROWS = jnp.asarray([[0, 7, 60000, 65536], [0, 65534, 65535, 65536]], jnp.uint32)


def two_of_a_kind(param):
    mass, row, active = param
    return masked(serial(optional(bernoulli(mass), family(CDF_ROWS, row)), raw_bits(row + 20)), active)


def of_sequences(param):
    """A sequence for every step of a sequence."""
    mass, row, _ = param
    return scan(lambda one: bernoulli(one), jnp.stack([mass, mass // 2, row + 1]))


CODECS = {
    "several pushes a step": two_of_a_kind,
    "look-ups in tables": lambda param: discretised_normal(
        param[0].astype(jnp.int32) - 9000, -param[1].astype(jnp.int32)
    ),
    "sequences within": of_sequences,
    "one lane's distribution for all": lambda param: bernoulli(param[0][..., :1]),
}


def one_by_one(codec_of):
    return lambda param: codec_of(param)._replace(local=False)


def params(rng, shape):
    mass, row = rng.integers(1, 65536, (STEPS, *shape)), rng.integers(0, 2, (STEPS, *shape))
    return jnp.asarray(mass, jnp.uint32), jnp.asarray(row, jnp.uint32), jnp.asarray(rng.random((STEPS, *shape)) < 0.7)


@pytest.mark.parametrize("shape", [(1,), (5,), (3, 1), (2, 40), (2, 300)])
@pytest.mark.parametrize("codec_of", CODECS.values(), ids=CODECS.keys())
def test_the_same_as_one_by_one(codec_of, shape, random_message, assert_same_message):
    given = params(np.random.default_rng(len(shape)), shape)
    message = random_message(shape[:-1], shape[-1], capacity=30000, size=15000)
    quick, slow = scan(codec_of, given), scan(one_by_one(codec_of), given)
    assert quick.local and not slow.local
    (popped, symbols), (slowly, same) = jax.jit(quick.pop)(message), jax.jit(slow.pop)(message)
    assert_same_message(popped, slowly)
    assert jax.tree.all(jax.tree.map(np.array_equal, symbols, same))
    assert_same_message(jax.jit(quick.push)(popped, symbols), jax.jit(slow.push)(popped, symbols))


@pytest.mark.parametrize("lanes", [1, 6])
def test_faults_are_told(lanes):
    mass = jnp.full((STEPS, lanes), 3, jnp.uint32)
    codec, ones = scan(bernoulli, mass), jnp.ones((STEPS, lanes), jnp.uint32)
    push, pop = jax.jit(codec.push), jax.jit(codec.pop)
    full = push(rans.empty((), lanes, 10), ones)
    assert int(full.fault) == OVERFLOW
    enough = push(rans.empty((), lanes, int(full.size)), ones)
    assert int(enough.fault) == 0 and int(enough.size) == int(full.size)
    empty = pop(enough)[0]
    assert int(empty.fault) == 0
    assert int(jax.jit(scan(bernoulli, 0 * mass + 32768).pop)(empty)[0].fault) == UNDERFLOW
    assert int(push(rans.empty((), lanes, 99), 2 * ones.at[1:].set(0)).fault) == ZERO_MASS


def test_what_is_not_asked_for_may_be_dropped():
    """XLA drops parts of a kernel's results and with them uses of its arguments."""
    mass = jnp.full((STEPS, 4), 30000, jnp.uint32)
    codec, ones = scan(bernoulli, mass), jnp.ones((STEPS, 4), jnp.uint32)
    message = jax.jit(codec.push)(rans.empty((), 4, 300), ones)
    assert jax.jit(lambda m: codec.pop(m)[1])(message).all()
    assert not jax.jit(lambda m: codec.pop(m)[0].size)(message)
    assert (jax.jit(lambda m: codec.pop(m)[0].head)(message) == rans.HEAD_MIN).all()
    assert jax.jit(lambda: codec.pop(codec.push(rans.empty((), 4, 300), ones))[1])().all()
    several = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), message)
    assert jax.jit(jax.vmap(lambda m: codec.pop(m)[1]))(several).all()


@pytest.mark.skipif(not compiler.makes_kernels(), reason="loops are kernels on a single CPU, by an XLA that is known")
def test_pushes_and_pops_are_kernels():
    codec, message = scan(bernoulli, jnp.full((STEPS, 4), 9, jnp.uint32)), rans.empty((), 4, 300)
    push = jax.jit(lambda m: codec.push(m, jnp.zeros((STEPS, 4), jnp.uint32)))
    for function in (push, jax.jit(codec.pop)):
        assert "xla_cpu_small_call" in function.lower(message).as_text()


def test_laws_may_come_of_anything():
    """Of products of matrices and random bits, which no kernel has: the loop is then as XLA has it."""
    inputs = jax.random.split(jax.random.key(0), STEPS)
    weights = jnp.ones((3, 4))

    def codec_of(key):
        x = jnp.tanh(jax.random.normal(key, (4, 3)) @ weights).sum(axis=-1)
        return bernoulli(jnp.clip(30000 + 9000 * x, 1, 60000).astype(jnp.uint32))

    codec, symbols = scan(codec_of, inputs), jnp.ones((STEPS, 4), jnp.uint32)
    message = jax.jit(codec.push)(rans.empty((), 4, 300), symbols)
    assert (jax.jit(codec.pop)(message)[1] == symbols).all()


@pytest.mark.parametrize("batch", [(0,), (2, 0)])
def test_a_batch_of_none(batch):
    mass = jnp.zeros((STEPS, *batch, 3), jnp.uint32)
    pushed = jax.jit(scan(bernoulli, mass).push)(rans.empty(batch, 3, 9), mass)
    assert pushed.head.shape == (*batch, 3)


def test_no_symbols_leave_a_message_as_it_is(random_message, assert_same_message):
    message = random_message((), 5)
    codec = scan(bernoulli, jnp.zeros((0, 5), jnp.uint32))
    assert_same_message(jax.jit(codec.push)(message, jnp.zeros((0, 5), jnp.uint32)), message)
    popped, symbols = jax.jit(codec.pop)(message)
    assert_same_message(popped, message)
    assert symbols.shape == (0, 5)
    assert_same_message(jax.jit(sequence.repeat(serial(), 3).push)(message, ()), message)
