"""Coding data through a latent variable: bits-back and relative entropy coding behind one face.

|           | choose z                     | pay             | receive             | refund           |
|-----------|------------------------------|-----------------|---------------------|------------------|
| bits-back | pop z under q(z | x)         | push z under p  | pop z under p       | push z under q   |
| REC       | search; the message is as is | push the code   | pop the code, decode | nothing         |

Bits-back: Townsend, Bird, Barber 2019 (arXiv:1901.04866). REC: arXiv:2010.01185, arXiv:2405.12203.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from recjax.coding.codec import Codec
from recjax.coding.rans import Message


class LatentCoder(NamedTuple):
    """How a latent gets to the decoder. `posterior` is whatever the coder needs to know of q(z | x)."""

    choose: Callable[[Message, Any], tuple[Message, Any]]
    pay: Callable[[Message, Any], Message]
    receive: Callable[[Message], tuple[Message, Any]]
    refund: Callable[[Message, Any, Any], Message]
    pops_any_message: bool


def bits_back(prior: Codec, posterior_codec: Callable[[Any], Codec]) -> LatentCoder:
    """The latent is chosen by popping it under the posterior, and the bits of that choice come back when decoding."""
    return LatentCoder(
        choose=lambda message, posterior: posterior_codec(posterior).pop(message),
        pay=prior.push,
        receive=prior.pop,
        refund=lambda message, posterior, z: posterior_codec(posterior).push(message, z),
        pops_any_message=True,
    )


def relative_entropy(search: Callable[[Any], Any], code: Codec, decode: Callable[[Any], Any]) -> LatentCoder:
    """The latent is a sample that a search finds given the posterior, and its code is what travels.

    search(posterior) and decode(code) both return the latent, as an object with a field `code`.
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
    """Push x under likelihood(z), and pay for z, which was chosen before."""
    return latent.pay(likelihood(z).push(message, x), z)


def latent_codec(latent: LatentCoder, likelihood: Callable[[Any], Codec], posterior: Callable[[Any], Any]) -> Codec:
    """Codec of data x through a latent z chosen given posterior(x); a decoder asks for that for a refund only."""

    def push(message, x):
        message, z = latent.choose(message, posterior(x))
        return push_given(latent, likelihood, message, x, z)

    def pop(message):
        message, z = latent.receive(message)
        message, x = likelihood(z).pop(message)
        return latent.refund(message, posterior(x), z), x

    return Codec(push, pop, latent.pops_any_message)
