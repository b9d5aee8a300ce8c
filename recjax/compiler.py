"""Compiles programs for CPUs: for the widest vectors, and loops of little work as a single kernel.

None of this changes results, except for the rounding of floats, which decides nothing in exact files.
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
# The operations that XLA can emit within one kernel; integer code needs no others.
_IN_A_KERNEL = frozenset({
    "abs", "add", "and", "broadcast_in_dim", "clamp", "closed_call", "clz", "concatenate", "cond",
    "convert_element_type", "copy", "core_call", "cumsum", "div", "dynamic_slice", "dynamic_update_slice", "eq",
    "expand_dims", "gather", "ge", "gt", "integer_pow", "iota", "jit", "le", "lt", "max", "min", "mul", "ne", "neg",
    "not", "or", "pad", "pjit", "population_count", "reduce_and", "reduce_max", "reduce_min", "reduce_or",
    "reduce_sum", "rem", "reshape", "rev", "scan", "select_n", "shift_left", "shift_right_arithmetic",
    "shift_right_logical", "sign", "slice", "square", "squeeze", "stop_gradient", "sub", "transpose", "while", "xor",
})  # fmt: skip


def by_own_rules(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Makes a function trace under JAX's default promotion rules, whatever stricter rules its caller has set.

    Args:
        function: Any function.

    Returns:
        A function with the same arguments and results.
    """

    @wraps(function)
    def call(*arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
        with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
            return function(*arguments, **options)

    return call


def in_32_bits(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Makes a host function compute in 32 bits and under JAX's default promotion rules, whatever its caller has set.

    Args:
        function: A function that is not traced by its callers.

    Returns:
        A function with the same arguments and results.
    """

    @wraps(function)
    def call(*arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
        with jax.enable_x64(False):
            return function(*arguments, **options)

    return by_own_rules(call)


def wide(function: Callable[..., Any]) -> Callable[..., Any]:
    """Jits a function with a static first argument, for the CPU's widest vectors where it is called outside of a trace.

    XLA:CPU uses half the width of AVX-512 by default. Called while another function is traced, the function becomes
    part of that one, whose caller chooses the vectors.

    Args:
        function: The function; its first argument must be hashable.

    Returns:
        The jitted function.
    """
    plain = jax.jit(function, static_argnums=0)

    @wraps(function)
    def call(*arguments):
        # While a function is traced, new constants are tracers, too.
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
    """Chooses compiler options for this machine.

    Returns:
        The options; None if the machine needs none, or if this XLA does not know them.
    """
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
    """Tells whether `one_kernel` has an effect here.

    Returns:
        True with a single CPU device and a version of XLA that the kernels were tested with.
    """
    known = jaxlib.__version__.startswith(_KERNEL_VERSIONS)
    return known and jax.default_backend() == "cpu" and jax.device_count() == 1


def one_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a function of arrays a single kernel, run by one core, within the programs of a CPU.

    XLA:CPU starts every operation of a loop's step separately, which for small arrays takes longer than the operation.
    The kernel uses the options by which XLA compiles its own loops over a few bytes.

    Args:
        function: A function of pytrees of arrays. Its first array must be of integers, and all results must depend on
            it.

    Returns:
        A function with the same arguments and results. It is the function itself where `makes_kernels()` is False (with
        several devices, XLA partitions the work), and calls it unchanged if it contains anything but integer arithmetic
        and table look-ups.
    """
    if not makes_kernels():
        return function

    def call(*arguments):
        leaves = jax.tree.leaves(arguments)
        traced, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
        if not _fits(traced.jaxpr):
            return function(*arguments)
        # The barrier hides the constants from XLA, which would otherwise move them into the kernel.
        inputs = jax.lax.optimization_barrier((traced.consts, leaves))
        outputs = jax.jit(partial(_whole, traced.jaxpr))(*inputs)
        outputs[0] = set_xla_metadata(outputs[0], **_ONE_KERNEL)
        return jax.tree.unflatten(jax.tree.structure(shapes), outputs)

    return call


def _fits(jaxpr: Jaxpr) -> bool:
    """Tells whether a jaxpr can be one kernel: known operations on non-empty arrays of integers or booleans only."""
    variables = [*jaxpr.constvars, *jaxpr.invars, *(x for equation in jaxpr.eqns for x in equation.outvars)]
    kinds: list[Any] = [variable.aval for variable in variables]
    if not all(kind.size and (kind.dtype == bool or jnp.issubdtype(kind.dtype, jnp.integer)) for kind in kinds):
        return False
    return all(
        equation.primitive.name in _IN_A_KERNEL and all(map(_fits, _within(equation.params))) for equation in jaxpr.eqns
    )


def _within(params: dict[str, Any]) -> Iterator[Jaxpr]:
    """Yields the jaxprs among the parameters of an equation."""
    for value in params.values():
        for entry in value if isinstance(value, tuple | list) else (value,):
            jaxpr = getattr(entry, "jaxpr", entry)
            if isinstance(jaxpr, Jaxpr):
                yield jaxpr


def _whole(jaxpr: Jaxpr, constants: list[jax.Array], arguments: list[jax.Array]) -> list[jax.Array]:
    """Evaluates a jaxpr with every input tied to the first one.

    XLA fails on a kernel with an unused input, and an input may become unused once dead code is dropped. So a zero that
    depends on every input is added to the first one, in a form that XLA does not simplify away.
    """
    nothing = jnp.uint32(0)
    for x in (*constants, *arguments):
        word = jnp.ravel(x)[0].astype(jnp.uint32)
        nothing = nothing | ((word & 1) & (word >> 1 << 1))
    first, *others = arguments
    return jaxpr_as_fun(ClosedJaxpr(jaxpr, constants))(first + nothing.astype(first.dtype), *others)
