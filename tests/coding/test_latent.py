"""Bits-back and relative entropy coding with one interface, on a toy: z of 4 bits, x given z, and tables for all."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax import randomness
from recjax.coding import codec, latent, rans, sequence
from recjax.coding.integers import quantise
from recjax.coding.normal import discretised_normal

LATENT_BITS, SYMBOLS, LANES = 4, 6, 4
RNG = np.random.default_rng(0)


def rows_of(weights: np.ndarray) -> tuple[jnp.ndarray, np.ndarray]:
    masses = np.stack([quantise([int(weight) for weight in row]) for row in weights])
    return jnp.asarray(np.pad(np.cumsum(masses, axis=1), ((0, 0), (1, 0))), jnp.uint32), masses / 2**16


JOINT = RNG.integers(1, 1000, (1 << LATENT_BITS, SYMBOLS))
LIKELIHOOD, P_X_GIVEN_Z = rows_of(JOINT)
# The posterior of the quantised likelihood under a uniform prior.
POSTERIOR, Q_Z_GIVEN_X = rows_of(np.round(1e9 * P_X_GIVEN_Z.T).astype(np.int64))


class Found(NamedTuple):
    """A latent that a search found: here its code is the latent itself."""

    code: Any
    z: Any


def bits_back_codec() -> codec.Codec:
    prior = codec.raw_bits(LATENT_BITS)
    coder = latent.bits_back(prior, lambda x: codec.family(POSTERIOR, x))
    return latent.latent_codec(coder, lambda z: codec.family(LIKELIHOOD, z), lambda x: x)


def search_coder() -> latent.LatentCoder:
    best = jnp.asarray(Q_Z_GIVEN_X.argmax(axis=1), jnp.uint32)
    return latent.relative_entropy(
        search=lambda x: Found(best[x], best[x]),
        code=codec.raw_bits(LATENT_BITS),
        decode=lambda code: Found(code, code),
    )


def search_codec(posterior=lambda x: x) -> codec.Codec:
    return latent.latent_codec(search_coder(), lambda found: codec.family(LIKELIHOOD, found.z), posterior)


@pytest.fixture
def symbols():
    return jnp.asarray(RNG.integers(0, SYMBOLS, LANES), jnp.uint32)


@pytest.mark.parametrize("make", [bits_back_codec, search_codec])
def test_pop_undoes_push(make, symbols, random_message, assert_same_message):
    one, message = make(), random_message((), LANES)
    after, popped = one.pop(one.push(message, symbols))
    assert np.array_equal(popped, symbols)
    assert_same_message(after, message)


def test_push_undoes_pop_for_bits_back_alone(random_message, assert_same_message):
    assert bits_back_codec().pops_any_message and not search_codec().pops_any_message
    one, message = bits_back_codec(), random_message((), LANES, seed=3)
    assert_same_message(one.push(*one.pop(message)), message)


def test_a_search_leaves_the_message_alone_and_its_decoder_never_asks_for_the_posterior(symbols, random_message):
    message = random_message((), LANES)
    chosen, found = search_coder().choose(message, symbols)
    assert chosen is message and np.array_equal(found.z, Q_Z_GIVEN_X.argmax(axis=1)[np.asarray(symbols)])
    assert search_coder().refund(message, symbols, found) is message
    pushed = latent.push_given(search_coder(), lambda z: codec.family(LIKELIHOOD, z.z), message, symbols, found)

    def forbidden(x):
        # Under a jit, what is not used is not computed; here it is looked at.
        return None

    assert np.array_equal(search_codec(forbidden).pop(pushed)[1], symbols)


def test_rate_of_bits_back_is_the_marginal_likelihood(random_message):
    count = 2000
    law = P_X_GIVEN_Z.mean(axis=0)
    x = jnp.asarray(np.random.default_rng(1).choice(SYMBOLS, (count, LANES), p=law), jnp.uint32)
    chain = sequence.repeat(bits_back_codec(), count)
    message = random_message((), LANES, capacity=8000)
    after = chain.push(message, x)

    def bits(message: rans.Message) -> float:
        return 8 * int(message.size) + float(np.log2(np.asarray(message.head, np.float64)).sum())

    ideal_bits = -np.log2(law[np.asarray(x)]).sum()
    # The posterior is exact here, so that the ELBO is the marginal likelihood.
    assert bits(after) - bits(message) == pytest.approx(ideal_bits, rel=0.005)
    assert not int(after.fault)


def chain_of_wide_posteriors(padded: bool, steps: int) -> codec.Codec:
    """Latents with the posterior N(0, 1.23^2), under a standard normal prior of 10 bits; there is nothing else."""
    posterior = discretised_normal(jnp.zeros(1, jnp.int32), jnp.full(1, 77, jnp.int32))
    pads = randomness.words(randomness.key(0), randomness.PAD, (jnp.arange(steps, dtype=jnp.uint32),), 1) >> 22

    def one_step(pad):
        prior = codec.padded_bits(10, pad) if padded else codec.raw_bits(10)
        coder = latent.bits_back(prior, lambda _: posterior)
        return latent.latent_codec(coder, lambda z: codec.serial(), lambda x: x)

    return sequence.scan(one_step, pads)


@pytest.mark.parametrize("padded", [True, False])
def test_a_chain_pays_the_divergence_if_its_bits_are_clean(random_message, padded):
    steps = 4000
    message = random_message((), 1, capacity=8000)
    after = jax.jit(chain_of_wide_posteriors(padded, steps).push)(message, ())
    paid = 8 * (int(after.size) - int(message.size)) / steps
    scale = 2 ** (77 / 256)
    divergence_bits = ((scale**2 - 1) / 2 - np.log(scale)) / np.log(2)
    # Without pads each latent is the one before it, 1.23 times as far out.
    assert abs(paid - divergence_bits) < 0.04 if padded else paid > 4 * divergence_bits
