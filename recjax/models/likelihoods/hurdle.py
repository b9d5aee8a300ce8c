"""Evaluates a head with a categorical likelihood only where needed: flags of all pixels, values of those above 0.

Most pixels of a drawn or scanned image are 0, and the distribution of the up to 255 other values is most of a head's
work.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Int32, UInt32

from recjax.models.fixed_point import networks
from recjax.models.fixed_point.networks import Network
from recjax.models.likelihoods import categorical
from recjax.models.likelihoods.categorical import CategoricalMasses

_ROWS = 128
"""Distributions of values that are evaluated together."""


def flags(head: Network, inputs: Int32[Array, "*batch inputs"]) -> tuple[UInt32[Array, "*batch"], Array]:
    """Computes the masses of the values above 0 of all pixels.

    Args:
        head: The network whose outputs are the logits of `categorical.distribution`.
        inputs: Inputs of the head for each pixel.

    Returns:
        The masses `present` of `categorical.distribution`, and the inputs of the head's last layer [pixels, units].
    """
    hidden = networks.hidden(head, inputs.reshape(-1, inputs.shape[-1]))
    flag = networks.apply(networks.last_of(head, slice(1)), hidden)
    return categorical.presence(flag).reshape(inputs.shape[:-1]), hidden


def value_edges(
    head: Network, hidden: Array, present: Bool[Array, "*batch"]
) -> tuple[UInt32[Array, "rows edges"], UInt32[Array, "*batch"]]:
    """Computes the distributions of the values 1, 2, ... of those pixels that are above 0.

    Args:
        head: The network whose outputs are the logits of `categorical.distribution`.
        hidden: Inputs of the head's last layer [pixels, units], as `flags` returns them.
        present: Whether each pixel is above 0.

    Returns:
        Cumulative masses of the values from 1 on, in a row for each pixel that is above 0 (further rows have no
        meaning), and the number of each pixel's row (without meaning for pixels that are 0).
    """
    last, count = networks.last_of(head), present.size
    at_once = min(_ROWS, count)
    rows = -(-count // at_once) * at_once
    upto = jnp.cumsum(present.reshape(-1), dtype=jnp.int32)
    number = jnp.arange(count, dtype=jnp.int32)
    # The scatter is told that no place occurs twice, so the other pixels have distinct places beyond the end.
    place = jnp.where(present.reshape(-1), upto - 1, rows + number)
    pixel_of = jnp.zeros(rows, jnp.int32).at[place].set(number, mode="drop", unique_indices=True)

    def more(state):
        done, edges = state
        some = jax.lax.dynamic_slice_in_dim(pixel_of, done, at_once)
        distribution = categorical.distribution(networks.apply(last, hidden[some]))
        return done + at_once, jax.lax.dynamic_update_slice_in_dim(edges, distribution.edges, done, axis=0)

    nothing = jnp.zeros((rows, networks.num_outputs(last)), jnp.uint32)
    _, edges = jax.lax.while_loop(lambda state: state[0] < upto[-1], more, (jnp.int32(0), nothing))
    return edges, jnp.maximum(upto - 1, 0).astype(jnp.uint32).reshape(present.shape)


def bits(head: Network, inputs: Int32[Array, "*batch inputs"], x: Int[Array, "*batch"]) -> Float[Array, "*batch"]:
    """Computes the cost of pixels under their integer distributions, as `categorical.bits` does.

    Args:
        head: The network whose outputs are the logits of `categorical.distribution`.
        inputs: Inputs of the head for each pixel.
        x: Values of the pixels.

    Returns:
        -log2 of the masses of the pixels, in bits.
    """
    mass, hidden = flags(head, inputs)
    edges, row = value_edges(head, hidden, x > 0)
    at = jnp.maximum(x.astype(jnp.int32) - 1, 0)
    of_value = jnp.stack([jnp.zeros_like(edges[row, at]), edges[row, at + 1] - edges[row, at]], axis=-1)
    return categorical.bits(CategoricalMasses(mass, of_value), jnp.minimum(x, 1))
