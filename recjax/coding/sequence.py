"""Sequences of symbols: codecs one after another, compiled once for all of them.

Where the codecs are `local`, a push is a loop over the heads alone, and what all its steps shed is written at once; and
on CPUs a loop is one kernel instead of some ten a step, each of which takes as long to start as a few lanes to code.
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

# Above, starting a kernel for each operation takes no longer than the operation, and several cores may share it.
_MOST_HEADS = 512


def scan(
    codec_of: Callable[[Any], Codec], params: Any, length: int | None = None, pops_any_message: bool = True
) -> Codec:
    """Symbols with a leading axis, popped in its order, one by codec_of(params[i]) each; compiled once for all i.

    Like any function given to `lax.scan`, it is compiled again at every call that is not inside a `jit`.
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
        # [steps, *batch, pushes of a step, lanes], of which the last step was pushed first.
        shed = jnp.moveaxis(shed[::-1], 0, -3)
        *batch, steps, pushes, lanes = shed.shape
        return rans.write(message._replace(head=head), shed.reshape(*batch, steps * pushes, lanes))

    def pop(message):
        return jax.lax.scan(lambda message, param: codec_of(param).pop(message), message, params, length)

    def pop_heads(message):
        # Tail and active lanes stay as they are, so they are no part of what goes from step to step.
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
    """`length` symbols of one codec, on a leading axis."""
    return scan(lambda _: codec, None, length, codec.pops_any_message)


def _is_local(codec_of: Callable[[Any], Codec], params: Any) -> bool:
    found = []
    one = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), params)
    jax.eval_shape(lambda param: found.append(codec_of(param).local), one)
    return found[0]


def _kernel(loop: Callable, message: Message) -> Callable:
    """The loop as one kernel, which runs on one core, unless it has work for several."""
    return compiler.one_kernel(loop) if message.head.size <= _MOST_HEADS else loop
