"""Coding data through a latent variable, by bits-back or by relative entropy coding (REC).

|           | choose z                     | pay             | receive              | refund           |
|-----------|------------------------------|-----------------|----------------------|------------------|
| bits-back | pop z under q(z | x)         | push z under p  | pop z under p        | push z under q   |
| REC       | search; no change to message | push the code   | pop the code, decode | nothing          |

Bits-back: Townsend, Bird, Barber 2019 (arXiv:1901.04866). REC: arXiv:2010.01185, arXiv:2405.12203.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from recjax.coding.codec import Codec
from recjax.coding.rans import Message


class LatentCoder(NamedTuple):
    """The four steps that convey a latent z to the decoder; see the table above.

    A `posterior` is whatever the coder needs to know of q(z | x).

    Attributes:
        choose: Maps a message and a posterior to the message and a chosen latent (encoder, first step).
        pay: Maps a message and a latent to the message with the latent's code (encoder, last step).
        receive: Maps a message to the message without that code, and the latent (decoder, first step).
        refund: Maps a message, the posterior and the latent to the message before the choice (decoder, last step).
        pops_any_message: Whether pushing undoes popping on every message; see `Codec`.
    """

    choose: Callable[[Message, Any], tuple[Message, Any]]
    pay: Callable[[Message, Any], Message]
    receive: Callable[[Message], tuple[Message, Any]]
    refund: Callable[[Message, Any, Any], Message]
    pops_any_message: bool


def bits_back(prior: Codec, posterior_codec: Callable[[Any], Codec]) -> LatentCoder:
    """Makes a latent coder that chooses the latent by popping it under the posterior.

    The decoder gets the bits of that choice back, by pushing the latent under the posterior.

    Args:
        prior: Codec of latents under the prior p(z).
        posterior_codec: Maps a posterior to the codec of latents under q(z | x).

    Returns:
        The latent coder.
    """
    return LatentCoder(
        choose=lambda message, posterior: posterior_codec(posterior).pop(message),
        pay=prior.push,
        receive=prior.pop,
        refund=lambda message, posterior, z: posterior_codec(posterior).push(message, z),
        pops_any_message=True,
    )


def relative_entropy(search: Callable[[Any], Any], code: Codec, decode: Callable[[Any], Any]) -> LatentCoder:
    """Makes a latent coder that sends the code of a sample, which a search chooses given the posterior.

    Args:
        search: Maps a posterior to a latent, an object with a field `code`.
        code: Codec of these codes.
        decode: Maps a code to the latent, an object with a field `code`.

    Returns:
        The latent coder.
    """

    def receive(message):
        message, symbol = code.pop(message)
        return message, decode(symbol)

    return LatentCoder(
        choose=lambda message, posterior: (message, search(posterior)),
        pay=lambda message, z: code.push(message, z.code),
        receive=receive,
        refund=lambda message, posterior, z: message,
        pops_any_message=False,
    )


def push_given(latent: LatentCoder, likelihood: Callable[[Any], Codec], message: Message, x: Any, z: Any) -> Message:
    """Pushes data under their likelihood given a latent that was chosen before, and pays for the latent.

    Args:
        latent: The latent coder.
        likelihood: Maps a latent to the codec of data.
        message: The message after the choice of the latent.
        x: The data.
        z: The latent.

    Returns:
        The message with the data and the latent.
    """
    return latent.pay(likelihood(z).push(message, x), z)


def latent_codec(latent: LatentCoder, likelihood: Callable[[Any], Codec], posterior: Callable[[Any], Any]) -> Codec:
    """Makes a codec of data through a latent.

    Args:
        latent: The latent coder.
        likelihood: Maps a latent to the codec of data.
        posterior: Maps data to what the coder needs to know of q(z | x). A decoder uses it only for refunds.

    Returns:
        Codec of data.

    Example:
        Bits-back with one latent of 10 bits for each pixel. The first choice pops bits that must be there before.

        >>> import jax.numpy as jnp
        >>> from recjax.coding import codec, latent, normal, serialize
        >>> def posterior(x):  # N(1, 1/4) or N(-1, 1/4), in the units of `normal.discretised_normal`
        ...     return jnp.where(x == 1, 4096, -4096), jnp.full(x.shape, -256)
        >>> coder = latent.bits_back(codec.raw_bits(10), lambda q: normal.discretised_normal(*q))
        >>> likelihood = lambda z: codec.bernoulli(jnp.where(z >= 512, jnp.uint32(60000), jnp.uint32(5536)))
        >>> pixels = latent.latent_codec(coder, likelihood, posterior)
        >>> initial = serialize.from_bytes(bytes(range(1, 9)), lanes=1, capacity=64)
        >>> message = pixels.push(pixels.push(initial, jnp.uint32([1])), jnp.uint32([0]))
        >>> message, last = pixels.pop(message)
        >>> message, first = pixels.pop(message)
        >>> int(first[0]), int(last[0]), serialize.to_bytes(message).hex()
        (1, 0, '0102030405060708')
    """

    def push(message, x):
        message, z = latent.choose(message, posterior(x))
        return push_given(latent, likelihood, message, x, z)

    def pop(message):
        message, z = latent.receive(message)
        message, x = likelihood(z).pop(message)
        return latent.refund(message, posterior(x), z), x

    return Codec(push, pop, latent.pops_any_message)
