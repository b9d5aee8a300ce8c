"""Entropy coding: vectorised rANS messages, a combinator algebra of codecs on them, index codes and latent coders.

To code data of one's own, take a codec of one symbol (`codec.bernoulli`, `codec.table`, `codec.family` or
`codec.interval`), make one of all symbols of it (`sequence.scan`), push them on a message (`rans.empty`), and turn it
into bytes (`serialize.to_bytes`). `latent.latent_codec` adds a latent variable, by bits-back or by relative entropy
coding.

A decoder must compute the same masses as the encoder, and floats of a network differ between machines and programs.
Files of recjax have networks in integers for this reason (`recjax.models.fixed_point`).

Example:
    >>> import jax.numpy as jnp
    >>> from recjax.coding import codec, rans, sequence, serialize
    >>> mass_of_one = jnp.uint32([[60000], [100], [40000]])  # of three pixels, in one lane, in units of 2^-16
    >>> pixels = sequence.scan(codec.bernoulli, mass_of_one)
    >>> message = pixels.push(rans.empty((), lanes=1, capacity=64), jnp.uint32([[1], [0], [1]]))
    >>> data = serialize.to_bytes(message)
    >>> _, received = pixels.pop(serialize.from_bytes(data, lanes=1, capacity=64))
    >>> received[:, 0].tolist()
    [1, 0, 1]
"""
