"""Decoding hostile files, with a watch on time, memory and what comes back."""

import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import jax
import numpy as np

from experiments import memory
from recjax.container import file as container
from recjax.errors import FormatError

MAX_BYTES = 1 << 24
"""What the images of a file may take, as a caller limits it who does not trust it."""

HANG_SECONDS, FILE_MEGABYTES = 60.0, 512.0
"""What the decoding of a file may take, compilation included."""

_MANY_COMPILED = 400
_NUMBER = re.compile(r"\b[0-9a-f]{16,}\b|\d+")


class Broken(AssertionError):
    """A decoder did with a file what it must not do."""


@dataclass
class Watch:
    """What was seen.

    outcomes: by kind of input and what came of it. reasons: of refusals, with # for their numbers.
    file_seconds, megabytes: the most that one file took, by whether something compiled for it; of memory, what its
        decoding adds at its highest.
    peak_megabytes: of the process; None, as megabytes, where the system does not tell.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    file_seconds: dict[str, float] = field(default_factory=lambda: {"compiled": 0.0, "warm": 0.0})
    megabytes: dict[str, float | None] = field(default_factory=lambda: {"compiled": None, "warm": None})
    compilations: int = 0
    peak_megabytes: float | None = None

    def saw(self, state: str, seconds: float, megabytes: float | None) -> None:
        """One more file, "compiled" or "warm"."""
        self.file_seconds[state] = max(self.file_seconds[state], seconds)
        if megabytes is not None:
            self.megabytes[state] = max(self.megabytes[state] or 0.0, megabytes)


def try_file(data: bytes, decode: Callable[[bytes], np.ndarray], hang_seconds: float) -> str:
    """The sentence by which a file is refused, or "" for one that decodes to what its header declares; else Broken."""
    try:
        with _alarm(hang_seconds):
            images = decode(data)
    except FormatError as error:
        if not str(error).endswith(".") or "\n" in str(error):
            raise Broken(f"refused without a sentence, {error}: {data.hex()}") from error
        return str(error)
    except Broken as error:
        raise Broken(f"{error}: {data.hex()}") from error
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise Broken(f"{type(error).__name__}, {error}: {data.hex()}") from error
    header = container.read(data).header
    if images.dtype != np.uint8 or images.shape != (header.count, *header.image_shape):
        raise Broken(f"decoded to {images.dtype} {images.shape}: {data.hex()}")
    return ""


def attack(
    inputs: Iterable[tuple[str, bytes]],
    decode: Callable[[bytes], np.ndarray],
    hang_seconds: float = HANG_SECONDS,
    file_megabytes: float = FILE_MEGABYTES,
) -> Watch:
    """Try inputs (kind, file); Broken for one that takes longer, or adds more than so many megabytes."""
    with watched(decode, hang_seconds, file_megabytes) as (seen, take):
        for kind, data in inputs:
            take(kind, data)
    return seen


@contextmanager
def watched(
    decode: Callable[[bytes], np.ndarray], hang_seconds: float, file_megabytes: float
) -> Iterator[tuple[Watch, Callable[[str, bytes], None]]]:
    """What was seen, and a function that tries one more input and adds to it; see `attack`."""
    seen, compiled = Watch(), []

    def listen(event: str, duration_secs: float, **_: str | int) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(event)

    def take(kind: str, data: bytes) -> None:
        before, held, start = len(compiled), memory.megabytes(), time.perf_counter()
        memory.forget_peak()
        reason = try_file(data, decode, hang_seconds)
        seconds, peak = time.perf_counter() - start, memory.peak_megabytes()
        added = None if held is None or peak is None else max(peak - held, 0.0)
        if added is not None and added > file_megabytes:
            raise Broken(f"took {added:.0f} MB of memory: {data.hex()}")
        seen.saw("compiled" if len(compiled) > before else "warm", seconds, added)
        seen.compilations = len(compiled)
        seen.peak_megabytes = None if peak is None else max(seen.peak_megabytes or 0.0, peak)
        seen.outcomes[f"{kind}, {'refused' if reason else 'decoded'}"] += 1
        if reason:
            seen.reasons[_NUMBER.sub("#", reason)] += 1
        # Every compiled function holds some mappings of memory, of which a process has 65,530 at most on Linux.
        if len(compiled) // _MANY_COMPILED > before // _MANY_COMPILED:
            jax.clear_caches()

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield seen, take
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


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
