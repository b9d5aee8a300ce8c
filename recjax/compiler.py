"""How programs are compiled for CPUs: for the widest vectors, and loops of little work as one kernel.

This changes nothing of what is computed but the rounding of floats, which decide nothing that a decoder does.
"""

from collections.abc import Callable
from functools import lru_cache, partial, wraps
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import jaxlib
from jax.core import Tracer
from jax.experimental.xla_metadata import set_xla_metadata
from jax.extend.core import ClosedJaxpr, Jaxpr, jaxpr_as_fun

_WIDE = {"xla_cpu_prefer_vector_width": 512}
_ONE_KERNEL = {"xla_cpu_small_call": "true", "inlineable": "false"}
_KERNEL_VERSIONS = ("0.10.",)


def wide(function: Callable[..., Any]) -> Callable[..., Any]:
    """A jitted function whose first argument is static, compiled for the widest vectors where it is called by itself.

    XLA:CPU takes half of AVX-512 by default. Within a function that is being traced it becomes a part of that one, for
    which its caller chooses.
    """
    plain = jax.jit(function, static_argnums=0)

    @wraps(function)
    def call(*arguments):
        # Under jit, constants are tracers, too.
        if any(isinstance(leaf, Tracer) for leaf in (jnp.zeros(()), *jax.tree.leaves(arguments[1:]))):
            return plain(*arguments)
        return (_for_widest(function) or plain)(*arguments)

    return call


@lru_cache(maxsize=8)
def _for_widest(function: Callable[..., Any]) -> Callable[..., Any] | None:
    options = _options()
    return None if options is None else jax.jit(function, static_argnums=0, compiler_options=options)


@lru_cache(maxsize=1)
def _options() -> dict[str, Any] | None:
    """Options of compilation for this machine, None if it needs none, or if this XLA does not know them."""
    if jax.default_backend() != "cpu" or not _has_avx512():
        return None
    try:
        jax.jit(lambda x: x + 1, compiler_options=_WIDE)(0.0)
    except jax.errors.JaxRuntimeError:
        return None
    return _WIDE


def _has_avx512() -> bool:
    try:
        return "avx512f" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


def one_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of arrays that becomes one kernel, run by one core, where a CPU's program has it as a part.

    XLA:CPU starts every operation of a loop's step by itself, which for small arrays takes longer than the operation;
    its own loops of a few bytes it compiles like this. All that the function returns must depend on its first array of
    integers, and there must be no product of matrices, sorting or scattering in it. Among several devices it stays as
    it is, for XLA to partition.
    """
    if jax.default_backend() != "cpu" or jax.device_count() > 1 or not jaxlib.__version__.startswith(_KERNEL_VERSIONS):
        return function

    def call(*arguments):
        leaves = jax.tree.leaves(arguments)
        traced, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
        # Unless it cannot see into them, XLA moves constants to where they are used.
        inputs = jax.lax.optimization_barrier((traced.consts, leaves))
        if not all(x.size for x in jax.tree.leaves(inputs)):
            return function(*arguments)
        found = jax.jit(partial(_whole, traced.jaxpr))(*inputs)
        found[0] = set_xla_metadata(found[0], **_ONE_KERNEL)
        return jax.tree.unflatten(jax.tree.structure(shapes), found)

    return call


def _whole(jaxpr: Jaxpr, constants: list[jax.Array], arguments: list[jax.Array]) -> list[jax.Array]:
    """What the jaxpr returns. XLA fails on a kernel with an input that is not used, as it may be once what depends on
    it is dropped; hence every input is a part of the first one, as nothing that XLA would know for nothing.
    """
    nothing = jnp.uint32(0)
    for x in (*constants, *arguments):
        word = jnp.ravel(x)[0].astype(jnp.uint32)
        nothing = nothing | ((word & 1) & (word >> 1 << 1))
    first, *others = arguments
    return jaxpr_as_fun(ClosedJaxpr(jaxpr, constants))(first + nothing.astype(first.dtype), *others)
