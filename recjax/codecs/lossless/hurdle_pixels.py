"""Codes the pixels of one step of a wavefront with categorical distributions: which are 0, then the others' values.

All flags of a step come before all values, so that a decoder evaluates the distributions of values only for the pixels
that have one.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int32

from recjax.coding import codec as codecs
from recjax.coding import sequence
from recjax.models.fixed_point.networks import Network
from recjax.models.likelihoods import hurdle


def step_codec(head: Network, inputs: Int32[Array, "most *lanes inputs"], exists: Bool[Array, "most"]) -> codecs.Codec:
    """Makes the codec of the pixels of one step, [most, *lanes].

    Args:
        head: The network that turns inputs into the logits of `categorical.distribution`.
        inputs: Inputs of the head for each pixel.
        exists: Whether each place of the step has a pixel; the others leave the message as it is.

    Returns:
        Codec of pixel values.
    """
    mass, hidden = hurdle.flags(head, inputs)
    existing = jnp.broadcast_to(exists.reshape(-1, *(1,) * (mass.ndim - 1)), mass.shape)
    flags = sequence.scan(lambda one: codecs.masked(codecs.bernoulli(one[0]), one[1]), (mass, existing))

    def values(present):
        edges, row = hurdle.value_edges(head, hidden, present)
        return sequence.scan(lambda one: codecs.masked(codecs.family(edges, one[0]), one[1]), (row, present))

    def push(message, symbols):
        present = (symbols > 0) & existing
        message = values(present).push(message, jnp.maximum(symbols, 1) - 1)
        return flags.push(message, present.astype(jnp.uint32))

    def pop(message):
        message, flag = flags.pop(message)
        present = (flag == 1) & existing
        message, k = values(present).pop(message)
        return message, jnp.where(present, k + 1, 0)

    return codecs.Codec(push, pop)
