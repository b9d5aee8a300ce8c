"""How programs are compiled for CPUs: for the widest vectors, and loops of little work as one kernel.

This changes nothing of what is computed but the rounding of floats, which decide nothing in exact files.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
import jaxlib
from jax.core import Tracer
from jax.experimental.xla_metadata import set_xla_metadata
from jax.extend.core import ClosedJaxpr, Jaxpr, jaxpr_as_fun

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_WIDE = {"xla_cpu_prefer_vector_width": 512}
_ONE_KERNEL = {"xla_cpu_small_call": "true", "inlineable": "false"}
_KERNEL_VERSIONS = ("0.10.",)
# What XLA's emitter of whole kernels knows, and more than that is not needed for integers.
_IN_A_KERNEL = frozenset({
    "abs", "add", "and", "broadcast_in_dim", "clamp", "closed_call", "clz", "concatenate", "cond",
    "convert_element_type", "copy", "core_call", "cumsum", "div", "dynamic_slice", "dynamic_update_slice", "eq",
    "expand_dims", "gather", "ge", "gt", "integer_pow", "iota", "jit", "le", "lt", "max", "min", "mul", "ne", "neg",
    "not", "or", "pad", "pjit", "population_count", "reduce_and", "reduce_max", "reduce_min", "reduce_or",
    "reduce_sum", "rem", "reshape", "rev", "scan", "select_n", "shift_left", "shift_right_arithmetic",
    "shift_right_logical", "sign", "slice", "square", "squeeze", "stop_gradient", "sub", "transpose", "while", "xor",
})  # fmt: skip


def by_own_rules(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Makes a function trace under JAX's default rules of promotion, whatever its caller demands of their own code."""

    @wraps(function)
    def call(*arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
        with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
            return function(*arguments, **options)

    return call


def in_32_bits(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """A function of the host that computes by JAX's default rules and in 32 bits, whatever its caller computes in."""

    @wraps(function)
    def call(*arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
        with jax.enable_x64(False):
            return function(*arguments, **options)

    return by_own_rules(call)


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


def makes_kernels() -> bool:
    """Whether `one_kernel` does anything here: on a single CPU, by a version of XLA that it was tested with."""
    known = jaxlib.__version__.startswith(_KERNEL_VERSIONS)
    return known and jax.default_backend() == "cpu" and jax.device_count() == 1


def one_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of arrays that becomes one kernel, run by one core, where a CPU's program has it as a part.

    XLA:CPU starts every operation of a loop's step by itself, which for small arrays takes longer than the operation;
    its own loops of a few bytes it compiles like this. The function's first array must be of integers, and all that it
    returns must depend on it. It stays as it is with anything but arithmetic of integers and look-ups in it, and among
    several devices, for XLA to partition.
    """
    if not makes_kernels():
        return function

    def call(*arguments):
        leaves = jax.tree.leaves(arguments)
        traced, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
        if not _fits(traced.jaxpr):
            return function(*arguments)
        # Unless it cannot see into them, XLA moves constants to where they are used.
        inputs = jax.lax.optimization_barrier((traced.consts, leaves))
        found = jax.jit(partial(_whole, traced.jaxpr))(*inputs)
        found[0] = set_xla_metadata(found[0], **_ONE_KERNEL)
        return jax.tree.unflatten(jax.tree.structure(shapes), found)

    return call


def _fits(jaxpr: Jaxpr) -> bool:
    """Whether a kernel can be made of it: of its operations, and of arrays of some size, integers or truth values."""
    variables = [*jaxpr.constvars, *jaxpr.invars, *(x for equation in jaxpr.eqns for x in equation.outvars)]
    kinds: list[Any] = [variable.aval for variable in variables]
    if not all(kind.size and (kind.dtype == bool or jnp.issubdtype(kind.dtype, jnp.integer)) for kind in kinds):
        return False
    return all(
        equation.primitive.name in _IN_A_KERNEL and all(map(_fits, _within(equation.params))) for equation in jaxpr.eqns
    )


def _within(params: dict[str, Any]) -> Iterator[Jaxpr]:
    """Jaxprs that an equation's parameters hold."""
    for value in params.values():
        for one in value if isinstance(value, tuple | list) else (value,):
            found = getattr(one, "jaxpr", one)
            if isinstance(found, Jaxpr):
                yield found


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
