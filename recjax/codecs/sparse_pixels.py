"""The pixels of one step of a wavefront, with free laws: which of them are 0, and then the values of the others.

Most pixels of a drawn or scanned image are 0, and the law of the 255 other values is most of the work. So all flags of
a step come first, and laws of values are evaluated for the pixels that have one.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int32, UInt32

from recjax.coding import codec as codecs
from recjax.models import categorical, exact
from recjax.models.exact import ExactLayer, ExactNetwork

_ROWS = 128
"""Laws that are evaluated together."""


def step_codec(
    head: ExactNetwork, inputs: Int32[Array, "most *lanes inputs"], exists: Bool[Array, "most"]
) -> codecs.Codec:
    """Codec of pixels [most, *lanes], of which some need not exist: these leave the message as it is.

    inputs: what the head is told of each; its outputs are the logits of `categorical.law`.
    """
    hidden = exact.hidden(head, inputs.reshape(-1, inputs.shape[-1]))
    shape, last = inputs.shape[:-1], head.layers[-1]
    first_column = jax.tree.map(lambda leaf: leaf[..., :1], last)
    flag = categorical.presence(_outputs(first_column, hidden)[:, 0]).reshape(shape)
    flags = codecs.scan(lambda one: codecs.masked(codecs.bernoulli(one[0]), one[1]), (flag, exists))

    def values(present):
        edges, row = _laws_of(last, hidden, present.reshape(-1))
        return codecs.scan(
            lambda one: codecs.masked(codecs.family(edges, one[0]), one[1]), (row.reshape(shape), present)
        )

    def push(message, symbols):
        present = (symbols > 0) & exists.reshape(-1, *(1,) * (len(shape) - 1))
        message = values(present).push(message, jnp.maximum(symbols, 1) - 1)
        return flags.push(message, present.astype(jnp.uint32))

    def pop(message):
        message, flag = flags.pop(message)
        present = (flag == 1) & exists.reshape(-1, *(1,) * (len(shape) - 1))
        message, k = values(present).pop(message)
        return message, jnp.where(present, k + 1, 0)

    return codecs.Codec(push, pop)


def _laws_of(
    last: ExactLayer, hidden: Int32[Array, "n units"], present: Bool[Array, "n"]
) -> tuple[UInt32[Array, "rows edges"], UInt32[Array, "n"]]:
    """Cumulative masses of the laws of the values of some pixels, in rows, and the row of each of these pixels."""
    count = len(present)
    at_once = min(_ROWS, count)
    rows = -(-count // at_once) * at_once
    after = jnp.cumsum(present, dtype=jnp.int32)
    row = after - 1
    # Distinct places out of range for the others, as the scatter is told that no place occurs twice.
    number = jnp.arange(count, dtype=jnp.int32)
    pixel_of = jnp.zeros(rows, jnp.int32).at[jnp.where(present, row, rows + number)].set(
        number, mode="drop", unique_indices=True
    )  # fmt: skip
    values = last.shift.shape[0] - 1

    def more(state):
        done, edges = state
        some = jax.lax.dynamic_slice_in_dim(pixel_of, done, at_once)
        law = categorical.law(_outputs(last, hidden[some]))
        return done + at_once, jax.lax.dynamic_update_slice_in_dim(edges, law.edges, done, axis=0)

    empty = jnp.zeros((rows, values + 1), jnp.uint32)
    _, edges = jax.lax.while_loop(lambda state: state[0] < after[-1], more, (jnp.int32(0), empty))
    return edges, row.astype(jnp.uint32)


def _outputs(layer: ExactLayer, x: Int32[Array, "rows units"]) -> Int32[Array, "rows outputs"]:
    return exact.apply(ExactNetwork((layer,)), x)
