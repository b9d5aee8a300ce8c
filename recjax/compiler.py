"""How programs are compiled on this machine: with its widest vectors, and kept for the next process.

Neither changes what is computed but for the rounding of floats, which decide nothing that a decoder does.
"""

import os
from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any

import jax
from jax.core import Tracer

CACHE_VARIABLE = "RECJAX_CACHE"
"""Names the folder of compiled programs, or is "off"."""

_KEPT_SECONDS = 0.2
_WIDE = {"xla_cpu_prefer_vector_width": 512}


def cache_folder() -> Path | None:
    """Where the command line keeps compiled programs, None for nowhere."""
    chosen = os.environ.get(CACHE_VARIABLE, "")
    if chosen.lower() in ("off", "0", "no"):
        return None
    if chosen:
        return Path(chosen).expanduser()
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "recjax" / "compiled"


def keep_programs() -> None:
    """Keep what is compiled from now on, unless JAX was told where to by its own settings.

    A folder that cannot be written costs JAX a warning, and nothing else.
    """
    folder = cache_folder()
    if folder is None or jax.config.values["jax_compilation_cache_dir"]:
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", _KEPT_SECONDS)


def wide(function: Callable[..., Any]) -> Callable[..., Any]:
    """A jitted function whose first argument is static, compiled with the widest vectors where it is called by itself.

    XLA:CPU takes half of AVX-512 by default. Within other functions theirs is the choice, and called with tracers the
    function is a part of them.
    """
    plain = jax.jit(function, static_argnums=0)

    @wraps(function)
    def call(*arguments):
        options = _options()
        if options is None or any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(arguments[1:])):
            return plain(*arguments)
        return _with_options(function)(*arguments)

    return call


@lru_cache(maxsize=8)
def _with_options(function: Callable[..., Any]) -> Callable[..., Any]:
    return jax.jit(function, static_argnums=0, compiler_options=_options())


@lru_cache(maxsize=1)
def _options() -> dict[str, Any] | None:
    """Options of compilation for this machine, None if it needs none, or if this XLA does not know them."""
    if jax.default_backend() != "cpu" or not _has_avx512():
        return None
    try:
        jax.jit(lambda x: x + 1, compiler_options=_WIDE)(0.0)
    except Exception:  # An XLA that has no such option says so in an error of its own kind.
        return None
    return _WIDE


def _has_avx512() -> bool:
    try:
        return "avx512f" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
