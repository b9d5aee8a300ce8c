"""Decoding hostile files, with a watch on time, memory and what comes back."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import jax
import numpy as np

from experiments.memory import peak_megabytes
from recjax import container
from recjax.errors import FormatError

MAX_BYTES = 1 << 24
"""What the images of a file may take, as a caller limits it who does not trust it."""

_MANY_COMPILED = 400


class Broken(AssertionError):
    """A decoder did with a file what it must not do."""


@dataclass
class Watch:
    """What was seen. slowest_seconds, slowest_compiling_seconds: of files for which nothing, or something, compiled."""

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0.0
    slowest_compiling_seconds: float = 0.0
    compilations: int = 0
    peak_megabytes: float | None = None


def try_file(data: bytes, decode: Callable[[bytes], np.ndarray], hang_seconds: float) -> str:
    """ "refused" with a sentence, or "decoded" to what the header declares; Broken for anything else."""
    try:
        with _alarm(hang_seconds):
            images = decode(data)
    except FormatError as error:
        if not str(error).endswith(".") or "\n" in str(error):
            raise Broken(f"refused without a sentence, {error}: {data.hex()}") from error
        return "refused"
    except Broken:
        raise
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise Broken(f"{type(error).__name__}, {error}: {data.hex()}") from error
    header = container.read(data).header
    if images.dtype != np.uint8 or images.shape != (header.count, *header.image_shape):
        raise Broken(f"decoded to {images.dtype} {images.shape}: {data.hex()}")
    return "decoded"


def attack(
    inputs: Iterator[tuple[str, bytes]], decode: Callable[[bytes], np.ndarray], hang_seconds: float = 60.0
) -> Watch:
    """Try inputs (kind, file), and count outcomes by kind."""
    seen, compiled = Watch(), []

    def listen(event: str, duration_secs: float, **_: str | int) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        for kind, data in inputs:
            before, start = len(compiled), time.perf_counter()
            outcome = try_file(data, decode, hang_seconds)
            seconds = time.perf_counter() - start
            if len(compiled) > before:
                seen.slowest_compiling_seconds = max(seen.slowest_compiling_seconds, seconds)
            else:
                seen.slowest_seconds = max(seen.slowest_seconds, seconds)
            seen.outcomes[f"{kind}, {outcome}"] += 1
            # Every compiled function holds some mappings of memory, of which a process has 65,530 at most on Linux.
            if len(compiled) // _MANY_COMPILED > before // _MANY_COMPILED:
                jax.clear_caches()
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    seen.compilations = len(compiled)
    seen.peak_megabytes = peak_megabytes()
    return seen


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Broken once the time is up, where signals are had; XLA's own loops are bounded, and are waited for."""

    def stop(*_) -> None:
        raise Broken(f"no answer in {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
