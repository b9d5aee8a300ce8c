"""Programs for the widest vectors of this machine.

They change nothing of what is computed but the rounding of floats, which decide nothing that a decoder does.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer

_WIDE = {"xla_cpu_prefer_vector_width": 512}


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
