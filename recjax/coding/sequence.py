"""Codecs of sequences of symbols, compiled once for all steps.

If the codecs are `local`, a push is a loop over the heads only, after which the bytes shed by all steps are written at
once. On CPUs this loop is a single kernel instead of some ten per step, each of which takes as long to start as a few
lanes take to code.
"""

from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp

from recjax import compiler
from recjax.coding import rans
from recjax.coding.codec import Codec
from recjax.coding.rans import Message
from recjax.coding.tail import Pending

# With more heads, an operation takes longer than starting its kernel, and several cores may share it.
_MOST_HEADS = 512


def scan(
    codec_of: Callable[[Any], Codec], params: Any, length: int | None = None, pops_any_message: bool = True
) -> Codec:
    """Makes a codec of symbols along a leading axis, each with a codec of its own.

    As with any function given to `lax.scan`, the step is compiled again at every call that is not inside a `jit`.

    Args:
        codec_of: Maps params[i] to the codec of symbol i.
        params: Pytree of arrays whose leading axes are as long as the sequence; None if there are none.
        length: Number of symbols; may be None if `params` has arrays.
        pops_any_message: Whether the codecs of all symbols have this property; see `Codec`.

    Returns:
        Codec of symbols with a leading axis, popped in its order.
    """

    def push(message, symbols):
        def step(message, inputs):
            param, symbol = inputs
            return codec_of(param).push(message, symbol), None

        return jax.lax.scan(step, message, (params, symbols), length, reverse=True)[0]

    def push_heads(message, symbols):
        def step(head, inputs):
            param, symbol = inputs
            after = codec_of(param).push(message._replace(head=head, tail=Pending()), symbol)
            return after.head, cast(Pending, after.tail).joined(head)

        loop = _kernel(lambda head, inputs: jax.lax.scan(step, head, inputs, length, reverse=True), message)
        head, shed = loop(message.head, (params, symbols))
        # The shape is [steps, *batch, pushes of a step, lanes], and the last step was pushed first.
        shed = jnp.moveaxis(shed[::-1], 0, -3)
        *batch, steps, pushes, lanes = shed.shape
        return rans.write(message._replace(head=head), shed.reshape(*batch, steps * pushes, lanes))

    def pop(message):
        return jax.lax.scan(lambda message, param: codec_of(param).pop(message), message, params, length)

    def pop_heads(message):
        # Pops do not change the tail and the active lanes, so the loop does not carry them.
        same = {"tail": message.tail, "active": message.active}
        nothing = dict.fromkeys(same)

        def step(changing, param):
            after, symbol = codec_of(param).pop(changing._replace(**same))
            return after._replace(**nothing), symbol

        loop = _kernel(lambda changing, params: jax.lax.scan(step, changing, params, length), message)
        after, symbols = loop(message._replace(**nothing), params)
        return after._replace(**same), symbols

    if _is_local(codec_of, params):
        return Codec(push_heads, pop_heads, pops_any_message, local=True)
    return Codec(push, pop, pops_any_message)


def repeat(codec: Codec, length: int) -> Codec:
    """Makes a codec of symbols along a leading axis, all with the same codec.

    Args:
        codec: The codec of one symbol.
        length: Number of symbols.

    Returns:
        Codec of symbols with a leading axis, popped in its order.
    """
    return scan(lambda _: codec, None, length, codec.pops_any_message)


def _is_local(codec_of: Callable[[Any], Codec], params: Any) -> bool:
    flags = []
    one = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), params)
    jax.eval_shape(lambda param: flags.append(codec_of(param).local), one)
    return flags[0]


def _kernel(loop: Callable, message: Message) -> Callable:
    """Makes the loop a single kernel, which runs on one core, unless it has enough work for several cores."""
    return compiler.one_kernel(loop) if message.head.size <= _MOST_HEADS else loop
