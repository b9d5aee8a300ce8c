"""Ends a process of the command line on a signal: at once, without half-written files, with the signal's exit code.

A thread ends the process, because the main thread may be in native code for long, where Python handles no signal. No
exception is raised, since it could get lost in a destructor, or be replaced by another one. `import recjax` changes no
signal handler; only `end_at_signals` does, which the command line calls for its own process.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_WORDS = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "its terminal was closed"}
_SHOW_CURSOR = b"\r\x1b[K\x1b[?25h"

_undo: dict[object, Callable[[], object]] = {}
_ending = threading.Lock()


@contextmanager
def undone(action: Callable[[], object]) -> Iterator[None]:
    """Registers an action that a signal which ends the process calls first, for as long as the block runs.

    The action must import nothing and wait for no lock: the main thread stands still meanwhile, with all locks that it
    holds.

    Args:
        action: A function without arguments; its exceptions are ignored.

    Yields:
        Nothing.
    """
    token = object()
    _undo[token] = action
    try:
        yield
    finally:
        del _undo[token]


def end_at_signals() -> None:
    """Makes SIGINT, SIGTERM and SIGHUP end this process from now on.

    Signals that are ignored, as SIGHUP is under nohup, stay ignored.
    """
    read, write = os.pipe()
    os.set_blocking(write, False)
    # Two threads, so that a second signal ends the process at once while the first still runs its actions.
    for _ in range(2):
        threading.Thread(target=_end_at_signal, args=(read,), daemon=True).start()
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for name in _WORDS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, _stand_still)


def _stand_still(number: int, frame: object) -> None:
    while True:
        time.sleep(60)


def _end_at_signal(read: int) -> None:
    number = os.read(read, 1)[0]
    if _ending.acquire(blocking=False):
        for action in reversed(list(_undo.values())):
            with suppress(Exception):
                action()
        with suppress(OSError):
            # A progress bar may have hidden the cursor.
            cursor = _SHOW_CURSOR if os.isatty(2) and os.environ.get("TERM") != "dumb" else b""
            os.write(2, cursor + f"recjax: {_WORDS[signal.Signals(number).name]}.\n".encode())
    os._exit(128 + number)
