"""Decodes hostile files and checks time, memory and the result of each."""

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
"""Limit on the bytes of decoded images, as a caller sets it who does not trust a file."""

HANG_SECONDS, FILE_MEGABYTES = 60.0, 512.0
"""Default limits on the decoding of one file, compilation included: seconds, and megabytes of memory."""

_MANY_COMPILED = 400
_NUMBER = re.compile(r"\b[0-9a-f]{16,}\b|\d+")


class Broken(AssertionError):
    """Raised when a decoder misbehaves on a file; the message ends in the file in hex."""


@dataclass
class Watch:
    """Records what happened to the files that were tried.

    Files are told apart by whether XLA compiled something while they were decoded ("compiled") or not ("warm").

    Attributes:
        outcomes: Number of files by "KIND, refused" or "KIND, decoded", where KIND is the kind of input.
        reasons: Number of refusals by sentence, with "#" in place of numbers.
        file_seconds: Longest time of a file, for "compiled" and "warm".
        megabytes: Largest amount of memory that the decoding of a file added at its peak, for "compiled" and "warm";
            None if there was no such file or the operating system does not tell.
        compilations: Number of XLA compilations.
        peak_megabytes: Peak memory of the process; None if the operating system does not tell.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    file_seconds: dict[str, float] = field(default_factory=lambda: {"compiled": 0.0, "warm": 0.0})
    megabytes: dict[str, float | None] = field(default_factory=lambda: {"compiled": None, "warm": None})
    compilations: int = 0
    peak_megabytes: float | None = None

    def saw(self, state: str, seconds: float, megabytes: float | None) -> None:
        """Adds the time and memory of one more file.

        Args:
            state: "compiled" or "warm".
            seconds: Time of its decoding.
            megabytes: Memory that its decoding added; None if not known.
        """
        self.file_seconds[state] = max(self.file_seconds[state], seconds)
        if megabytes is not None:
            self.megabytes[state] = max(self.megabytes[state] or 0.0, megabytes)


def try_file(data: bytes, decode: Callable[[bytes], np.ndarray], hang_seconds: float) -> str:
    """Decodes a file and checks that it is either refused with a sentence or decoded to what its header declares.

    Args:
        data: The file.
        decode: The decoder.
        hang_seconds: Time after which the decoder counts as hanging.

    Returns:
        The sentence of the refusal, or "" for a file that was decoded.

    Raises:
        Broken: If the decoder hangs, raises anything but a `FormatError` with a sentence, or returns images of another
            dtype or shape than the header declares.
    """
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
    """Tries files one after the other.

    Args:
        inputs: Pairs (kind, file), where the kind is a label under which files are counted.
        decode: The decoder.
        hang_seconds: Time after which the decoder counts as hanging on a file.
        file_megabytes: Memory that the decoding of a file may add.

    Returns:
        What happened to the files.

    Raises:
        Broken: At the first file that breaks the decoder, see `try_file`, or takes too much memory.
    """
    with watched(decode, hang_seconds, file_megabytes) as (seen, take):
        for kind, data in inputs:
            take(kind, data)
    return seen


@contextmanager
def watched(
    decode: Callable[[bytes], np.ndarray], hang_seconds: float, file_megabytes: float
) -> Iterator[tuple[Watch, Callable[[str, bytes], None]]]:
    """Provides a function that tries one file at a time and counts what happened.

    Args:
        decode: The decoder.
        hang_seconds: Time after which the decoder counts as hanging on a file.
        file_megabytes: Memory that the decoding of a file may add.

    Yields:
        The counts, and a function of (kind, file) that tries the file and adds to the counts.

    Raises:
        Broken: By the function, for a file that breaks the decoder, see `try_file`, or takes too much memory.
    """
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
        # Every compiled function holds memory mappings, and Linux allows a process 65,530 of them by default.
        if len(compiled) // _MANY_COMPILED > before // _MANY_COMPILED:
            jax.clear_caches()

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield seen, take
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raises `Broken` in the block once the time is up.

    It needs SIGALRM, and Python runs the handler only between its own instructions: a running XLA computation, which is
    bounded, is waited for.
    """

    def stop(*_) -> None:
        raise Broken(f"no answer in {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
